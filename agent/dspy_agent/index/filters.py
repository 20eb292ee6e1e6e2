"""Which chunks a search may answer with, by globs and languages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dspy_agent.workspace.filters import path_filter
from dspy_agent_core.index.bm25f import Corpus


def chunk_mask(
    corpus: Corpus, workspace: Path, globs: Sequence[str], types: Sequence[str]
) -> NDArray[np.bool_] | None:
    """Return (chunks,) whether each is of a file that ``globs`` and ``types`` ask for; None for all.

    Raises:
        UsageError: ``BadGlob`` or ``UnknownLanguage``.
    """
    if not globs and not types:
        return None
    allowed = path_filter(globs, types, os.fspath(workspace))
    parts = [
        np.array([allowed(path) for path in segment.paths], np.bool_)[segment.arrays["chunk_file"]]
        for segment in corpus.segments
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.bool_)
