"""The plain checks of a plan: what it names must be there, and its risk is at least its command's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from dspy_agent.planning.commands import Commands
from dspy_agent.planning.places import Places
from dspy_agent.planning.risk import highest, risk_of
from dspy_agent.planning.step import ACTIONS, RISKS, Risk, Step
from dspy_agent_core.code.links import is_test

_LOOKS: Final = ("read", "search")
_NEW_FILE: Final = re.compile(
    r"(?i)\b(?:new|create|add|write|generate|introduce)\b[^.;\n]{0,60}"
    r"\b(?:file|module|script|page|package|class|tests?|doc|docs|document|config|workflow|dockerfile)\b"
)


def wants_new_file(task: str) -> bool:
    """Return whether the words of ``task`` ask for something that may be a new file."""
    return _NEW_FILE.search(task) is not None


def checked(
    steps: Iterable[Any], places: Places, commands: Commands, task: str
) -> tuple[list[Step], list[str]]:
    """Return the steps that can be taken here, mended where it is plain how, and what was done to them.

    An edit's command is our own: what a model writes there (``sed -i …``) would change files unchecked. It
    finds the place itself where the model names no file; a file that is not here makes no edit.
    """
    kept: list[Step] = []
    notes: list[str] = []
    for number, raw in enumerate(steps, 1):
        said = _step(raw)
        step = _with_known_path(said, number, places, notes)
        if step.action == "edit":
            step = replace(step, command=_edit_command(step.path, task) if step.path or not said.path else "")
        else:
            step = _with_known_command(step, number, commands, notes)
        if step.action == "test" and not commands.run_tests(step.command):
            step = replace(step, command=commands.test_of(step.path if is_test(step.path) else ""))
        if not step.path and not step.command:
            notes.append(f"step {number} is left out: nothing of it is known here ({step.action})")
            continue
        step = replace(step, risk=_risk(step))
        if all(_same(step, other) is False for other in kept):
            kept.append(step)
    return kept, notes


def next_command(steps: Sequence[Step], task: str) -> str:
    """Return the command that takes the first step."""
    if not steps:
        return "dspy-agent intel --query " + shlex.quote(task)
    first = steps[0]
    if first.action in ("edit", "test", "run") and first.command:
        return first.command
    return "dspy-agent codectx " + shlex.quote(first.path)


def _step(raw: Any) -> Step:
    def said(name: str) -> str:
        value = raw.get(name, "") if isinstance(raw, dict) else getattr(raw, name, "")
        return " ".join(str(value or "").split())

    action, risk = said("action"), said("risk")
    return Step(
        action if action in ACTIONS else "read",
        said("path"),
        said("command"),
        risk if risk in RISKS else "medium",
        said("check"),
    )


def _with_known_path(step: Step, number: int, places: Places, notes: list[str]) -> Step:
    if not step.path:
        return step
    known = places.known(step.path)
    if known is not None:
        if known not in (step.path, step.path.removeprefix("./")):
            notes.append(f"step {number}: {step.path} is taken as {known}")
        return replace(step, path=known)
    if step.action == "edit" and places.may_be_made(step.path):
        return replace(step, path=step.path.removeprefix("./"), new=True)
    notes.append(f"step {number}: there is no {step.path} here")
    return replace(step, path="")


def _with_known_command(step: Step, number: int, commands: Commands, notes: list[str]) -> Step:
    if not step.command:
        return step
    command, wrong = commands.mended(step.command)
    if wrong:
        notes.append(f"step {number}: {step.command[:80]!r} is left out: {wrong}")
    return replace(step, command="" if wrong else command)


def _edit_command(path: str, task: str) -> str:
    file = ("--file", path) if path else ()
    return shlex.join(("dspy-agent", "edit", *file, "--", task))


def _risk(step: Step) -> Risk:
    by_command: Risk = risk_of(step.command) if step.command else "low"
    if step.action in _LOOKS:
        return by_command
    if step.action == "test" and by_command == "low":
        return "low"
    floor: Risk = "medium" if step.action == "edit" else "low"
    return highest(floor, by_command, step.risk)


def _same(one: Step, other: Step) -> bool:
    return (one.action, one.path, one.command) == (other.action, other.path, other.command)
