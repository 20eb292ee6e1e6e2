"""The state of a workspace as far as a look at a few files tells it: logs, index, tests, git, a proposal.

Each is one ``stat`` or a small read, so that it can be looked at before each step.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.index.location import index_folder
from dspy_agent.logs.find import STDIN, find_logs
from dspy_agent_core.errors import AgentError

_FRESH_SECONDS: Final = 3600.0
_DAY_SECONDS: Final = 86_400.0
_TAIL: Final = 32 << 10
_KEPT_SECONDS: Final = 2.0
_TROUBLE: Final = re.compile(rb"\b(?:ERROR|FATAL|CRITICAL|PANIC|Traceback|Exception|panic:|[A-Z]\w+Error)\b")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is there.

    ``logs_fresh``: written within the hour; ``git_moved``: within the day; ``index_old``: git moved since.
    """

    has_logs: bool = False
    logs_fresh: bool = False
    logs_errors: bool = False
    indexed: bool = False
    index_old: bool = False
    vectors: bool = False
    git: bool = False
    git_moved: bool = False
    has_tests: bool = False
    tests_failed: bool = False
    proposal: bool = False


_kept: dict[tuple[Path, tuple[Path, ...]], tuple[float, Surroundings]] = {}


def look_around(workspace: Path, logs: tuple[Path, ...]) -> Surroundings:
    """Return the state of ``workspace``, at most two seconds old."""
    now = time.monotonic()
    kept = _kept.get((workspace, logs))
    if kept is None or now - kept[0] > _KEPT_SECONDS:
        if len(_kept) > 64:
            _kept.clear()
        kept = _kept[workspace, logs] = (now, _look(workspace, logs))
    return kept[1]


def _look(workspace: Path, logs: tuple[Path, ...]) -> Surroundings:
    now = time.time()
    has_logs, log_time, errors = _logs(workspace, logs)
    folder = index_folder(workspace)
    index_time = _modified(folder / "manifest")
    git = workspace / ".git"
    git_time = max(_modified(git / "logs" / "HEAD"), _modified(git / "HEAD"))
    return Surroundings(
        has_logs=has_logs,
        logs_fresh=0 < now - log_time < _FRESH_SECONDS,
        logs_errors=errors,
        indexed=index_time > 0,
        index_old=0 < index_time < git_time,
        vectors=_has_entries(folder / "vectors"),
        git=git_time > 0,
        git_moved=now - git_time < _DAY_SECONDS,
        has_tests=any((workspace / name).is_dir() for name in ("tests", "test", "spec", "__tests__")),
        tests_failed=_size(workspace / ".pytest_cache" / "v" / "cache" / "lastfailed") > 4,
        proposal=_modified(workspace / ".dspy_checkpoints" / "proposal.json") > 0,
    )


def _logs(workspace: Path, named: tuple[Path, ...]) -> tuple[bool, float, bool]:
    """Return whether there are logs, when the newest was written, and whether its end tells of trouble."""
    try:
        files = find_logs(workspace, named).files
    except (AgentError, OSError):
        return False, 0.0, False
    if not files or files[0] == STDIN:
        return bool(files), 0.0, False
    return True, _modified(files[0]), bool(_TROUBLE.search(_end(files[0])))


def _end(path: Path) -> bytes:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return file.read(_TAIL)
    except (OSError, ValueError):
        return b""


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _has_entries(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entries)
    except OSError:
        return False
