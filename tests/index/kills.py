"""Builds and updates an index in processes that are killed at each write in turn; prints what came of it.

    python kills.py WORKSPACE before|after|half

Each child ends at its n-th write (at once ``before``, ``after`` it, or with ``half`` of the file on disk),
and the next process must answer rightly. Ends when a child gets through. The output is a list of
``[files in the index that it left, files read after that, files in all]``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from dspy_agent.index import update
from tests.index.kit import assert_current, listed, opened

update.BATCH_FILES = 3
update._COMMIT_EVERY = 2
update._SMALL_SEGMENTS = 2


def kill_at(number: int, how: str) -> None:
    """End this process at its ``number``-th write."""
    seen = 0

    def hooked(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == number and how == "half" and name == "fsync":
                with suppress(OSError):  # a folder
                    os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
            if seen == number and how != "after":
                os._exit(9)
            try:
                return real(*arguments, **options)
            finally:
                if seen == number:
                    os._exit(9)

        setattr(os, name, call)

    for name in ("fsync", "replace", "rename", "unlink", "mkdir"):
        hooked(name)


def in_child(number: int, how: str, root: Path) -> bool:
    """Bring the index up to date in a child; return whether it got through."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            kill_at(number, how)
            opened(root).update(thorough=True)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    return code == 0


def change(root: Path) -> None:
    for number in range(0, 12, 3):
        (root / f"m{number}.py").write_text(f"def gamma_{number}(): return {number}\n")
    (root / "m1.py").unlink()
    (root / "one").mkdir(exist_ok=True)
    (root / "one" / "new.py").write_text("def delta_value(): pass\n")


def main() -> None:
    start, how = Path(sys.argv[1]), sys.argv[2]
    results = []
    for again in (False, True):
        for number in range(1, 1000):
            root = start / f"{again}-{number}"
            root.mkdir()
            for n in range(12):
                (root / f"m{n}.py").write_text(f"def alpha_{n}(): return 'beta'\n")
                os.utime(root / f"m{n}.py", ns=(10**18, 10**18))
            if again:
                opened(root).update()
                change(root)
            through = in_child(number, how, root)
            index = opened(root)
            index.open()
            left = len(listed(index))
            done = index.update()
            assert index.notes == [], index.notes
            assert_current(index)
            names = {path.name for path in (root / ".dspy_index").glob("segment-*")}
            if done:
                assert names == set(index.manifest.segments), names
            results.append([left, done.read if done else 0, len(listed(index))])
            shutil.rmtree(root)
            if through:
                break
    print(json.dumps(results))


if __name__ == "__main__":
    main()
