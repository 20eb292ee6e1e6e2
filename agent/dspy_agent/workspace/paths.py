"""Confinement: every path that a user or a model names is checked here before it is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dspy_agent_core.errors import WorkspaceError


def open_workspace(path: Path) -> Path:
    """Return ``path`` as an absolute folder without symlinks, or raise WorkspaceError."""
    shown = display(os.fspath(path))
    if "\0" in os.fspath(path):
        raise WorkspaceError(
            "The workspace path holds a NUL byte.", code="BadPath", next="Name a folder with --workspace DIR."
        )
    try:
        resolved = path.expanduser().resolve(strict=True)
        mode = resolved.stat().st_mode
    except FileNotFoundError:
        raise WorkspaceError(
            f"There is no folder {shown}.",
            code="WorkspaceNotFound",
            next="Name a folder with --workspace DIR.",
        ) from None
    except (OSError, RuntimeError) as error:
        raise unusable(shown, error) from None
    if not stat.S_ISDIR(mode):
        raise WorkspaceError(
            f"{shown} is not a folder.",
            code="NotAFolder",
            next="Name the folder that holds it with --workspace DIR.",
        )
    if not os.access(resolved, os.R_OK | os.X_OK):
        raise unusable(shown, PermissionError("permission denied"))
    return resolved


def confine(workspace: Path, path: str) -> Path:
    """Return ``path`` as an absolute path without symlinks that lies in ``workspace`` and exists.

    ``workspace`` must come from :func:`open_workspace`. Absolute paths, ``..`` and symlinks are fine as
    long as they end in the workspace.
    """
    if "\0" in path:
        raise WorkspaceError(
            "The path holds a NUL byte.", code="BadPath", next="Name a path in the workspace."
        )
    try:
        resolved = Path(os.path.realpath(workspace / path, strict=True))
    except (FileNotFoundError, NotADirectoryError):
        if not Path(os.path.realpath(workspace / path)).is_relative_to(workspace):
            raise _outside(path) from None
        raise WorkspaceError(
            f"There is no {display(path)} in the workspace.",
            code="PathNotFound",
            next="See what is there with: dspy-agent tree",
        ) from None
    except OSError as error:
        raise unusable(display(path), error) from None
    if not resolved.is_relative_to(workspace):
        raise _outside(path)
    return resolved


def require_folder(path: Path, shown: str) -> None:
    """Raise WorkspaceError unless ``path`` is a folder."""
    if not path.is_dir():
        raise WorkspaceError(
            f"{display(shown)} is not a folder.", code="NotAFolder", next="Name the folder that holds it."
        )


def relative(workspace: Path, path: str | Path) -> str:
    """Return ``path`` relative to ``workspace`` with forward slashes; ``.`` for the workspace itself."""
    return Path(os.path.relpath(path, workspace)).as_posix()


def display(path: str) -> str:
    """Return ``path`` as text that any output can carry: bytes that are not UTF-8 become ``\\xNN``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def unusable(shown: str, error: BaseException) -> WorkspaceError:
    """Return the error for a path that the operating system refuses."""
    if isinstance(error, PermissionError):
        return WorkspaceError(
            f"No permission to read {shown}.",
            code="PermissionDenied",
            next="Change its permissions, or run as a user that may read it.",
        )
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    return WorkspaceError(f"Can't use {shown}: {reason}.", code="PathUnusable", next="Name another path.")


def _outside(path: str) -> WorkspaceError:
    return WorkspaceError(
        f"{display(path)} lies outside the workspace.",
        code="OutsideWorkspace",
        next="Name a path inside it, or choose another folder with --workspace DIR.",
    )
