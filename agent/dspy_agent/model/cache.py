"""What was learned of a model is kept for the user: asking takes seconds where there is no GPU.

One file for each server and model, in the user's cache folder; for Ollama the model's digest is part of its
name, so that a model which was pulled anew is asked anew. A file that is old, broken or of another version
is as good as none, and a folder that can't be written is no error.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import Traits, context_in_use
from dspy_agent.workspace.atomic import write_atomic

_VERSION: Final = 1
_FRESH_SECONDS: Final = 30 * 24 * 3600
_MOST_BYTES: Final = 1 << 16
_KINDS: Final = {"schema": bool, "tools": bool, "thinking": bool, "quiet": bool, "most_tokens": int | None}


def cache_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the user's folder for what can be had again."""
    given = environment.get("XDG_CACHE_HOME", "")
    home = Path(environment.get("HOME") or "~").expanduser()
    return (Path(given) if given.startswith("/") else home / ".cache") / "dspy-agent"


def recall(settings: ModelSettings, digest: str) -> Traits | None:
    """Return what is known of the model; None if it must be asked."""
    try:
        with _file(settings, digest).open("rb") as file:
            known = json.loads(file.read(_MOST_BYTES))
        if known["version"] != _VERSION or not 0 <= time.time() - known["at"] < _FRESH_SECONDS:
            return None
        traits = {name: known["traits"][name] for name in _KINDS}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if not all(isinstance(traits[name], kind) for name, kind in _KINDS.items()):
        return None
    return Traits(context_in_use(settings, traits["most_tokens"]), **traits)


def remember(settings: ModelSettings, digest: str, traits: Traits) -> None:
    """Keep what was learned."""
    known = asdict(traits)
    del known["context_tokens"]
    file = _file(settings, digest)
    text = json.dumps({"version": _VERSION, "at": int(time.time()), "model": settings.name, "traits": known})
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(file, [text.encode()])


def _file(settings: ModelSettings, digest: str) -> Path:
    named = "\n".join((settings.server, settings.shown_url, settings.name, digest))
    return cache_dir() / "models" / f"{hashlib.sha256(named.encode()).hexdigest()[:24]}.json"
