"""Who may change anything: tools that only read are free, all others run by these rules.

- ``never``: not at all.
- ``manual``: the user is asked at a terminal; without one, nothing runs.
- ``auto``: what the user's own words ask for runs; all else is asked, as in ``manual``.

In ``auto`` a model that has read a log or a file may have been talked into anything, so a change must follow
from the task alone: its kind is ordered there (``intent``), a command is one of the project's own checks or
stands in the task, an edit gets the user's words and not the model's, what lands was proposed and verified in
this conversation. A command of high risk is always asked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from dspy_agent.loop.intent import asked_for
from dspy_agent.planning.risk import risk_of
from dspy_agent.planning.shell import simple_commands
from dspy_agent.tools.console import visible

Approval = Literal["auto", "manual", "never"]
Ask = Callable[[str], str]
_ANSWERS: Final = {letter: word for word in ("yes", "always", "explain") for letter in (word, word[0])}


@dataclass(frozen=True, slots=True)
class Change:
    """A changing tool that a model wants to run: its name, its command line, and why.

    ``proposed_here``: what it would land was proposed, and verified, in this conversation.
    """

    tool: str
    command: str
    why: str
    proposed_here: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it runs, by whom (``rule``, ``user``) and why (not)."""

    runs: bool
    by: Literal["rule", "user"]
    why: str


@dataclass(slots=True)
class Approver:
    """Decides in one conversation.

    Args:
        mode: as said above.
        ask: asks the user and returns the answer; None without a terminal.
        always: tools that the user approved for the rest of the conversation.
    """

    mode: Approval = "manual"
    ask: Ask | None = None
    always: set[str] = field(default_factory=set)

    def decide(self, change: Change, task: str, own_commands: Collection[str]) -> Verdict:
        """Return whether ``change`` runs for ``task``; ``own_commands`` are the project's own checks."""
        if self.mode == "never":
            return Verdict(False, "rule", "changes are off (--approval never)")
        risk = risk_of(change.command) if change.tool == "run" else "medium"
        if risk != "high" and change.tool in self.always:
            return Verdict(True, "user", "approved for this conversation")
        against = _against(change, task, own_commands)
        if self.mode == "auto" and risk != "high" and not against:
            return Verdict(True, "rule", "the task asks for it")
        if self.ask is None:
            because = against or f"it is of {risk} risk" if risk == "high" or against else "--approval manual"
            return Verdict(False, "rule", f"it needs your approval, and there is no terminal ({because})")
        return self._asked(change, against, risk, self.ask)

    def _asked(self, change: Change, against: str, risk: str, ask: Ask) -> Verdict:
        question = (
            f"{change.tool}: `{visible(change.command)}`? [y]es / [n]o / [a]lways {change.tool} / [e]xplain: "
        )
        for _ in range(5):
            answer = _ANSWERS.get(ask(question).strip().lower(), "no")
            if answer == "explain":
                told = against or "your task asks for it"
                what = f"{change.tool} changes files or runs a program ({risk} risk); {told}."
                sys.stderr.write(f"{what} The model says: {visible(change.why) or 'nothing'}\n")
                continue
            if answer == "always":
                self.always.add(change.tool)
            return Verdict(answer != "no", "user", "you approved it" if answer != "no" else "you said no")
        return Verdict(False, "user", "no answer")


def _against(change: Change, task: str, own_commands: Collection[str]) -> str:
    """Return why ``change`` does not follow from the task; "" if it does."""
    kinds = asked_for(task)
    if change.tool not in kinds:
        return f"your task does not ask to {change.tool}"
    if change.tool == "run" and not _is_own(change.command, task, own_commands):
        return "the command is none of the project's own checks, nor in your task"
    if change.tool == "apply" and not change.proposed_here:
        return "what would land was not proposed and verified in this conversation"
    return ""


def _is_own(command: str, task: str, own_commands: Collection[str]) -> bool:
    """Return whether ``command`` stands in the task, or is one of the project's own (with arguments)."""
    simples = simple_commands(command) or []
    if len(simples) != 1 or simples[0].writes:
        return bool(command) and command in task
    return command in task or any(command == own or command.startswith(f"{own} ") for own in own_commands)


def ask_at_terminal(question: str) -> str:
    """Ask on stderr and read a line; the end of the input is a no."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def at_terminal() -> Ask | None:
    """Return what asks the user, if there is one to ask."""
    return ask_at_terminal if sys.stdin.isatty() and sys.stderr.isatty() else None
