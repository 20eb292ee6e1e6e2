"""What a server says of a model without running it: that it is there, which one it is, what it claims to do.

On the standard library: each start and ``doctor`` ask this, and a client is slower to import than to answer.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from dspy_agent.model import errors
from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import Traits, context_in_use
from dspy_agent_core.contracts.cluster import listed_model_name
from dspy_agent_core.errors import ModelError

_MOST_BYTES: Final = 8 << 20
_LENGTHS: Final = ("max_model_len", "context_length", "max_context_length", "context_window")


def digest_of(settings: ModelSettings, patience: float) -> str:
    """Return what tells this very model from another of its name, as far as the server says it.

    Raises:
        ModelError: the server is absent, refuses, or does not have the model.
    """
    if settings.server == "openai":
        return str(_length(_openai_entry(settings, patience)) or "")
    listed = _said(settings, "/api/tags", None, patience)
    try:
        digests = {str(one["name"]): str(one.get("digest")) for one in listed["models"]}
    except (LookupError, TypeError, AttributeError):
        raise errors.unusable(settings.name, "the server does not speak Ollama's API") from None
    for name in (settings.name, listed_model_name(settings.name)):
        if name in digests:
            return digests[name]
    raise errors.not_found(settings)


def claims_of(settings: ModelSettings, patience: float) -> Traits:
    """Return context length, tool calls and thinking as the server claims them.

    Raises:
        ModelError: the server is absent, refuses, or does not have the model.
    """
    if settings.server == "openai":
        length = _length(_openai_entry(settings, patience))
        return Traits(context_in_use(settings, length), most_tokens=length)
    shown = _said(settings, "/api/show", {"model": settings.name}, patience)
    facts, able = shown.get("model_info"), shown.get("capabilities")
    facts, able = facts if isinstance(facts, dict) else {}, able if isinstance(able, list) else []
    told = facts.get(f"{facts.get('general.architecture')}.context_length")
    length = told if isinstance(told, int) and told > 0 else None
    return Traits(
        context_in_use(settings, length),
        tools="tools" in able,
        thinking="thinking" in able,
        most_tokens=length,
    )


def _openai_entry(settings: ModelSettings, patience: float) -> dict[str, Any]:
    """Return what the server lists of the model; nothing if it lists none: not every server does."""
    try:
        listed = _said(settings, "/models", None, patience)["data"]
        return next((dict(one) for one in listed if one["id"] == settings.name), {})
    except ModelError as error:
        if error.code in ("ModelNotFound", "ModelRefused", "ModelAnswer"):
            return {}
        raise
    except (LookupError, TypeError, ValueError):
        return {}


def _length(entry: dict[str, Any]) -> int | None:
    meta = entry.get("meta")  # llama.cpp's; its n_ctx_train is what the model has, not what is served
    found = [*map(entry.get, _LENGTHS), meta.get("n_ctx") if isinstance(meta, dict) else None]
    return next((length for length in found if type(length) is int and length > 0), None)


def _said(settings: ModelSettings, path: str, body: Any, patience: float) -> dict[str, Any]:
    """Return what the server answers. Raises ModelError."""
    parts = urlsplit(settings.url)
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path + path, "", ""))
    headers = {"Content-Type": "application/json"}
    if settings.key:
        headers["Authorization"] = f"Bearer {settings.key}"
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(address, data, headers)  # noqa: S310  the scheme was checked
        with _opener(settings).open(request, timeout=patience) as response:
            said = json.loads(response.read(_MOST_BYTES))
        if isinstance(said, dict):
            return said
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                raise errors.not_found(settings) from None
            raise errors.refused(settings, error.code, "") from None
    except (TimeoutError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise errors.timed_out(settings, patience) from None
        raise errors.unreachable(settings) from None
    except (OSError, HTTPException):
        raise errors.broken(settings) from None
    except (ValueError, RecursionError):
        pass
    raise errors.unusable(settings.name, "the server does not speak the API that it was named for")


def _opener(settings: ModelSettings) -> urllib.request.OpenerDirector:
    proxies = urllib.request.ProxyHandler({} if settings.on_this_machine else None)
    return urllib.request.build_opener(proxies, _NoRedirect())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the answer that it is: the key is not for elsewhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Return no request."""
