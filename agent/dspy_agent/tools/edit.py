"""``edit``: changes code for a task. The proposal that comes of it waits for ``apply``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.checkpoints.store import Store
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.change_arguments import EditArguments
from dspy_agent.tools.console import visible
from dspy_agent.tools.diff import ChangedFile, changed_file, print_diff, print_files, task_of
from dspy_agent.tools.stages import stages
from dspy_agent_core.errors import UsageError

if TYPE_CHECKING:
    from dspy_agent.edits import Candidate, Edited, EditOptions, Located

_SEEDS: Final = 1000  # apart, of one round of candidates and the next


@dataclass(frozen=True, slots=True)
class Tried:
    """One candidate. ``verified``: it does what was asked by all checks; ``why``: what is against it."""

    number: int
    path: str
    symbol: str
    verified: bool
    score: float
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A symbol that may have to change, and what says so."""

    path: str
    line: int
    end_line: int
    symbol: str
    score: float
    why: list[str]


@dataclass(frozen=True, slots=True)
class EditResult:
    """The proposal (none: False), how it was checked, and what it was chosen from.

    ``verification``: in words; ``checkpoint``: it landed as this one; ``next``: the next step;
    ``mechanical``: no model wrote it; ``guessed``: and no code of the project says it.
    """

    files: list[ChangedFile]
    diff: str
    verified: bool
    verification: str
    candidates: list[Tried]
    located: list[Place]
    next: str
    seconds: float
    checkpoint: int | None = None
    mechanical: bool = False
    guessed: bool = False
    notes: list[str] | None = field(default=None)

    def __bool__(self) -> bool:
        return bool(self.files)


def run(arguments: EditArguments, context: ToolContext) -> EditResult:
    """Make an edit and keep it as the proposal.

    Raises:
        UsageError: there is no task.
        ModelError: there is no model, or it can't be used.
        AgentError: a named file or symbol is not there, or nothing can be checked here.
    """
    started = time.monotonic()
    store = Store(context.workspace)
    task, options = _asked(arguments, store)
    from dspy_agent.edits import edit
    from dspy_agent.model.access import open_model

    opened = partial(open_model, context.workspace, overrides={"name": arguments.model})
    with stages() as tell:
        edited = edit(task, context, opened, options, tell=tell)
    best = edited.best
    files: list[ChangedFile] = []
    checkpoint = None
    if best is not None:
        proposal = store.propose(best.changes, _about(task, options, best))
        files = [changed_file(change, store) for change in proposal.files]
        if arguments.apply and best.verified:
            checkpoint = store.apply().id
    return EditResult(
        files=files,
        diff="".join(item.diff or "" for item in files),
        verified=best is not None and best.verified,
        verification=_verification(best),
        candidates=[_tried(one) for one in edited.candidates],
        located=[_place(one) for one in edited.located],
        next=_next(edited, checkpoint),
        seconds=round(time.monotonic() - started, 1),
        checkpoint=checkpoint,
        mechanical=best is not None and best.mechanical,
        guessed=best is not None and best.guessed,
        notes=[*store.notes, *edited.notes] or None,
    )


def _asked(arguments: EditArguments, store: Store) -> tuple[str, EditOptions]:
    """Return the task and how it is to be done; ``--more`` goes on from what the proposal was made for."""
    from dspy_agent.edits import EditOptions

    pending = store.pending() if arguments.more else None
    about: Mapping[str, Any] = pending.about if pending else {}
    task = " ".join(arguments.task or ()).strip() or task_of(about) or ""
    if not task:
        raise UsageError(
            "There is no task." if not arguments.more else "No proposal waits to go on from.",
            code="NoTask",
            next="Say what is to be changed: dspy-agent edit 'test_total fails'",
        )
    return task, EditOptions(
        files=tuple(arguments.file or about.get("given_files", ())),
        symbols=tuple(arguments.symbol or about.get("given_symbols", ())),
        tests=tuple(arguments.test or about.get("given_tests", ())),
        candidates=arguments.candidates,
        seconds=arguments.seconds,
        seed=int(about.get("seed", 0)) + _SEEDS if arguments.more else 0,
        warm=arguments.more,
    )


def _about(task: str, options: EditOptions, best: Candidate) -> dict[str, Any]:
    return {
        "task": task,
        "verified": best.verified,
        "verification": _verification(best),
        "given_files": list(options.files),
        "given_symbols": list(options.symbols),
        "given_tests": list(options.tests),
        "seed": options.seed,
    }


def _tried(candidate: Candidate) -> Tried:
    why = candidate.rejected or candidate.failure or None
    return Tried(
        candidate.number,
        candidate.path,
        candidate.symbol,
        candidate.verified,
        candidate.score,
        None if why is None else why[-400:],
    )


def _place(found: Located) -> Place:
    return Place(found.path, found.line, found.end_line, found.symbol, found.score, list(found.why))


def _verification(best: Candidate | None) -> str:
    """Return what the checks say, in one line."""
    found = best.verification if best else None
    if best is None or found is None:
        return ""
    said = []
    tests = found.tests
    if tests is None or not tests.after.ran:
        said.append("tests: none were run")
    else:
        before, after = tests.before, tests.after
        kept = after.passed - len(tests.fixed)
        said.append(f"tests: {before.failed if before else 0} failing → {after.failed}, {kept} passing kept")
        said += [f"{len(tests.broken)} broken"] if tests.broken else []
    said.append(f"lint: {len(found.lint)} new" if found.lint else "lint: no new")
    return ("verified: " if best.verified else "not verified: ") + "; ".join(said)


def _next(edited: Edited, checkpoint: int | None) -> str:
    if checkpoint is not None:
        return "dspy-agent undo"
    if edited.best is None:
        return (
            "dspy-agent edit --symbol NAME TASK" if not edited.candidates else "dspy-agent edit --more TASK"
        )
    return "dspy-agent apply" if edited.best.verified else "dspy-agent edit --more"


def render(result: EditResult, arguments: EditArguments, console: Any) -> None:
    """Print the diff, what was checked, and the next step."""
    if result:
        print_diff(result.diff, console)
        print_files(result.files, console)
        console.out(result.verification, style="green" if result.verified else "yellow")
    else:
        for place in result.located[:3]:
            console.out(f"{place.path}:{place.line} {place.symbol}", style="bold")
            for reason in place.why[:2]:
                console.out(f"  · {visible(reason)}", style="dim")
    console.out(f"next: {result.next}")


def notes(result: EditResult, arguments: EditArguments) -> list[str]:
    """Say what became of the candidates, and what was not done."""
    said = [visible(note) for note in result.notes or ()]
    for one in result.candidates:
        if one.why is not None:
            reason = visible(one.why).strip().splitlines()
            said.append(f"candidate {one.number} ({one.symbol}): {reason[-1] if reason else 'failed'}")
    if not result:
        return [*said, "No candidate could be proposed."]
    if result.guessed:
        said.append("A guess that the tests accept, not a model's: read it with care.")
    elif result.mechanical:
        said.append("A small change that the tests accept; no model was asked.")
    if result.checkpoint is not None:
        return [*said, f"Applied, as checkpoint {result.checkpoint}."]
    if arguments.apply:
        said.append("Not applied: it is not verified.")
    return said
