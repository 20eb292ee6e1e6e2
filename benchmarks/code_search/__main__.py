"""Builds the labelled sets in the cache, after getting and unpacking what they are made of.

$ uv run --group dev python -m benchmarks.code_search
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.code_search import comments, docstrings, fetch, patches, symbols
from benchmarks.code_search.dataset import KINDS
from benchmarks.code_search.packages import COMMENTED_BINARY, COMMENTED_DEBIAN, COMMENTED_NPM, PATCHED, PYTHON
from benchmarks.code_search.places import HALVES, Half, data_folder, half_of

Fetch = Callable[[str, str, Path], Path]
SOURCES: dict[str, tuple[tuple[str, Fetch, dict[str, str]], ...]] = {
    "docstring": (("pypi", fetch.wheel, PYTHON),),
    "issue": (("debian", fetch.debian, PATCHED),),
    "comment": (
        ("debian", fetch.debian, COMMENTED_DEBIAN | PATCHED),
        ("debs", fetch.debian_binary, COMMENTED_BINARY),
        ("npm", fetch.npm, COMMENTED_NPM),
    ),
}


def main() -> None:
    """Build the sets that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--set", choices=KINDS, action="append", help="only this one (repeatable)")
    parser.add_argument("--half", choices=HALVES, action="append", help="only this one")
    arguments = parser.parse_args()
    for kind in arguments.set or KINDS:
        for half in arguments.half or HALVES:
            print(kind, half, json.dumps(_build(kind, half, arguments.data)), file=sys.stderr)


def _build(kind: str, half: Half, data: Path) -> dict[str, int]:
    if kind == "symbol":
        return symbols.build(half, data)
    packages: dict[str, Path] = {}
    for folder, get, pinned in SOURCES[kind]:
        for name, version in pinned.items():
            if half_of(name) == half:
                packages[name] = get(name, version, data / folder)
    build = {"docstring": docstrings.build, "comment": comments.build, "issue": patches.build}[kind]
    return build(half, packages, data)


if __name__ == "__main__":
    main()
