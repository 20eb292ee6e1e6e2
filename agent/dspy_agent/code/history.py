"""The last change of a file, from git; nothing that a repository configures is run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_FORMAT = "%h%x00%an%x00%aI%x00%s"


@dataclass(frozen=True, slots=True)
class Change:
    """A commit: short hash, author, date (ISO 8601) and first line."""

    commit: str
    author: str
    date: str
    subject: str


def last_change(path: Path) -> Change | None:
    """Return the last commit that changed ``path``; None without git, a repository or such a commit."""
    command = ["git", "--no-pager", "-c", "core.fsmonitor=false", "log", "-1", "--no-show-signature"]
    try:
        result = subprocess.run(
            [*command, f"--format={_FORMAT}", "--", os.fspath(path)],
            cwd=path.parent,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    parts = result.stdout.decode("utf-8", "replace").rstrip("\n").split("\0")
    return Change(*parts) if len(parts) == 4 else None
