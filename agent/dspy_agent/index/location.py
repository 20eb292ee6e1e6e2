"""Where the index of a workspace lies. Light on imports: each run of a tool asks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dspy_agent.session.state import state_dir

NAME: Final = ".dspy_index"


def index_folder(workspace: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the index of ``workspace`` lies, made or not.

    That is ``.dspy_index`` in it, or, where that can't be written or leads elsewhere, a folder of its own in
    the user's state; with ``DSPY_AGENT_INDEX_DIR``, a folder of its own in that one.
    """
    given = environ.get("DSPY_AGENT_INDEX_DIR")
    if not given:
        inside = workspace / NAME
        made = inside.is_dir()
        free = _leads_nowhere(inside) if made else not os.path.lexists(inside)
        if free and os.access(inside if made else workspace, os.W_OK | os.X_OK):
            return inside
    name = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:16]
    return (Path(given) if given else state_dir() / "index") / name


def _leads_nowhere(folder: Path) -> bool:
    """Return whether no symlink leads out of ``folder``: a repository may bring such a one along."""
    try:
        with os.scandir(folder) as entries:
            return not folder.is_symlink() and not any(entry.is_symlink() for entry in entries)
    except OSError:
        return False
