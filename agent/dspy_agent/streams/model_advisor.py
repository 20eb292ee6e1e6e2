"""What a model makes of a context: the events are packed as data, and the module ``context`` judges them.

The model is opened when it is first asked, so that a worker starts, and works by rules, without it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.model.data import as_data, without_secrets
from dspy_agent.model.settings import model_settings, names_model
from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs.readable import readable
from dspy_agent_core.streams.advice import Advice, clean

if TYPE_CHECKING:
    from dspy_agent.model.access import Model

_EVENTS: Final = 5
_LINE: Final = 300
_EXAMPLE: Final = 600
_ANSWER_TOKENS: Final = 400
_TEXT: Final = 500
_ITEMS: Final = 6


class ModelAdvisor:
    """Asks the model that the environment names."""

    def __init__(self, workspace: Path) -> None:
        self.name = model_settings(workspace).name
        self._workspace = workspace
        self._model: Model | None = None
        self._module: Any = None

    def ask(self, context: Context, by_rules: Advice) -> Advice:
        """Return what the model says of ``context``; the checks of ``by_rules`` help it.

        Raises:
            AgentError: it does not answer in time, or not as asked.
        """
        model = self._opened()
        with model.answering(answer_tokens=_ANSWER_TOKENS, temperature=0.0):
            said = self._module(
                program=context.app, log=packed(context.events), checks=checks_of(by_rules.plan)
            )
        points, plan = (_safe(lines) for lines in (said.key_points, said.plan))
        return Advice(clean(said.summary)[:_TEXT], points, plan)

    def _opened(self) -> Model:
        if self._model is None:
            from dspy_agent.model.access import open_model
            from dspy_agent.modules.registry import load_module

            model = open_model(self._workspace, progress=lambda text: print(text, file=sys.stderr))
            self._module = load_module("context", self._workspace)
            self._model = model
        return self._model


def advisor_of(workspace: Path, environment: Mapping[str, str] = os.environ) -> ModelAdvisor | None:
    """Return who asks the model that the environment names; None if it names none."""
    return ModelAdvisor(workspace) if names_model(environment) else None


def packed(events: Sequence[LogEvent]) -> str:
    """Return the first of ``events`` for a prompt: bounded, marked as data, without secrets."""
    lines = [without_secrets(readable(event)[: 4 * _LINE])[:_LINE] for event in events[:_EVENTS]]
    example = next((event.example for event in events if event.example), None)
    if example:
        lines += ["The first lines of one of them:", without_secrets(example[: 4 * _EXAMPLE])[:_EXAMPLE]]
    return as_data("\n".join(lines), _EVENTS * _LINE + _EXAMPLE + 100, "log")


def checks_of(steps: Sequence[str]) -> str:
    """Return the first of ``steps``, which name words of the log, one a line."""
    return "\n".join(f"- {without_secrets(step[: 4 * _LINE])[:_LINE]}" for step in steps[:4])


def _safe(lines: Sequence[str]) -> list[str]:
    return [clean(line)[:_TEXT] for line in lines[:_ITEMS]]
