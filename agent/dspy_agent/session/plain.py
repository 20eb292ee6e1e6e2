"""Whether a line that begins with a verb is a task in plain words all the same: ``run the tests``."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_NO_WORDS: Final = frozenset({"apply", "undo", "diff", "checkpoints", "index"})  # they take none, or a number


def is_plain(words: Sequence[str], workspace: Path) -> bool:
    """Return whether ``words`` can't be meant as the command that they begin like."""
    verb, rest = words[0], words[1:]
    if not rest or any(word.startswith("-") for word in words):
        return False
    if verb in _NO_WORDS:
        return not rest[0].isdigit()
    return verb == "run" and len(rest) > 1 and not _is_program(rest[0], workspace)


def _is_program(word: str, workspace: Path) -> bool:
    return " " in word or shutil.which(word) is not None or (workspace / word).exists()
