"""What earns or costs a decision its reward later: steps taken, edits kept, undone or verified, suggestions.

The uses of a search's hits are in :mod:`dspy_agent.learning.uses`; an event each, with an id that is made
from the decision, what came of it, and which one it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.event import Choice, Event, Scalar, new_event
from dspy_agent.learning.memory import Memory
from dspy_agent.learning.rewarded_waiting import Landed, Offer, Planned, Step, Waiting
from dspy_agent.learning.uses import USER, WITHIN_SECONDS, Run, opens

CARRIED_WITHIN: Final = 900.0
KEPT_AFTER: Final = 600.0
_LANDS_WITHIN: Final = 86_400.0
_KEPT_WITHIN: Final = 7 * 86_400.0
_LOOKS: Final = ("read", "search")

Tell = Callable[..., Event]


def carried(waiting: Waiting, memory: Memory, run: Run, now: float) -> Run:
    """Return ``run`` with the decision of the suggestion that it carries out, once and within minutes."""
    if run.decision_id or run.policy != USER or not waiting.offers:
        return run
    args_hash = memory.hash_of(run.arguments)
    for offer in reversed(waiting.offers):
        same = (offer.choice.tool, offer.choice.args_hash) == (run.tool, args_hash)
        if same and 0 <= now - offer.ts <= CARRIED_WITHIN:
            waiting.offers.remove(offer)
            return replace(
                run,
                decision_id=offer.choice.decision_id,
                policy=offer.choice.policy,
                features=offer.features,
                mask=offer.mask,
                propensity=offer.propensity,
                outcome={**offer.outcome, **run.outcome},
            )
    return run


def offered(waiting: Waiting, memory: Memory, run: Run, now: float) -> None:
    """Remember that ``run`` was suggested; nobody made it yet."""
    choice = Choice(run.decision_id, run.tool, memory.hash_of(run.arguments), run.policy)
    waiting.offers.append(Offer(choice, now, run.features, run.mask, run.propensity, run.outcome))


def came_of(waiting: Waiting, memory: Memory, run: Run, workspace: Path, now: float) -> list[Event]:
    """Return what ``run`` says of decisions before it."""
    tell = partial(new_event, workspace=workspace, source=run.source)
    found = list(_steps_taken(waiting, memory, run, workspace, now, tell))
    found += _of_landing(waiting, run, now, tell)
    if run.tool == "run" and run.result is not None:
        found += _of_command(waiting, memory.hash_of(_command_text(run.arguments.command)), run, now, tell)
    return [*found, *_still_kept(waiting, now, tell)]


def edited_as_planned(waiting: Waiting, paths: Sequence[str], workspace: Path, now: float) -> list[Event]:
    """Return an event for each step of a plan that edits one of ``paths``, whose content changed."""
    tell = partial(new_event, workspace=workspace, source="index")
    changed = frozenset(paths)
    return list(_taken(waiting, now, tell, lambda step: step.action == "edit" and step.path in changed))


def remember(waiting: Waiting, memory: Memory, run: Run, choice: Choice, now: float) -> None:
    """Remember what of ``run`` may be rewarded later; ``choice`` is its decision."""
    if run.result is None:
        return
    if run.tool == "plan" and run.result.steps:
        waiting.plans.append(Planned(choice, now, [_step(memory, step) for step in run.result.steps]))
    elif run.tool == "edit" and run.result:
        landed = run.result.checkpoint
        waiting.proposal = Offer(choice, now) if landed is None else None
        if landed is not None:
            waiting.landed.append(Landed(landed, now, [choice], ["kept"]))
    elif run.tool == "apply":
        edit = _proposed(waiting, now)
        waiting.proposal = None
        waiting.landed.append(Landed(run.result.checkpoint, now, [*edit, choice]))
    elif run.tool == "run":
        command = memory.hash_of(_command_text(run.arguments.command))
        waiting.runs[command] = (bool(run.result), now)


def at_once(run: Run, choice: Choice, workspace: Path) -> list[Event]:
    """Return what ``run`` itself says of its own decision: that an edit was verified."""
    if run.tool != "edit" or not run.result or not run.result.verified:
        return []
    tell = partial(new_event, workspace=workspace, source=run.source)
    return [_event(tell, choice, {"use": "verified", "better": 1}, 0)]


def _steps_taken(
    waiting: Waiting, memory: Memory, run: Run, workspace: Path, now: float, tell: Tell
) -> Iterator[Event]:
    """Yield an event for each step of the last plans that ``run`` takes."""
    if run.result is None or not waiting.plans:
        return
    command = memory.hash_of(
        _command_text(run.arguments.command) if run.tool == "run" else (run.tool, run.arguments)
    )
    looked_at = {path for path, _ in opens(run, workspace)}
    changed = {file.path for file in getattr(run.result, "files", None) or () if run.tool in _CHANGING}

    def is_taken(step: Step) -> bool:
        if step.command and (step.tool, step.command) == (run.tool, command):
            return True
        return step.path in (looked_at if step.action in _LOOKS else changed if step.action == "edit" else ())

    yield from _taken(waiting, now, tell, is_taken)


_CHANGING: Final = ("edit", "apply")


def _taken(waiting: Waiting, now: float, tell: Tell, is_taken: Callable[[Step], bool]) -> Iterator[Event]:
    for plan in waiting.plans:
        seconds = now - plan.ts
        for number, step in enumerate(plan.steps, 1):
            if not step.done and 0 <= seconds <= WITHIN_SECONDS and is_taken(step):
                step.done = True
                outcome: dict[str, Scalar] = {"use": "step_run", "step": number, "steps": len(plan.steps)}
                yield _event(tell, plan.choice, outcome, number, seconds)


def _of_landing(waiting: Waiting, run: Run, now: float, tell: Tell) -> Iterator[Event]:
    """Yield what an ``apply`` or ``undo`` says of the edits before."""
    if run.result is None:
        return
    if run.tool == "apply":
        for choice in _proposed(waiting, now):
            yield _event(tell, choice, {"use": "kept"}, run.result.checkpoint)
    elif run.tool == "undo":
        for one in waiting.landed:
            if one.checkpoint == run.result.undoes and "undone" not in one.told:
                one.told.append("undone")
                for choice in one.choices:
                    yield _event(tell, choice, {"use": "undone"}, one.checkpoint, now - one.ts)


def _of_command(waiting: Waiting, command: str, run: Run, now: float, tell: Tell) -> Iterator[Event]:
    """Yield whether what landed since the same command ran last made it better, or worse."""
    before, ok = waiting.runs.get(command), bool(run.result)
    if before is None or before[0] == ok or not 0 <= now - before[1] <= WITHIN_SECONDS:
        return
    for one in waiting.landed:
        if before[1] <= one.ts <= now and not {"undone", "verified"} & set(one.told):
            one.told.append("verified")
            for choice in one.choices:
                yield _event(
                    tell, choice, {"use": "verified", "better": 1 if ok else -1}, one.checkpoint, now - one.ts
                )


def _still_kept(waiting: Waiting, now: float, tell: Tell) -> Iterator[Event]:
    """Yield which applied changes stand after some time: told to the decision to apply."""
    for one in waiting.landed:
        seconds = now - one.ts
        if KEPT_AFTER <= seconds <= _KEPT_WITHIN and not {"kept", "undone"} & set(one.told):
            one.told.append("kept")
            yield _event(tell, one.choices[-1], {"use": "kept"}, one.checkpoint, seconds)


def _proposed(waiting: Waiting, now: float) -> list[Choice]:
    """Return the decision to edit that the waiting proposal came of, if it is known."""
    offer = waiting.proposal
    return [offer.choice] if offer is not None and 0 <= now - offer.ts <= _LANDS_WITHIN else []


def _event(
    tell: Tell, choice: Choice, outcome: dict[str, Scalar], number: int, seconds: float = 0.0
) -> Event:
    id = f"{choice.decision_id}-{outcome['use']}-{number}"
    return tell(choice, {**outcome, "seconds": round(seconds, 3)}, id=id)


def _step(memory: Memory, step: Any) -> Step:
    tool, command = _command(step.command)
    return Step(step.action, tool, memory.hash_of(command) if command else "", step.path[:4096])


def _command(text: str) -> tuple[str, Any]:
    """Return the tool that a command is for, and what to hash: equal for the run that carries it out."""
    from dspy_agent.cli.parsing import Parsed, parse
    from dspy_agent_core.errors import UsageError

    if not text:
        return "", None
    try:
        words = shlex.split(text)
        parsed = parse(words[1:]) if words[:1] == ["dspy-agent"] else None
    except (ValueError, UsageError):
        return "run", text
    if isinstance(parsed, Parsed):
        if parsed.tool.name == "run":
            return "run", _command_text(parsed.arguments.command)
        return parsed.tool.name, (parsed.tool.name, parsed.arguments)
    return "run", " ".join(text.split())


def _command_text(words: Sequence[str]) -> str:
    return " ".join((words[0] if len(words) == 1 else shlex.join(words)).split())
