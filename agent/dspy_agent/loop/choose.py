"""The choice of a step: by the model, in a form; or what was suggested, where its choice can't be read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from dspy_agent.cli.parsing import Parsed, parse
from dspy_agent.loop import forms
from dspy_agent.model.access import Model
from dspy_agent.modules.registry import load_module
from dspy_agent.suggest.request import ANSWER, Suggestion
from dspy_agent.tools.base import Tool
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.errors import ModelError

CHOICE_TOKENS: Final = 160


@dataclass(frozen=True, slots=True)
class Chosen:
    """A step that is to be taken: ``tool`` is None if the model answers now, or nothing can be chosen.

    ``by_model``: it is what the model wants, not the suggested step in place of what can't be taken.
    """

    why: str
    tool: Tool | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    arguments: Any = None
    readable: bool = True
    by_model: bool = True

    @property
    def name(self) -> str:
        """The tool's name, or ``answer``."""
        return self.tool.name if self.tool else ANSWER


class Chooser:
    """Lets the model choose for one task."""

    def __init__(self, task: str, model: Model, workspace: Path) -> None:
        self._task = task
        self._model = model
        self._router = load_module("router", workspace)

    def choose(
        self,
        asked: str,
        seen: str,
        tools: Sequence[str],
        may_answer: bool,
        suggestion: Suggestion | None,
        on_text: Callable[[str], None],
    ) -> Chosen:
        """Return what the model chose of ``tools``.

        Raises:
            ModelError: it can't be asked, or ``on_text`` raised it.
        """
        lines = [f"{forms.SUGGESTED}: The suggested step, as it stands."] if suggestion else []
        lines += [f"{name}: {BY_NAME[name].summary}" for name in tools]
        if may_answer:
            lines.append(f"{ANSWER}: Enough was seen to answer.")
        try:
            with self._model.answering(answer_tokens=CHOICE_TOKENS, temperature=0.0, on_text=on_text):
                said = self._router(
                    task=asked,
                    tools="\n".join(lines),
                    seen=seen,
                    suggested=shlex.join(suggestion.words) if suggestion else "",
                    kind=forms.choice_of(tuple(tools), may_answer, suggestion is not None),
                )
        except ModelError as error:
            if error.code != "ModelAnswer":
                raise
            return self.instead(suggestion)
        return self._chosen(
            said.step, " ".join(str(said.why).split()), [*tools, *[ANSWER] * may_answer], suggestion
        )

    def _chosen(self, form: Any, why: str, allowed: Sequence[str], suggestion: Suggestion | None) -> Chosen:
        said = forms.said_in(form)
        name = said.pop("tool", None)
        if name == forms.SUGGESTED and suggestion is not None:
            return self._suggested(suggestion, why)
        if name not in allowed:
            return self.instead(suggestion)
        if name == ANSWER:
            return Chosen(why)
        tool = BY_NAME[name]
        arguments = forms.arguments_of(tool, said, self._task, self._model.settings.name)
        return Chosen(why, tool, said, forms.command_of(tool, said), arguments)

    def _suggested(self, suggestion: Suggestion, why: str) -> Chosen:
        """Return the suggested step."""
        if suggestion.tool == ANSWER:
            return Chosen(why)
        parsed = parse(suggestion.words)
        if not isinstance(parsed, Parsed):
            return Chosen(why, readable=False)
        command = shlex.join(suggestion.words)
        arguments = forms.with_model(parsed.arguments, self._model.settings.name)
        return Chosen(why, parsed.tool, {"words": command}, command, arguments)

    def instead(self, suggestion: Suggestion | None) -> Chosen:
        """Return the suggested step, if it changes nothing."""
        if suggestion is None or (suggestion.tool != ANSWER and BY_NAME[suggestion.tool].changes):
            return Chosen("", readable=False, by_model=False)
        return replace(self._suggested(suggestion, ""), by_model=False)
