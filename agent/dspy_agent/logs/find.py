"""Finds the log files of a workspace: those that were named, or the usual places."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent_core.errors import WorkspaceError

LOGS_VARIABLE: Final = "DSPY_AGENT_LOGS"
STDIN: Final = Path("-")
USUAL_FOLDERS: Final = ("logs", "log", "var/log")
MAX_FILES: Final = 500
_MAX_SEEN: Final = 100_000
_NEAR_FOLDERS: Final = 3  # of a file outside of the workspace: these may be named for its app

_LOG_NAME = re.compile(
    r"(?:.*\.(?:log|out|err|jsonl|ndjson)(?:[.-][\w.-]*)?|(?:syslog|messages|dmesg|nohup\.out)(?:[.-].*)?)",
    re.I,
)
_NO_LOG_NAME = re.compile(
    r".*\.(?:pid|lock|sock|zip|tar|tgz|tar\.gz|png|jpe?g|pyc|so|o|db|sqlite3?|bin|swp|md|html?|css|py|js|ya?ml|toml)$",
    re.I,
)
# What rotation calls a file that it has put aside: by number or date, and maybe packed.
_ROTATED = re.compile(
    r"(?P<base>.+?)(?:\.(?P<number>\d{1,4})|[.-]\d{4}-?\d\d-?\d\d(?:[-T_.]?\d+)?)?(?P<packed>\.(?:gz|bz2|xz|zst))?",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Found:
    """Log files, newest first, in the places ``looked_in``; ``left_out`` older ones were over the limit."""

    files: tuple[Path, ...]
    looked_in: tuple[str, ...]
    left_out: int = 0


def find_logs(
    workspace: Path,
    named: tuple[Path, ...],
    environ: Mapping[str, str] = os.environ,
    *,
    apps: Sequence[str] = (),
    everything: bool = False,
) -> Found:
    """Return the log files to read, of ``apps`` only if some are named.

    Args:
        workspace: where the usual places are.
        named: files and folders to look in instead; ``Path("-")`` stands for standard input.
        environ: names places, where nothing else does.
        apps: keep what belongs to one of these by a folder or by its name.
        everything: leave none out, however many there are.

    Raises:
        WorkspaceError: if a named place is not there or can't be read.
    """
    given = named or tuple(Path(p) for p in environ.get(LOGS_VARIABLE, "").split(os.pathsep) if p)
    if given:
        places = [_existing(workspace, place) for place in given]
        candidates = [file for place in places for file in _of_named(place)]
        looked = tuple(str(place) for place in given)
    else:
        candidates = list(_usual(workspace))
        looked = (*(f"{folder}/" for folder in USUAL_FOLDERS), "*.log")
    files = _newest_first(_of_apps(candidates, apps, workspace))
    kept = files if everything else files[:MAX_FILES]
    return Found(kept, looked, len(files) - len(kept))


def _of_apps(files: list[Path], apps: Sequence[str], workspace: Path) -> list[Path]:
    if not apps:
        return files
    return [path for path in files if any(_is_of(path, app, workspace) for app in apps)]


def _is_of(path: Path, app: str, workspace: Path) -> bool:
    absolute = path.absolute()
    if absolute.is_relative_to(workspace):
        folders = absolute.relative_to(workspace).parts[:-1]
    else:
        folders = absolute.parts[:-1][-_NEAR_FOLDERS:]
    return app in folders or path.name == app or path.name.startswith(f"{app}.")


def _existing(workspace: Path, place: Path) -> Path:
    if place == STDIN:
        return place
    place = place.expanduser()
    for path in (place, workspace / place):
        try:
            path.stat()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise _unreadable(place, error) from None
        if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            raise _unreadable(place, PermissionError(13, "Permission denied"))
        return path
    raise WorkspaceError(
        f"There is no log file or folder {place}.",
        code="PathNotFound",
        next="Name one that is there: --logs PATH (a file, a folder, or - for standard input).",
    )


def _unreadable(place: Path, error: Exception) -> WorkspaceError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return WorkspaceError(
        f"The logs at {place} can't be read: {reason}.",
        code="PathUnreadable",
        next=f"Make them readable (ls -ld '{place}'), or name others with --logs PATH.",
    )


def _of_named(place: Path) -> Iterator[Path]:
    if place == STDIN or not place.is_dir():
        yield place
        return
    yield from _walk(place, lambda name: not _NO_LOG_NAME.fullmatch(name))


def _usual(workspace: Path) -> Iterator[Path]:
    for folder in USUAL_FOLDERS:
        yield from _walk(workspace / folder, lambda name: not _NO_LOG_NAME.fullmatch(name))
    try:
        entries = list(os.scandir(workspace))
    except OSError:
        return
    yield from (Path(e.path) for e in entries if _LOG_NAME.fullmatch(e.name) and e.is_file())


def _walk(folder: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    seen = 0
    for root, folders, names in os.walk(folder):  # does not follow links to folders
        folders[:] = sorted(name for name in folders if name not in (".git", "node_modules"))
        for name in sorted(names):
            seen += 1
            if seen > _MAX_SEEN:
                return
            if not name.startswith(".") and wanted(name):
                yield Path(root, name)


def rotated_from(path: Path) -> Path | None:
    """Return what ``app.log.1``, ``app.log.2.gz`` or ``app.log-20260131`` was before; None for others."""
    match = _ROTATED.fullmatch(path.name)
    return path.with_name(match["base"]) if match and match["base"] != path.name else None


def _newest_first(candidates: list[Path]) -> tuple[Path, ...]:
    dated: dict[tuple[int, int], tuple[float, Path]] = {}
    for path in candidates:
        if path == STDIN:
            dated[0, 0] = (float("inf"), path)
            continue
        try:
            status = path.stat()
        except OSError:
            continue
        dated.setdefault((status.st_dev, status.st_ino), (status.st_mtime, path))
    ordered = sorted(_in_families(dated.values()), key=lambda entry: entry[:-1])
    return tuple(entry[-1] for entry in ordered)


def _in_families(dated: Iterable[tuple[float, Path]]) -> Iterator[tuple[float, str, int, Path]]:
    """Yield sort keys and paths: of what rotation numbers, a higher number is older, whatever its time."""
    families: dict[Path, list[tuple[int, float, Path]]] = {}
    for time, path in dated:
        match = _ROTATED.fullmatch(path.name)
        base = rotated_from(path)
        number = -1 if base is None else int(match["number"] or 0) if match else 0
        families.setdefault(base or path, []).append((number, time, path))
    for base, members in families.items():
        newest = float("inf")
        for number, time, path in sorted(members, key=lambda member: (member[0], -member[1])):
            newest = min(newest, time)
            yield -newest, str(base), number, path
