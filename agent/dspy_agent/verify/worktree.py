"""A scratch copy of the workspace, to try a change in. Needs no git; a broken repository is fine."""

from __future__ import annotations

import contextlib
import hashlib
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
_MODULES: Final = "node_modules"  # links to what lies there, which nobody may write in the sandbox
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
        for entry, kind in _entries(source, made, workspace):
            there = os.path.join(target, entry.name)
            if kind == "folder":
                stack.append((entry.path, there))
            elif kind == "link":
                os.symlink(_target(entry, workspace), there)
            else:
                size = entry.stat(follow_symlinks=False).st_size
                files, total = files + 1, total + size
                if files > MAX_FILES or total > MAX_TOTAL_BYTES:
                    raise _too_large()
                if size > MAX_FILE_BYTES or not _copy_file(entry.path, there):
                    made.left_out.append(os.path.relpath(entry.path, workspace))


def _entries(folder: str, made: Scratch, workspace: Path) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield what is to be copied of ``folder``: each entry, and whether it is a folder, a link or a file."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except PermissionError:
        made.left_out.append(os.path.relpath(folder, workspace))
        return
    for entry in found:
        if entry.name.startswith(_OURS):
            continue
        if entry.is_symlink() or (entry.is_dir() and _is_module(entry)):
            yield entry, "link"
        elif entry.is_dir(follow_symlinks=False):
            if _is_wanted(entry):
                yield entry, "folder"
        elif entry.is_file(follow_symlinks=False):
            yield entry, "file"


def _is_module(entry: os.DirEntry[str]) -> bool:
    """Return whether this is an installed module of JavaScript: no scope, and not the programs."""
    parts = entry.path.split(os.sep)[-3:]
    if entry.name.startswith("@") or entry.name == ".bin":
        return False
    return parts[-2] == _MODULES or (len(parts) == 3 and parts[0] == _MODULES and parts[1].startswith("@"))


def _target(entry: os.DirEntry[str], workspace: Path) -> str:
    """Return where the copy of a link leads: the same file of the copy, or the same one outside."""
    if not entry.is_symlink():
        return entry.path
    target = os.readlink(entry.path)
    there = os.path.normpath(os.path.join(os.path.dirname(entry.path), target))
    inside = Path(there).is_relative_to(workspace)
    return target if inside and not os.path.isabs(target) else there


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    if entry.name in _LEFT_OUT:
        return False
    return not any(os.path.lexists(os.path.join(entry.path, mark)) for mark in _MARKS)


def _copy_file(source: str, target: str) -> bool:
    try:
        shutil.copyfile(source, target, follow_symlinks=False)
        shutil.copystat(source, target, follow_symlinks=False)
    except (PermissionError, FileNotFoundError):
        return False
    os.chmod(target, os.stat(target).st_mode | stat.S_IWUSR)
    return True


def state_of(workspace: Path) -> bytes:
    """Return what tells one state of the files from the next, by their times and sizes."""
    seen = hashlib.sha256()
    stack = [os.fspath(workspace)]
    nothing = Scratch(workspace, workspace)
    while stack:
        for entry, kind in _entries(stack.pop(), nothing, workspace):
            if kind == "folder":  # its time changes with what is left out
                stack.append(entry.path)
                seen.update(f"{entry.path!r}\n".encode())
                continue
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                seen.update(
                    f"{entry.path!r} {kind} {found.st_ino} {found.st_size} {found.st_mtime_ns}\n".encode()
                )
    return seen.digest()


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
