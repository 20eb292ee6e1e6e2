"""Which model is asked, and where: command line, environment, workspace or default, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from dspy_agent_core.errors import UsageError

DEFAULT_MODEL: Final = "qwen3:1.7b"
OLLAMA: Final = "http://127.0.0.1:11434"
OPENAI: Final = "https://api.openai.com/v1"
_PREFIX: Final = "DSPY_AGENT_MODEL_"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model and how it is asked.

    Args:
        server: the API that the server speaks.
        name: the model's name at the server.
        url: of the server; for OpenAI-compatible ones with ``/v1``.
        key: sent to the server, shown nowhere.
        timeout: seconds without a byte, once the answer has begun; more before it, by the prompt's length.
        retries: of what may pass: a busy server, a broken connection before the first byte.
        context_tokens: of prompt and answer together; None: what the model has, within reason.
        threads: that Ollama may use; None: its own choice.
    """

    server: Literal["ollama", "openai"]
    name: str
    url: str
    key: str = field(default="", repr=False)
    timeout: float = 30.0
    retries: int = 2
    context_tokens: int | None = None
    threads: int | None = None


def model_settings(
    workspace: Path, overrides: Mapping[str, str] = {}, environment: Mapping[str, str] = os.environ
) -> ModelSettings:
    """Return the model to ask. ``overrides`` come from the command line: ``name``.

    Raises:
        UsageError: a setting has a value that it can't have.
    """
    names_openai = environment.get("OPENAI_BASE_URL") or (
        environment.get("OPENAI_API_KEY") and environment.get("MODEL_NAME")
    )
    name = overrides.get("name")
    if names_openai and not wants_ollama(environment):
        name = name or environment.get("MODEL_NAME")
        if not name:
            raise UsageError(
                "OPENAI_BASE_URL names a server, but nothing names a model.",
                code="ModelNotNamed",
                next="export MODEL_NAME=…",
            )
        url = with_scheme(environment.get("OPENAI_BASE_URL") or OPENAI)
        key = environment.get("OPENAI_API_KEY", "")
        return ModelSettings("openai", name, url, key, **_limits(environment))
    name = name or environment.get("OLLAMA_MODEL") or DEFAULT_MODEL
    url = with_scheme(environment.get("OLLAMA_HOST") or OLLAMA)
    return ModelSettings("ollama", name, url, **_limits(environment))


def wants_ollama(environment: Mapping[str, str]) -> bool:
    """Return whether the environment asks for Ollama."""
    return environment.get("USE_OLLAMA", "").lower() in ("1", "true", "yes", "on")


def with_scheme(address: str) -> str:
    """Return ``address``, which may be Ollama's ``host:port``, as a URL without a slash at its end."""
    address = address.strip().rstrip("/")
    if "://" in address:
        return address
    host = address.replace("0.0.0.0", "127.0.0.1", 1)  # noqa: S104  the address a server listens on
    return f"http://{host}" if ":" in host else f"http://{host}:11434"


def _limits(environment: Mapping[str, str]) -> dict[str, Any]:
    kinds: dict[str, type] = {"timeout": float, "retries": int, "context_tokens": int, "threads": int}
    given = {name: environment.get(f"{_PREFIX}{name.upper()}") for name in kinds}
    return {name: _number(name, text, kinds[name]) for name, text in given.items() if text}


def _number(name: str, text: str, kind: type) -> int | float:
    try:
        value: int | float = kind(text)
        if not 0 <= value < 1e9:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"{_PREFIX}{name.upper()}={text[:40]} is no number that can be used.",
            code="BadModelSetting",
            next=f"unset {_PREFIX}{name.upper()}",
        ) from None
    return value
