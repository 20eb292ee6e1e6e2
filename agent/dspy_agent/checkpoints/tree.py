"""Files of the workspace, never through a symlink: each folder is opened in the one above."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dspy_agent.checkpoints.model import Version
from dspy_agent.workspace.paths import display
from dspy_agent_core.errors import WorkspaceError

MAX_FILE_BYTES: Final = 4 << 20
_NEW_FILE: Final = 0o644
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CLOSED: Final = frozenset((".git", ".hg", ".svn", ".jj", ".ssh", ".gnupg", ".aws", ".kube"))
_OURS: Final = ".dspy_"


def checked(path: str) -> str:
    """Return the relative ``path`` in its plain form, if files there may be changed.

    Raises:
        WorkspaceError: it leads out of the workspace, or into folders that no edit may touch.
    """
    parts = path.split("/")
    if not path or "\0" in path or path.startswith("/") or ".." in parts:
        raise WorkspaceError(
            f"{display(path) or 'An empty path'} lies outside the workspace.",
            code="OutsideWorkspace",
            next="Name a path inside it, or choose another folder with --workspace DIR.",
        )
    parts = [part for part in parts if part not in ("", ".")]
    if not parts or any(part.lower() in _CLOSED or part.lower().startswith(_OURS) for part in parts):
        raise WorkspaceError(
            f"{display(path)} is not to be changed by an edit.",
            code="PathClosed",
            next="Change it by hand if it must be.",
        )
    return "/".join(parts)


class Tree:
    """The files below ``root``; all paths are from :func:`checked`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> tuple[bytes, int] | None:
        """Return the content and permissions of a file; None if there is none.

        Raises:
            WorkspaceError: it is a symlink, no regular file, too large, or can't be read.
        """
        try:
            with self._parent(path) as folder:
                name = path.rpartition("/")[2]
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                with open(os.open(name, flags, dir_fd=folder), "rb", buffering=0) as file:
                    found = os.fstat(file.fileno())
                    if not stat.S_ISREG(found.st_mode):
                        raise _not_plain(path)
                    data = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except IsADirectoryError:
            raise _not_plain(path) from None
        except OSError as error:
            raise _refused(path, error) from None
        if len(data) > MAX_FILE_BYTES:
            raise too_large(path)
        return data, stat.S_IMODE(found.st_mode) & 0o777

    def version(self, path: str) -> Version | None:
        """Return what :meth:`read` finds, by its hash."""
        found = self.read(path)
        return None if found is None else Version(hashlib.sha256(found[0]).hexdigest(), found[1])

    def missing_folders(self, path: str) -> list[str]:
        """Return the folders that must be made for a file at ``path``, the outermost first."""
        parts = path.split("/")[:-1]
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return [folder for folder in folders if not os.path.lexists(self.root / folder)]

    def make_folder(self, path: str) -> None:
        """Make a folder, unless it is there."""
        with self._parent(path) as folder, contextlib.suppress(FileExistsError):
            os.mkdir(path.rpartition("/")[2], dir_fd=folder)
            os.fsync(folder)

    def remove_folder(self, path: str) -> None:
        """Remove a folder, if it is there and empty."""
        with contextlib.suppress(OSError, WorkspaceError), self._parent(path) as folder:
            os.rmdir(path.rpartition("/")[2], dir_fd=folder)

    def write(self, path: str, data: bytes, mode: int) -> None:
        """Replace the file at ``path``, or make it: after a crash it is the old or the new one.

        Raises:
            OSError: it can't be written; then the old one is as it was.
        """
        name, new = path.rpartition("/")[2], _temporary(path)
        with self._parent(path) as folder:
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(new, dir_fd=folder)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with open(os.open(new, flags, 0o600, dir_fd=folder), "wb", buffering=0) as file:
                    view = memoryview(data)
                    while view:
                        view = view[file.write(view) :]
                    _keep_owner(name, folder, file.fileno())
                    os.fchmod(file.fileno(), mode)
                    os.fsync(file.fileno())
                os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(new, dir_fd=folder)
                raise
            os.fsync(folder)

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, if it is there."""
        with self._parent(path) as folder, contextlib.suppress(FileNotFoundError):
            os.unlink(path.rpartition("/")[2], dir_fd=folder)
            os.fsync(folder)

    def remove_leftover(self, path: str) -> None:
        """Remove what a killed :meth:`write` of ``path`` left."""
        with contextlib.suppress(OSError), self._parent(path) as folder:
            os.unlink(_temporary(path), dir_fd=folder)

    @contextmanager
    def _parent(self, path: str) -> Iterator[int]:
        opened = os.open(self.root, _FOLDER)
        try:
            for name in path.split("/")[:-1]:
                below = os.open(name, _FOLDER, dir_fd=opened)
                os.close(opened)
                opened = below
            yield opened
        finally:
            os.close(opened)


def new_mode() -> int:
    """Return the permissions of a new file."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def too_large(path: str) -> WorkspaceError:
    """Return the error for a file that is larger than an edit may be."""
    return WorkspaceError(
        f"{display(path)} is larger than {MAX_FILE_BYTES >> 20} MiB.",
        code="FileTooLarge",
        next="Change it by hand, or split it.",
    )


def _temporary(path: str) -> str:
    name = os.fsencode(path.rpartition("/")[2])
    return f".dspy_{hashlib.sha256(name).hexdigest()[:16]}.new"


def _keep_owner(name: str, folder: int, descriptor: int) -> None:
    with contextlib.suppress(OSError):
        before = os.stat(name, dir_fd=folder, follow_symlinks=False)
        os.fchown(descriptor, before.st_uid, before.st_gid)


def _not_plain(path: str) -> WorkspaceError:
    return WorkspaceError(
        f"{display(path)} is no plain file, or lies behind a symlink.",
        code="NotAPlainFile",
        next="Name the file itself.",
    )


def _refused(path: str, error: OSError) -> WorkspaceError:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
        return _not_plain(path)
    return WorkspaceError(
        f"Can't read {display(path)}: {(error.strerror or str(error)).lower()}.",
        code="PathUnusable",
        next="Change its permissions, or name another path.",
    )
