"""Where a user's session keeps what outlives it: outside of any workspace."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def state_dir(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the platform's folder for state that is neither configuration nor cache."""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or "~").expanduser()
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "dspy-agent"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "dspy-agent"
    given = environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else home / ".local" / "state") / "dspy-agent"


def history_file() -> Path | None:
    """Return the file of past lines, made if need be for the user alone; None if it can't be written."""
    folder = state_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "history"
        path.touch(mode=0o600)
        with path.open("ab"):
            return path
    except OSError:
        return None
