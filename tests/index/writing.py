"""A process that changes files and brings their index up to date: ``python writing.py ROOT TIMES``."""

from __future__ import annotations

import sys
from pathlib import Path

from dspy_agent.index import update
from tests.index.kit import opened

if __name__ == "__main__":
    root = Path(sys.argv[1])
    update._SMALL_SEGMENTS = 1  # segments are merged, and removed, all the time
    index = opened(root)
    for number in range(int(sys.argv[2])):
        (root / f"m{number % 5}.py").write_text(f"def gamma_{number}(): return {number}\n")
        index.update() if number % 9 else index.rebuild()
        assert not index.notes, index.notes
