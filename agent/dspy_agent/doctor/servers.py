"""Checks of the model server. Keys are sent where they belong and shown nowhere."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from dspy_agent.doctor.model import OK, WARN, Check

_SECONDS: Final = 1.0
_DEFAULT_MODEL: Final = "qwen3:1.7b"
_MOST: Final = 4 << 20


def model() -> list[Check]:
    """Check the model server that the environment names."""
    use_ollama = os.environ.get("USE_OLLAMA", "").lower()
    openai = os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY")
    if openai and use_ollama not in ("1", "true", "yes"):
        return [_openai()]
    return [_ollama()]


def _ollama() -> Check:
    base = _with_scheme(os.environ.get("OLLAMA_HOST") or "http://127.0.0.1:11434")
    name = os.environ.get("OLLAMA_MODEL") or _DEFAULT_MODEL
    shown = redacted(base)
    try:
        answer = _get(f"{base}/api/tags", {})
        names = {str(item.get("name")) for item in answer["models"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Check(
            "model", WARN, f"no Ollama at {shown}: {why(error)}; what needs no model works", "ollama serve"
        )
    if name in names or f"{name}:latest" in names:
        return Check("model", OK, f"{name} at {shown} (Ollama)")
    return Check("model", WARN, f"Ollama at {shown} does not have {name}", f"ollama pull {name}")


def _openai() -> Check:
    base = _with_scheme(os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
    name = os.environ.get("MODEL_NAME", "")
    key = os.environ.get("OPENAI_API_KEY", "")
    shown = redacted(base)
    try:
        answer = _get(f"{base}/models", {"Authorization": f"Bearer {key}"} if key else {})
        names = {str(item.get("id")) for item in answer["data"]}
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            return Check("model", WARN, f"{shown} does not accept the key", "export OPENAI_API_KEY=…")
        return Check("model", WARN, f"{shown} answers HTTP {error.code}", "export OPENAI_BASE_URL=…/v1")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Check(
            "model", WARN, f"no model server at {shown}: {why(error)}", "export OPENAI_BASE_URL=…/v1"
        )
    if not name:
        return Check(
            "model", WARN, f"{shown} has {len(names)} models, MODEL_NAME names none", "export MODEL_NAME=…"
        )
    if name in names:
        return Check("model", OK, f"{name} at {shown}")
    return Check("model", WARN, f"{shown} does not have {name}", f"curl {shown}/models")


def _get(url: str, headers: dict[str, str]) -> dict[str, Any]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("not an http address")
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
        data = json.loads(response.read(_MOST))
    if not isinstance(data, dict):
        raise ValueError("an answer of another kind")
    return data


def _with_scheme(address: str) -> str:
    address = address.rstrip("/")
    if "://" in address:
        return address
    host = address.replace("0.0.0.0", "127.0.0.1", 1)  # noqa: S104  the address a server listens on
    return f"http://{host}" if ":" in host else f"http://{host}:11434"


def redacted(url: str) -> str:
    """Return ``url`` without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def why(error: BaseException) -> str:
    """Return in a few words why a server did not answer."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return why(reason)
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "no answer within 1 s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).partition("\n")[0][:200] or type(error).__name__
