"""What embedders behind an HTTP server share: batches, prompts, checks, texts that are too long."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Vectors, check_dimension, unit
from dspy_agent.vectors.models.http import RequestRefused, Server, says_too_long
from dspy_agent.vectors.models.prompts import prompts_of
from dspy_agent_core.errors import ModelError

_AT_ONCE: Final = 32
_MOST_CHARACTERS: Final = 4000  # a large model on a CPU reads no more in a few seconds
_SHORTEST: Final = 200


class RemoteEmbedder(ABC):
    """A model behind a server, which is asked once at the start: for the dimension."""

    def __init__(self, kind: str, name: str, server: Server) -> None:
        self.model = f"{kind}:{name}"
        self.name = name
        self.server = server
        self._prompts = prompts_of(name)
        self.dimension = int(self._vectors(["def main():"]).shape[1])

    @abstractmethod
    def _ask(self, texts: list[str]) -> Any:
        """Return the vectors of ``texts`` as the server gives them: a list of lists of numbers."""

    @abstractmethod
    def _refused(self, error: RequestRefused) -> ModelError:
        """Return what to tell of ``error``."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text."""
        return self._embed([self._prompts.document + text for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a query."""
        query: NDArray[np.float32] = self._embed([self._prompts.query + text])[0]
        return query

    def _embed(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        said = [number for number, text in enumerate(texts) if text.strip()]  # servers refuse empty ones
        for at in range(0, len(said), _AT_ONCE):
            batch = said[at : at + _AT_ONCE]
            made = self._vectors([texts[number][:_MOST_CHARACTERS] for number in batch])
            check_dimension(made, self.dimension, self.model)
            vectors[batch] = made
        return unit(vectors, self.model)

    def _vectors(self, texts: list[str]) -> Vectors:
        """Ask for vectors; what is too long for the model is asked for alone, and shortened."""
        try:
            return self._checked(self._ask(texts), len(texts))
        except RequestRefused as error:
            if not says_too_long(error.said):
                raise self._refused(error) from None
            if len(texts) > 1:
                half = len(texts) // 2
                return np.concatenate([self._vectors(texts[:half]), self._vectors(texts[half:])])
            if len(texts[0]) <= _SHORTEST:
                raise self._refused(error) from None
            return self._vectors([texts[0][: len(texts[0]) // 2]])

    def _checked(self, answer: Any, count: int) -> Vectors:
        try:
            vectors = np.asarray(answer, dtype=np.float32)
        except (ValueError, TypeError):
            raise self.server.rubbish() from None
        if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:
            raise self.server.rubbish()
        return vectors
