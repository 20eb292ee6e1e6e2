"""Which model is asked, and where: command line, environment, workspace or default, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from dspy_agent.model.workspace_file import workspace_model
from dspy_agent_core.errors import UsageError

DEFAULT_MODEL: Final = "qwen3:1.7b"
OLLAMA: Final = "http://127.0.0.1:11434"
OPENAI: Final = "https://api.openai.com/v1"
_PREFIX: Final = "DSPY_AGENT_MODEL_"
_LIMITS: Final[dict[str, tuple[type, float, float]]] = {
    "timeout": (float, 0.01, 86_400),
    "retries": (int, 0, 20),
    "context_tokens": (int, 512, 10_000_000),
    "threads": (int, 1, 1024),
}


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

    @property
    def shown_url(self) -> str:
        """The address without user, password and query."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def on_this_machine(self) -> bool:
        """Whether the server is reached without leaving the machine, and so without a proxy."""
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")


def model_settings(
    workspace: Path,
    overrides: Mapping[str, str | None] = {},
    environment: Mapping[str, str] = os.environ,
) -> ModelSettings:
    """Return the model to ask.

    Args:
        workspace: whose file may name a model and limits.
        overrides: from the command line: the model's ``name``.
        environment: of the process.

    Raises:
        UsageError: a setting has a value that it can't have.
    """
    given = {**workspace_model(workspace), **_limits(environment)}
    fallback = given.pop("name", "")
    name = overrides.get("name")
    if names_openai(environment):
        name = name or environment.get("MODEL_NAME") or fallback
        if not name:
            raise UsageError(
                "OPENAI_BASE_URL names a server, but nothing names a model.",
                code="ModelNotNamed",
                next="export MODEL_NAME=…",
            )
        url = _checked_url("OPENAI_BASE_URL", environment.get("OPENAI_BASE_URL") or OPENAI)
        return ModelSettings("openai", name, url, environment.get("OPENAI_API_KEY", ""), **given)
    name = name or environment.get("OLLAMA_MODEL") or fallback or DEFAULT_MODEL
    url = _checked_url("OLLAMA_HOST", environment.get("OLLAMA_HOST") or OLLAMA)
    return ModelSettings("ollama", name, url, environment.get("OLLAMA_API_KEY", ""), **given)


def names_model(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment itself names a model: what runs unasked uses none otherwise."""
    return wants_ollama(environment) or (names_openai(environment) and bool(environment.get("MODEL_NAME")))


def wants_ollama(environment: Mapping[str, str]) -> bool:
    """Return whether the environment asks for Ollama."""
    return environment.get("USE_OLLAMA", "").lower() in ("1", "true", "yes", "on")


def names_openai(environment: Mapping[str, str]) -> bool:
    """Return whether an OpenAI-compatible server is meant: a key alone may be for other programs."""
    if wants_ollama(environment):
        return False
    asked = environment.get("OPENAI_BASE_URL") or (
        environment.get("OPENAI_API_KEY") and environment.get("MODEL_NAME")
    )
    return bool(asked)


def _checked_url(name: str, address: str) -> str:
    """Return ``address``, which may be Ollama's ``host:port``, as a URL without a slash at its end."""
    url = address.strip().rstrip("/")
    if "://" not in url:
        host = url.replace("0.0.0.0", "127.0.0.1", 1)  # noqa: S104  the address a server listens on
        url = f"http://{host}" if ":" in host else f"http://{host}:11434"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"{name} is no http address.", code="BadModelSetting", next=f"export {name}=http://HOST:PORT"
        )
    return url


def _limits(environment: Mapping[str, str]) -> dict[str, Any]:
    given = {name: environment.get(f"{_PREFIX}{name.upper()}") for name in _LIMITS}
    return {name: _number(name, text) for name, text in given.items() if text}


def _number(name: str, text: str) -> Any:
    kind, least, most = _LIMITS[name]
    try:
        value = kind(text)
        if least <= value <= most:
            return value
    except ValueError:
        pass
    raise UsageError(
        f"{_PREFIX}{name.upper()}={text[:40]} is not between {least:,.10g} and {most:,.10g}.",
        code="BadModelSetting",
        next=f"unset {_PREFIX}{name.upper()}",
    )
