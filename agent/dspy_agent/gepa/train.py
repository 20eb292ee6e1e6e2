"""Trains one module: GEPA proposes instructions, the examples choose, and the better ones are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.gepa.adapter import Candidate, ModuleAdapter
from dspy_agent.gepa.budget import Budget, Ended
from dspy_agent.gepa.example import dataset_fingerprint, example_id
from dspy_agent.gepa.journal import Journal, writing
from dspy_agent.gepa.progress import Progress
from dspy_agent.gepa.propose import Proposer
from dspy_agent.gepa.results import TrainResult, next_command, why_kept
from dspy_agent.gepa.run import Options, locked_folder, open_student
from dspy_agent.gepa.split import LEAST, Parts, split
from dspy_agent.gepa.tasks import TASKS
from dspy_agent.model.access import open_model
from dspy_agent.modules.registry import dspy_version, instructions_of, new_module, trained_for
from dspy_agent.modules.state import FOLDER, Trained, UnfitState, fingerprint, save_state
from dspy_agent_core.errors import ModelError, UsageError

if TYPE_CHECKING:
    import dspy

_MINIBATCH: Final = 3
_LEAST_GAIN: Final = 0.005
_PATIENCE: Final = 12  # proposals in a row that are no better


def train(options: Options, say: Callable[[str], None]) -> TrainResult:
    """Train a module, and keep what is better.

    Args:
        say: is told how it goes, a line each.

    Raises:
        WorkspaceError: another training runs, or the folder can't be written.
        UsageError: there are too few examples.
        ModelError: the model is gone; the same command goes on where it was.
    """
    with locked_folder(options.workspace, options.module) as (folder, key):
        module = new_module(options.module)
        old = _old(options, module, say)
        parts = load_parts(options, frozenset(old.seen) if old else frozenset())
        say(_sizes(parts))
        name = TASKS[options.module].predictor
        start = {name: (old.instructions if old else instructions_of(module))[name]}
        return _Run(options, module, parts, start, old, say).run(folder, key)


def load_parts(options: Options, seen: frozenset[str]) -> Parts:
    """Return the examples of a module in their parts.

    Raises:
        UsageError: there are too few.
    """
    task = TASKS[options.module]
    found = list(task.load_examples()(options.workspace, options.logs, 2 * options.examples))
    parts = split(found, seed=options.seed, most=options.examples, seen=seen)
    if not parts.enough:
        sizes = ", ".join(f"{count} for {name.replace('_', '-')}" for name, count in parts.sizes().items())
        raise UsageError(
            f"There are too few examples for {options.module}: {sizes}; each needs {LEAST}.",
            code="TooFewExamples",
            next=f"Then it can be trained: {task.more}.",
        )
    return parts


class _Run:
    def __init__(
        self,
        options: Options,
        module: dspy.Module,
        parts: Parts,
        start: Candidate,
        old: Trained | None,
        say: Callable[[str], None],
    ) -> None:
        self._options = options
        self._module = module
        self._parts = parts
        self._start = start
        self._old = old
        self._say = say
        self._dataset = dataset_fingerprint({"train": parts.train, "validation": parts.validation})

    def run(self, folder: Path, key: bytes) -> TrainResult:
        options = self._options
        model, student = open_student(options, self._module)
        reflects = (
            open_model(options.workspace, overrides={"name": options.reflection_model})
            if options.reflection_model
            else model
        )
        name = model.settings.name
        run = example_id(name, reflects.settings.name, options.seed, self._start)
        journal = Journal(folder / f"{options.module}.train.jsonl", run, key)
        if journal.recalled:
            self._say(f"goes on where it was: {journal.recalled} answers are known")
        budget = Budget(options.calls, options.seconds)
        progress = Progress(budget, self._say)
        proposer = Proposer(reflects, journal, budget, options.seed, progress.left_out)
        adapter = ModuleAdapter(student, journal, budget, proposer, progress.asked)
        trouble = self._search(adapter, budget, progress)
        if trouble is not None:
            self._say("what was answered is kept: the same command goes on from here")
            raise trouble
        result = self._result(progress, proposer, budget, journal, name)
        if result.kept:
            with writing():
                save_state(options.workspace, self._trained(result, name, reflects.settings.name), key)
            journal.remove()
        return result

    def _search(self, adapter: ModuleAdapter, budget: Budget, progress: Progress) -> ModelError | None:
        """Let GEPA search until the budget ends; return what went wrong."""
        from gepa.api import optimize

        stop = _Stop(adapter, budget, progress, idle=2 * math.ceil(len(self._parts.train) / _MINIBATCH))
        arguments: dict[str, Any] = {
            "seed_candidate": dict(self._start),
            "trainset": list(self._parts.train),
            "valset": list(self._parts.validation),
            "adapter": adapter,
            "reflection_minibatch_size": _MINIBATCH,
            "stop_callbacks": [stop],
            "callbacks": [progress],
            "logger": _Silent(),
            "seed": self._options.seed,
            "track_best_outputs": False,
        }
        try:
            optimize(**arguments)
        except Ended as ended:
            return ended.trouble
        return adapter.ended.trouble if adapter.ended else None

    def _result(
        self, progress: Progress, proposer: Proposer, budget: Budget, journal: Journal, model: str
    ) -> TrainResult:
        before, best = progress.before, progress.best
        kept = before is not None and best is not None and best[0] >= before + _LEAST_GAIN
        return TrainResult(
            module=self._options.module,
            model=model,
            examples=self._parts.sizes(),
            kept=kept,
            before=before,
            after=best[0] if best else None,
            candidates=progress.candidates,
            left_out=dict(proposer.left_out),
            calls=budget.used,
            resumed=journal.recalled,
            seconds=round(budget.passed, 1),
            instructions=best[1] if kept and best else self._start,
            why=why_kept(kept, before, trained_before=self._old is not None),
            next=next_command(self._options.module, kept, self._options.calls),
        )

    def _trained(self, result: TrainResult, model: str, reflection_model: str) -> Trained:
        seen = self._parts.seen() | (set(self._old.seen) if self._old else set())
        return Trained(
            module=result.module,
            dspy=dspy_version(),
            fingerprint=fingerprint(self._module),
            instructions=dict(result.instructions),
            before=result.before or 0.0,
            after=result.after or 0.0,
            examples=dict(result.examples),
            seen=sorted(seen),
            model=model,
            reflection_model=reflection_model,
            dataset=self._dataset,
            seed=self._options.seed,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
        )


class _Stop:
    """Ends the search when the budget is used up, or when nothing more is to be hoped for."""

    def __init__(self, adapter: ModuleAdapter, budget: Budget, progress: Progress, idle: int) -> None:
        self._adapter = adapter
        self._budget = budget
        self._progress = progress
        self._most_idle = idle
        self._used = -1
        self._idle = 0

    def __call__(self, gepa_state: Any) -> bool:
        self._idle = self._idle + 1 if self._budget.used == self._used else 0
        self._used = self._budget.used
        in_vain = self._progress.in_vain >= _PATIENCE or self._idle > self._most_idle
        return self._budget.spent or self._adapter.ended is not None or in_vain


class _Silent:
    def log(self, message: str) -> None:
        """GEPA's own log is not for the user: progress tells."""


def _old(options: Options, module: dspy.Module, say: Callable[[str], None]) -> Trained | None:
    try:
        return trained_for(options.module, module, options.workspace)
    except UnfitState as unfit:
        say(f"{FOLDER}/{options.module}.json is left out: {unfit}")
        return None


def _sizes(parts: Parts) -> str:
    sizes = parts.sizes()
    return (
        f"{sizes['train']} examples to learn from, {sizes['validation']} to choose by, "
        f"{sizes['held_out']} held out for gepa eval"
    )
