"""Models that turn texts into vectors, and which one the environment asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Vectors
from dspy_agent_core.errors import MissingRequirement, UsageError

MODEL_VARIABLE: Final = "DSPY_AGENT_EMBEDDING_MODEL"
DEFAULT_MODEL: Final = "wordllama:l2_supercat_256"
_OFF: Final = ("none", "off")


class Embedder(Protocol):
    """A model. ``model`` is its full id: equal ids make equal vectors of equal texts."""

    @property
    def model(self) -> str:
        """The full id, such as ``ollama:nomic-embed-text``."""

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text, of length one; zeros for a text that says nothing to the model.

        Raises:
            ModelError: the model does not answer, or not with vectors of its dimension.
        """

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of what a user looks for.

        Raises:
            ModelError: as for documents.
        """


def open_embedder(environment: Mapping[str, str] = os.environ) -> Embedder:
    """Return the model that ``DSPY_AGENT_EMBEDDING_MODEL`` names, ready to use.

    Names are ``wordllama:l2_supercat_256`` (the default: small, on this machine), ``ollama:NAME`` (at
    ``OLLAMA_HOST``), ``openai:NAME`` (at ``OPENAI_BASE_URL``, with ``OPENAI_API_KEY``) and
    ``sentence-transformers:NAME``; ``none`` switches vectors off.

    Raises:
        MissingRequirement: a package is not installed, or vectors are switched off (code ``VectorsOff``).
        ModelError: the model's server does not answer, or does not have it.
        UsageError: the name is of no known kind.
    """
    asked = environment.get(MODEL_VARIABLE, "") or DEFAULT_MODEL
    if asked.lower() in _OFF:
        raise MissingRequirement(
            f"Vectors are switched off: {MODEL_VARIABLE} is {asked}.",
            code="VectorsOff",
            next=f"unset {MODEL_VARIABLE}",
        )
    kind, _, name = asked.partition(":")
    if name and kind == "ollama":
        from dspy_agent.vectors.models.ollama import OllamaEmbedder

        return OllamaEmbedder(name, environment.get("OLLAMA_HOST", ""))
    if name and kind == "openai":
        from dspy_agent.vectors.models.openai import OpenAIEmbedder

        return OpenAIEmbedder(
            name, environment.get("OPENAI_BASE_URL", ""), environment.get("OPENAI_API_KEY", "")
        )
    if name and kind == "sentence-transformers":
        from dspy_agent.vectors.models.transformer import TransformerEmbedder

        return TransformerEmbedder(name)
    if asked == DEFAULT_MODEL:
        from dspy_agent.vectors.models.static import StaticEmbedder

        return StaticEmbedder()
    raise UsageError(
        f"{asked!r} names no embedding model.",
        code="BadEmbeddingModel",
        next=f"export {MODEL_VARIABLE}=ollama:NAME, openai:NAME or sentence-transformers:NAME; or unset it",
    )
