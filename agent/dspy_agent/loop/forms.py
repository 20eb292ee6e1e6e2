"""The forms that a model fills in to take a step: one for each tool, made from its arguments dataclass.

A form asks for the few arguments that a small model can judge; all others keep their defaults. ``edit`` asks
for none: its task is the user's, in the user's words.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Union, get_type_hints

from pydantic import BaseModel, Field, create_model

from dspy_agent.suggest.request import ANSWER
from dspy_agent.tools.base import Tool
from dspy_agent.tools.registry import BY_NAME

ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "intel": ("query",),
    "esearch": ("query",),
    "extract": ("symbol",),
    "codectx": ("target",),
    "grep": ("pattern",),
    "ctx": (),
    "tree": ("path",),
    "run": ("command",),
    "edit": (),
    "diff": (),
    "apply": (),
    "undo": (),
}
_USERS_WORDS: Final[Mapping[str, str]] = {"edit": "task"}
SUGGESTED: Final = "suggested"  # no tool: the suggested step, as it stands
_MOST_TEXT: Final = 160


def usable(tools: Sequence[str]) -> tuple[str, ...]:
    """Return which of ``tools`` a model may choose, the likely ones first."""
    return tuple(name for name in ASKED if name in tools and name in BY_NAME)


@lru_cache(64)
def choice_of(tools: tuple[str, ...], may_answer: bool, suggested: bool = False) -> Any:
    """Return the type of a step: what was suggested, one of the forms of ``tools``, or the end.

    Tools that ask for the same share a form, so that what was filled in fits one form only. To take the
    suggestion needs no arguments: a small model fills in poor ones.
    """
    by_fields: dict[tuple[str, ...], list[str]] = {}
    for name in (*([SUGGESTED] if suggested else []), *tools, *([ANSWER] if may_answer else [])):
        by_fields.setdefault(ASKED.get(name, ()), []).append(name)
    forms = [
        _form(names, fields) for fields, names in sorted(by_fields.items(), key=lambda pair: not pair[0])
    ]
    return Union[tuple(forms)]  # noqa: UP007


def _form(tools: list[str], fields: tuple[str, ...]) -> type[BaseModel]:
    text = Annotated[str, Field(min_length=1, max_length=_MOST_TEXT)]
    parts: dict[str, Any] = {"tool": (Literal[tuple(tools)], ...), **dict.fromkeys(fields, (text, ...))}
    return create_model("Or".join(tools), **parts)


def said_in(form: Any) -> dict[str, Any]:
    """Return what a form was filled with: the tool and its arguments."""
    values = form.model_dump() if isinstance(form, BaseModel) else dict(form)
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}


def arguments_of(tool: Tool, said: Mapping[str, Any], task: str, model: str) -> Any:
    """Return the tool's arguments: what was ``said``, the user's ``task`` and ``model`` where they belong."""
    own = {name: str(value) for name, value in said.items() if name in ASKED[tool.name]}
    if name := _USERS_WORDS.get(tool.name):
        own[name] = task
    lists = _lists(tool.arguments)
    made = tool.arguments(**{name: (text,) if name in lists else text for name, text in own.items()})
    return with_model(made, model)


def with_model(arguments: Any, model: str) -> Any:
    """Return the arguments of a tool that asks a model: the conversation's own."""
    return replace(arguments, model=model) if hasattr(arguments, "model") else arguments


@lru_cache(64)
def _lists(arguments: type) -> frozenset[str]:
    """Return which fields of an arguments dataclass are lists."""
    return frozenset(name for name, hint in get_type_hints(arguments).items() if "list" in str(hint))


def command_of(tool: Tool, said: Mapping[str, Any]) -> str:
    """Return what was chosen as a command line of the session."""
    words = [str(said[name]) for name in ASKED[tool.name] if said.get(name)]
    return shlex.join([tool.name, *words])
