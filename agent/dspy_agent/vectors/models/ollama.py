"""Vectors by an Ollama server."""

from __future__ import annotations

from typing import Any, Final

from dspy_agent.vectors.models.http import RequestRefused, Server, with_scheme
from dspy_agent.vectors.models.remote import RemoteEmbedder
from dspy_agent_core.errors import ModelError

_DEFAULT: Final = "http://127.0.0.1:11434"


class OllamaEmbedder(RemoteEmbedder):
    """A model of the Ollama server at ``host``.

    Raises:
        ModelError: the server does not answer, or does not have the model.
    """

    def __init__(self, name: str, host: str = "") -> None:
        super().__init__("ollama", name, Server("Ollama", with_scheme(host or _DEFAULT), "ollama serve"))

    def _ask(self, texts: list[str]) -> Any:
        answer = self.server.post("/api/embed", {"model": self.name, "input": texts, "truncate": True})
        return answer.get("embeddings") if isinstance(answer, dict) else None

    def _refused(self, error: RequestRefused) -> ModelError:
        if error.status == 404 and "not found" in error.said:
            return ModelError(
                f"Ollama at {self.server.shown} does not have the model {self.name}.",
                code="ModelMissing",
                next=f"ollama pull {self.name}",
            )
        return ModelError(
            f"Ollama can't make vectors with {self.name}: {error}.",
            code="ModelFailed",
            next="Choose a model for embeddings: export DSPY_AGENT_EMBEDDING_MODEL=ollama:nomic-embed-text",
        )
