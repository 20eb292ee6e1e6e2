"""Tasks in plain words with a model, where there is one. Whether there is, is looked at when a task comes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from dspy_agent.suggest.request import Suggester
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.think_arguments import Approval
from dspy_agent_core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from dspy_agent.loop.approval import Approver

_REST_SECONDS: Final = 60.0


class Talking:
    """Holds the conversations of a session; what the user approved for good, holds for all of them."""

    def __init__(self, context: ToolContext, suggester: Suggester, approval: Approval) -> None:
        self._context = context
        self._suggester = suggester
        self._approval = approval
        self._approver: Approver | None = None
        self._rest_until = 0.0
        self._told = ""

    def talk(self, task: str) -> int | None:
        """Carry out ``task`` with the model and return the exit code; None if there is none to ask."""
        if time.monotonic() < self._rest_until:
            return None
        try:
            if not self._is_there():
                self._without("no model server answers")
                return None
            return self._talk(task)
        except (ModelError, UsageError) as error:
            self._without(f"{error.message} {error.next}")
            return None

    def _is_there(self) -> bool:
        from dspy_agent.loop.reach import listens
        from dspy_agent.model.settings import model_settings

        return listens(model_settings(self._context.workspace).url)

    def _talk(self, task: str) -> int:
        from dspy_agent.loop.approval import Approver, at_terminal
        from dspy_agent.loop.begin import talk
        from dspy_agent.loop.show import Teller
        from dspy_agent.tools.chat import notes, print_rest
        from dspy_agent.tools.console import ResultConsole
        from dspy_agent.tools.think_arguments import ChatArguments

        if self._approver is None:
            self._approver = Approver(self._approval.value, at_terminal())
        teller = Teller(sys.stdout, True)
        found = talk(task, self._context, self._approver, teller, suggester=self._suggester)
        print_rest(found, ResultConsole(self._context.workspace))
        for note in notes(found, ChatArguments()):
            sys.stderr.write(f"{note}\n")
        return 0 if found else 1

    def _without(self, why: str) -> None:
        """Let rules answer for a while; say why, once."""
        self._rest_until = time.monotonic() + _REST_SECONDS
        if why != self._told:
            self._told = why
            sys.stderr.write(f"without a model ({why}): the suggested tools run by themselves\n")
