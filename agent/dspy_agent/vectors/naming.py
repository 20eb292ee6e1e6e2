"""Names that tell vectors of different models apart: of folders, and of Milvus collections."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from dspy_agent_core.errors import UsageError

_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LONGEST: Final = 60


def folder_name(model: str, dimension: int) -> str:
    """Return the name of the folder of a model's vectors; no two models share one."""
    words = re.sub(r"[^a-z0-9.]+", "-", model.lower()).strip("-.")[:_LONGEST]
    return f"{words or 'model'}-{_digest(model)}-{dimension}"


def collection_name(prefix: str, model: str, dimension: int) -> str:
    """Return the name of a Milvus collection: letters, digits and underscores.

    Raises:
        UsageError: the prefix has other characters.
    """
    prefix = prefix or "dspy_agent"
    if not _PREFIX.fullmatch(prefix):
        raise UsageError(
            f"{prefix!r} can't begin the name of a Milvus collection.",
            code="BadCollectionPrefix",
            next="Use letters, digits and _ only: export DSPY_AGENT_VECTOR_COLLECTION_PREFIX=…",
        )
    words = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")[:_LONGEST]
    return f"{prefix}_{words}_{_digest(model)}_{dimension}"


def _digest(model: str) -> str:
    return hashlib.sha256(model.encode()).hexdigest()[:8]
