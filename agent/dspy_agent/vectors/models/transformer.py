"""Vectors by a sentence-transformers model on this machine: the one place that knows that package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Vectors, check_dimension, unit
from dspy_agent_core.errors import MissingRequirement, ModelError

_AT_ONCE: Final = 32


class TransformerEmbedder:
    """The model ``name``: of the hub, or a folder.

    Raises:
        MissingRequirement: sentence-transformers is not installed.
        ModelError: the model can't be loaded.
    """

    def __init__(self, name: str) -> None:
        self.model = f"sentence-transformers:{name}"
        self._encoder = _load(name)
        self.dimension = int(self._encoder.encode_query("def main():").shape[-1])

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        made = self._encoder.encode_document(list(texts), batch_size=_AT_ONCE, show_progress_bar=False)
        vectors = np.asarray(made, dtype=np.float32)
        check_dimension(vectors, self.dimension, self.model)
        return unit(vectors, self.model)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a query."""
        made = np.asarray(self._encoder.encode_query(text, show_progress_bar=False), dtype=np.float32)
        check_dimension(made, self.dimension, self.model)
        query: NDArray[np.float32] = unit(made[None], self.model)[0]
        return query


def _load(name: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingRequirement(
            "sentence-transformers is not installed.",
            code="NoEmbeddingModel",
            next="uv pip install 'dspy-agent[sentence-transformers]'",
        ) from None
    try:
        return SentenceTransformer(name)
    except Exception as error:  # the hub, the disk, torch: each has its own
        raise ModelError(
            f"The model {name} can't be loaded: {type(error).__name__}: {error}"[:300],
            code="ModelMissing",
            next="Name a sentence-transformers model, or a folder that has one.",
        ) from None
