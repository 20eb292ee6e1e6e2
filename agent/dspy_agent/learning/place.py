"""Whether and where something is learned from use. Light: each run of a tool asks here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TOOLS: Final = frozenset({"codectx", "esearch", "extract", "grep", "intel", "vretr"})
_INDEX_NAME: Final = ".dspy_index"


def learning_folder(workspace: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of the workspace's index, where the memory lies; None where nothing is to be told.

    That is a workspace that can't be written, one without an index (``grep`` leaves no files in a folder that
    was never searched), or ``DSPY_AGENT_LEARNING=off``.
    """
    if environ.get("DSPY_AGENT_LEARNING", "").lower() == "off" or not os.access(workspace, os.W_OK | os.X_OK):
        return None
    given = environ.get("DSPY_AGENT_INDEX_DIR")
    folder = Path(given) if given else workspace / _INDEX_NAME
    usable = folder.is_dir() and (bool(given) or not folder.is_symlink())
    return folder if usable and os.access(folder, os.W_OK | os.X_OK) else None
