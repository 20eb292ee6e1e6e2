"""Keeps a file of ours out of the user's ``git status``, by the repository's own local exclude file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular, read_head
from dspy_agent.workspace.ignore import Filters, Folder, Ignores


def keep_from_git(workspace: Path, name: str) -> None:
    """Add ``name`` to ``info/exclude`` of the repository around ``workspace``, unless it is ignored already.

    That file is local: it is never committed. Where it can't be written, or is not plainly the user's own,
    nothing is done.
    """
    try:
        folder = _git_folder(workspace)
        if folder is None or _is_ignored(workspace, name):
            return
        info = folder / "info"
        info.mkdir(exist_ok=True)
        if not _is_own_folder(info):
            return
        data = _read(info / "exclude")
        if name.encode() not in data.splitlines():
            end = b"" if data.endswith(b"\n") or not data else b"\n"
            write_atomic(info / "exclude", [data, end, name.encode(), b"\n"])
    except (OSError, ValueError):
        return


def _read(path: Path) -> bytes:
    try:
        with open_regular(path, follow=False) as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _is_ignored(workspace: Path, name: str) -> bool:
    path = os.fspath(workspace)
    ignores = Ignores(path, Filters(hidden=True))
    folder = Folder.load(path, ignores.enter(path))
    return ignores.leaves_out(folder, os.fspath(workspace / name), name, False)


def _git_folder(workspace: Path) -> Path | None:
    """Return the git folder that all worktrees of the repository around ``workspace`` share."""
    for folder in (workspace, *workspace.parents):
        git = folder / ".git"
        if not os.path.lexists(git):
            continue
        pointer = b"" if git.is_dir() else read_head(git, 1 << 16)
        if pointer.startswith(b"gitdir: "):  # of a worktree or a submodule
            git = folder / os.fsdecode(pointer[8:].strip())
            common = read_head(git / "commondir", 1 << 16).strip()
            git = git / os.fsdecode(common) if common else git
            git = git.resolve()
        is_one = _is_own_folder(git) and (git / "HEAD").is_file() and (git / "objects").is_dir()
        return git if is_one else None
    return None


def _is_own_folder(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
