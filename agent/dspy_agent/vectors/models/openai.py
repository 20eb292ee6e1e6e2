"""Vectors by a server that speaks OpenAI's API."""

from __future__ import annotations

from typing import Any, Final

from dspy_agent.vectors.models.http import RequestRefused, Server, with_scheme
from dspy_agent.vectors.models.remote import RemoteEmbedder
from dspy_agent_core.errors import ModelError

_DEFAULT: Final = "https://api.openai.com/v1"


class OpenAIEmbedder(RemoteEmbedder):
    """A model of the server at ``base``, an address that ends in ``/v1``.

    Raises:
        ModelError: the server does not answer, does not have the model, or does not accept the key.
    """

    def __init__(self, name: str, base: str = "", key: str = "") -> None:
        start = "Start the model server, or correct its address: export OPENAI_BASE_URL=…/v1"
        super().__init__(
            "openai", name, Server("The model server", with_scheme(base or _DEFAULT), start, key)
        )

    def _ask(self, texts: list[str]) -> Any:
        question = {"model": self.name, "input": texts, "encoding_format": "float"}
        answer = self.server.post("/embeddings", question)
        try:
            items = sorted(answer["data"], key=lambda item: item["index"])
            return [item["embedding"] for item in items]
        except (KeyError, TypeError):
            return None

    def _refused(self, error: RequestRefused) -> ModelError:
        if error.status in (401, 403):
            return ModelError(
                f"{self.server.shown} does not accept the key.",
                code="ModelKeyRefused",
                next="export OPENAI_API_KEY=…",
            )
        if error.status == 404:
            return ModelError(
                f"{self.server.shown} does not have the model {self.name}, or makes no vectors.",
                code="ModelMissing",
                next=f"See which it has: curl {self.server.shown}/models",
            )
        return ModelError(
            f"{self.server.shown} can't make vectors with {self.name}: {error}.",
            code="ModelFailed",
            next="Choose a model for embeddings: export DSPY_AGENT_EMBEDDING_MODEL=openai:NAME",
        )
