"""What a workspace says of the model: ``[model]`` of ``.dspy_agent.toml``, or ``[tool.dspy-agent.model]``.

    [model]
    name = "qwen2.5-coder:1.5b"
    context_tokens = 8192
    timeout = 60

A repository may come from anybody. It may choose among the models of the user's server and lower or raise
limits within reason; it never names a server, since a key and the user's code would go there. For the same
reason it can't name a model that Ollama itself hands on to its cloud.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import UsageError

OWN: Final = ".dspy_agent.toml"
_SHARED: Final = "pyproject.toml"
_MOST_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[\w][\w./:@+-]{0,199}")
_CLOUD: Final = re.compile(r"[:-]cloud$")
_LIMITS: Final[dict[str, tuple[type, float, float]]] = {
    "context_tokens": (int, 1024, 131_072),
    "timeout": (float, 1, 600),
}


def workspace_model(workspace: Path) -> dict[str, Any]:
    """Return ``name``, ``context_tokens`` and ``timeout`` as far as the workspace names them.

    Raises:
        UsageError: the file can't be read, or says what it must not.
    """
    text = _read(workspace / OWN)
    if text is not None:
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _bad(OWN, f"is no TOML: {error}") from None
        return _checked(OWN, table.get("model", {}))
    try:
        table = tomllib.loads(_read(workspace / _SHARED) or "")
        return _checked(_SHARED, table["tool"]["dspy-agent"]["model"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return {}


def _checked(file: str, table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise _bad(file, "has a model that is no table")
    for key in table.keys() - {"name", *_LIMITS}:
        raise _bad(file, f"names {str(key)[:40]!r}, which only your environment may set")
    values: dict[str, Any] = {}
    if "name" in table:
        values["name"] = _name(file, table["name"])
    for key, (kind, least, most) in _LIMITS.items():
        if key in table:
            value = table[key]
            if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
                raise _bad(file, f"has a {key} that is not between {least:,.0f} and {most:,.0f}")
            values[key] = kind(value)
    return values


def _name(file: str, name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _bad(file, "has a name that no model has")
    if _CLOUD.search(name):
        raise _bad(file, f"names {name}, a model in a cloud: only you can choose that")
    return name


def _read(path: Path) -> str | None:
    """Return what a plain file holds; None if there is none."""
    try:
        with open_regular(path, follow=False) as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _bad(file: str, why: str) -> UsageError:
    return UsageError(f"{file} {why}.", code="BadModelSetting", next=f"Correct the model's part of {file}.")
