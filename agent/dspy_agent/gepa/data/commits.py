"""The commits of a workspace: what was asked for, in the developers' words, and the files that it took."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOST: Final = 600
_SECONDS: Final = 20
_GIT: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false", "log", "--no-color", "--no-show-signature")
_WHICH: Final = ("--no-merges", "--no-renames", "--no-ext-diff", "--no-textconv", "--relative")
_MARK: Final = "commit"
_CHANGED: Final = re.compile(r"\s*(\d+)\t(\d+)\t(.+)", re.S)
_SHAPE: Final = ("--numstat", "-z", f"--format=%x00{_MARK}%x00%h%x00%s%x00")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its first line, and the lines that changed in each file below the workspace."""

    id: str
    subject: str
    files: dict[str, int]


def commits(workspace: Path) -> list[Commit]:
    """Return the last commits, newest first; none without git or a repository.

    Nothing that the repository configures is run, and nothing is fetched.
    """
    try:
        done = subprocess.run(
            [*_GIT, *_WHICH, *_SHAPE, "-n", str(_MOST), "--", "."],
            cwd=workspace,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return list(_parse(done.stdout.decode("utf-8", "replace")))


def _parse(text: str) -> Iterator[Commit]:
    """Yield the commits in parts that NUL bytes end: a mark, hash and subject, then the files."""
    parts = iter(text.split("\0"))
    found: Commit | None = None
    for part in parts:
        if part.strip("\n") == _MARK:
            if found is not None:
                yield found
            found = Commit(next(parts, ""), next(parts, ""), {})
        elif found is not None and (match := _CHANGED.fullmatch(part)):
            found.files[match[3]] = int(match[1]) + int(match[2])
    if found is not None:
        yield found
