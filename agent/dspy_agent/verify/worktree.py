"""A scratch copy of the workspace, to try a change in. Needs no git; a broken repository is fine."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dspy_agent.checkpoints.tree import Tree, checked, new_mode
from dspy_agent_core.errors import WorkspaceError

MAX_FILE_BYTES: Final = 32 << 20
MAX_TOTAL_BYTES: Final = 1 << 30
MAX_FILES: Final = 60_000

_LEFT_OUT: Final = frozenset(
    (
        *(".git", ".hg", ".svn", ".jj", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
        *(".tox", ".nox", ".gradle", ".hypothesis", ".terraform", ".next", ".cache", ".idea"),
    )
)
_LINKED: Final = frozenset(("node_modules", "vendor"))  # found at their place, read-only in the sandbox
_OURS: Final = ".dspy_"
_MARKS: Final = ("pyvenv.cfg", "CACHEDIR.TAG", "conda-meta")


@dataclass(slots=True)
class Scratch:
    """A copy. ``tree``: its files; ``out``: a folder beside them for reports; ``left_out``: what it lacks."""

    tree: Path
    out: Path
    left_out: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The folder that holds both: what a command may write."""
        return self.tree.parent


@contextmanager
def scratch(workspace: Path, changes: Mapping[str, bytes | None]) -> Iterator[Scratch]:
    """Give a copy of ``workspace`` in which ``changes`` are made (None removes a file); it is removed after.

    Raises:
        WorkspaceError: a path may not be changed, or the workspace is too large to copy.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="dspy-agent-scratch-")))
    try:
        made = Scratch(folder / "tree", folder / "out")
        made.out.mkdir()
        _copy(workspace, made)
        change(made, changes)
        yield made
    except OSError as error:
        raise WorkspaceError(
            f"No scratch copy can be made: {(error.strerror or str(error)).lower()}.",
            code="ScratchFailed",
            next="Make room in the folder for temporary files (TMPDIR).",
        ) from None
    finally:
        _remove(folder)


def change(made: Scratch, changes: Mapping[str, bytes | None]) -> None:
    """Make ``changes`` in the copy.

    Raises:
        WorkspaceError: a path may not be changed.
    """
    tree = Tree(made.tree)
    for name, data in changes.items():
        path = checked(name)
        found = tree.read(path)
        if data is None:
            tree.remove(path)
            continue
        for folder in tree.missing_folders(path):
            tree.make_folder(folder)
        tree.write(path, data, found[1] if found else new_mode())


def _copy(workspace: Path, made: Scratch) -> None:
    stack = [(os.fspath(workspace), os.fspath(made.tree))]
    files = total = 0
    while stack:
        source, target = stack.pop()
        os.mkdir(target)
        with os.scandir(source) as entries:
            for entry in entries:
                there = os.path.join(target, entry.name)
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), there)
                elif entry.is_dir():
                    if entry.name in _LINKED:
                        os.symlink(entry.path, there)
                    elif _is_wanted(entry):
                        stack.append((entry.path, there))
                elif (size := _size(entry)) is not None:
                    files, total = files + 1, total + size
                    if size > MAX_FILE_BYTES:
                        made.left_out.append(os.path.relpath(entry.path, workspace))
                        continue
                    if files > MAX_FILES or total > MAX_TOTAL_BYTES:
                        raise _too_large()
                    _copy_file(entry.path, there, made)


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    if name in _LEFT_OUT or name.startswith(_OURS):
        return False
    return not any(os.path.lexists(os.path.join(entry.path, mark)) for mark in _MARKS)


def _size(entry: os.DirEntry[str]) -> int | None:
    """Return the bytes of a plain file; None for pipes, sockets and devices."""
    found = entry.stat(follow_symlinks=False)
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _copy_file(source: str, target: str, made: Scratch) -> None:
    try:
        shutil.copyfile(source, target, follow_symlinks=False)
        shutil.copystat(source, target, follow_symlinks=False)
        os.chmod(target, os.stat(target).st_mode | stat.S_IWUSR)
    except PermissionError:
        made.left_out.append(os.path.relpath(source, made.tree))


def _remove(folder: Path) -> None:
    """Remove the copy, also folders that a command made unwritable."""

    def retry(function: object, path: str, error: BaseException) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(path), 0o700)
            if os.path.isdir(path) and not os.path.islink(path):
                os.chmod(path, 0o700)
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)

    shutil.rmtree(folder, onerror=lambda function, path, info: retry(function, path, info[1]))


def _too_large() -> WorkspaceError:
    return WorkspaceError(
        f"The workspace is too large to copy (over {MAX_FILES:,} files or {MAX_TOTAL_BYTES >> 30} GiB).",
        code="WorkspaceTooLarge",
        next="Name the part of it to work in with --workspace DIR.",
    )
