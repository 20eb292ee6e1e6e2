"""The arrays that models, stores and the index hand each other."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.errors import ModelError

Keys: TypeAlias = NDArray[np.uint64]  # hashes of the embedded texts
Vectors: TypeAlias = NDArray[np.float32]  # one a row, of length one; all zeros: the text says nothing
Positions: TypeAlias = NDArray[np.intp]


def unit(vectors: Vectors, model: str) -> Vectors:
    """Return the rows of ``vectors`` with length one; those of zeros stay.

    Raises:
        ModelError: a number in them is none.
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.vecdot(vectors, vectors))
    if not np.isfinite(lengths).all():
        raise ModelError(
            f"The model {model} gave a vector with numbers that are none.",
            code="BadVectors",
            next="Choose another model: export DSPY_AGENT_EMBEDDING_MODEL=…",
        )
    lengths[lengths == 0] = 1
    return np.ascontiguousarray(vectors / lengths[..., None], dtype=np.float32)


def check_dimension(vectors: Vectors, dimension: int, model: str) -> None:
    """Refuse vectors of another dimension than the model's.

    Raises:
        ModelError: they are of another.
    """
    if vectors.shape[-1] != dimension:
        raise ModelError(
            f"The model {model} gives vectors of {vectors.shape[-1]} numbers; those kept have {dimension}.",
            code="DimensionChanged",
            next="Make vectors of the model as it is now: dspy-agent emb-index",
        )
