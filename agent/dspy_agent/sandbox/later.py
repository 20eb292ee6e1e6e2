"""Keeps a command from leaving what runs later, outside, as the user: git's settings and hooks.

For the kinds of sandbox that know no read-only place in a writable folder: they are put back after.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular

_SETTINGS: Final = ("config", "config.worktree", "info/attributes")
_MAX_BYTES: Final = 1 << 20

_Files = dict[str, tuple[bytes, int]]


@contextmanager
def settings_kept(folders: Sequence[str]) -> Iterator[None]:
    """Put git's settings and hooks in ``folders`` back, as they were before the block."""
    before = {git: _read(git) for folder in folders if (git := Path(folder, ".git")).is_dir()}
    try:
        yield
    finally:
        for git, files in before.items():
            _restore(git, files)


def _read(git: Path) -> _Files:
    hooks = [f"hooks/{path.name}" for path in (git / "hooks").glob("*")]
    found: _Files = {}
    for name in (*_SETTINGS, *hooks):
        try:
            with open_regular(git / name, follow=False) as file:
                found[name] = file.read(_MAX_BYTES), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except OSError:
            continue
    return found


def _restore(git: Path, files: _Files) -> None:
    for folder in (git, git / "hooks", git / "info"):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            folder.unlink()
    now = _read(git)
    for path in (git / "hooks").glob("*"):
        if f"hooks/{path.name}" not in files:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in _SETTINGS:
        if name not in files and os.path.lexists(git / name):
            (git / name).unlink()
    for name, (data, mode) in files.items():
        if now.get(name) != (data, mode):
            (git / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(git / name, [data])
            (git / name).chmod(mode)
