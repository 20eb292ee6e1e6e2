"""What a person sees while a conversation goes on: the steps, and the answer as it comes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from dspy_agent.suggest.request import Suggestion, told
from dspy_agent.tools.console import visible

_LINES: Final = 8


@dataclass(slots=True)
class Teller:
    """Writes to ``out``; ``streams``: the answer too, piece by piece."""

    out: TextIO
    streams: bool

    def suggested(self, suggestions: Sequence[Suggestion]) -> None:
        """Say what the policy suggests."""
        if line := told(suggestions):
            self._line(visible(line))

    def chose(self, suggestion: Suggestion | None, tool: str, why: str) -> None:
        """Say what the model took."""
        same = suggestion is not None and suggestion.tool == tool
        told = f": {visible(why)}" if why else ""
        self._line(f"the model {'agrees' if same else f'takes {tool}'}{told}")

    def not_taken(self, *, instead: bool) -> None:
        """Say that the model chose nothing that can be taken; ``instead``: the suggested step is."""
        self._line(f"the model's choice can't be taken{': the suggested step instead' if instead else ''}")

    def runs(self, command: str) -> None:
        """Say what runs now."""
        self._line(f"$ {visible(command)}")

    def saw(self, text: str) -> None:
        """Show the first lines of what came of it."""
        lines = visible(text).splitlines()
        for line in lines[:_LINES]:
            self._line(f"  {line[:200]}")
        if len(lines) > _LINES:
            self._line(f"  … {len(lines) - _LINES} more lines")

    def note(self, text: str) -> None:
        """Say something about the conversation."""
        self._line(visible(text))

    def piece(self, text: str) -> None:
        """Write a piece of the answer."""
        if self.streams:
            self.out.write(visible(text))
            self.out.flush()

    def begins(self) -> None:
        """The answer begins."""
        if self.streams:
            self.out.write("\nsummary: ")

    def ends(self) -> None:
        """The answer has come, or was cut."""
        if self.streams:
            self._line("")

    def _line(self, text: str) -> None:
        self.out.write(f"{text}\n")
        self.out.flush()


def on_stderr() -> Teller:
    """Return what tells of a one-shot command: the answer streams to a terminal, before it is printed."""
    return Teller(sys.stderr, streams_answer())


def streams_answer() -> bool:
    """Return whether the answer is shown as it comes: both outputs are one terminal."""
    return sys.stderr.isatty() and sys.stdout.isatty()
