"""Where the data lie: a cache outside the repository, because third-party code is never committed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

Half = Literal["tuning", "held-out"]
HALVES: tuple[Half, ...] = ("tuning", "held-out")
_MARKS = frozenset(("test", "tests", "testing", "conftest.py", "spec", "specs", "__tests__", "testdata"))


def data_folder() -> Path:
    """Return the cache: ``DSPY_AGENT_BENCH`` or a folder in the user's cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dspy-agent-bench"
    return Path(os.environ.get("DSPY_AGENT_BENCH", default))


def half_of(package: str) -> Half:
    """Return the half that a package belongs to: decided by its name alone, before any result."""
    return HALVES[int(hashlib.sha256(package.encode()).hexdigest(), 16) % 2]


def order_of(text: str) -> str:
    """Return a key that puts names in an order of chance, the same on every machine."""
    return hashlib.sha256(f"code-search:{text}".encode()).hexdigest()


def is_test(path: str) -> bool:
    """Tell whether the file at the relative ``path`` belongs to tests."""
    parts = path.lower().split("/")
    stem = parts[-1].partition(".")[0]
    words = stem.replace("-", "_").split("_")
    return bool(_MARKS.intersection(parts)) or "test" in (words[0], words[-1]) or stem.endswith("tests")
