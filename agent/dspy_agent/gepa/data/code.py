"""Bugs to mend: functions that say what they do, each with one small thing wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.data.functions import Function, functions
from dspy_agent.gepa.data.mutate import with_bug
from dspy_agent.gepa.data.slots import find_slot, with_text
from dspy_agent.gepa.example import Example, example_id
from dspy_agent.model.data import without_secrets
from dspy_agent.model.settings import model_settings

_LEAST_SAID: Final = 3


def examples(workspace: Path, logs: tuple[Path, ...], most: int) -> list[Example]:
    """Return functions with a bug."""
    found: list[Example] = []
    for function in sorted(functions(workspace), key=_draw):
        if len(function.says.split()) >= _LEAST_SAID and (made := _example(workspace, function)) is not None:
            found.append(made)
            if len(found) == most:
                break
    return found


def _draw(function: Function) -> bytes:
    return hashlib.sha256(f"{function.path} {function.symbol}".encode("utf-8", "replace")).digest()


def _example(workspace: Path, function: Function) -> Example | None:
    slot = find_slot(workspace, function.path, function.symbol, function.line)
    broken = with_bug(slot.text, f"{function.path} {function.symbol}") if slot else None
    if slot is None or broken is None or with_text(slot, broken[0]) is None:
        return None
    text, line = broken
    if without_secrets(text) != text:
        return None
    facts = {
        "task": f"Fix the bug in {function.symbol}. It should do this: {function.says}",
        "path": function.path,
        "symbol": function.symbol,
        "line": function.line,
        "right": slot.text,
        "broken": text,
        "at": line,
    }
    return Example(example_id("code", facts), function.path, facts, partial(_inputs, workspace, facts))


def _inputs(workspace: Path, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "task": without_secrets(facts["task"]),
        "source": facts["broken"],
        "language": "python",
        "prefill": model_settings(workspace).server == "ollama",  # as edit does
    }
