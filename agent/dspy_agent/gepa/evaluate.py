"""Compares a trained module with the one that ships, on examples that training never saw."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Final

from dspy_agent.gepa.adapter import ModuleAdapter
from dspy_agent.gepa.budget import Budget, Ended
from dspy_agent.gepa.example import Example, example_id
from dspy_agent.gepa.journal import Journal
from dspy_agent.gepa.progress import Progress
from dspy_agent.gepa.results import EvalResult
from dspy_agent.gepa.run import Options, locked_folder, open_student
from dspy_agent.gepa.split import LEAST, unseen
from dspy_agent.gepa.tasks import TASKS
from dspy_agent.modules.registry import instructions_of, new_module, trained_for
from dspy_agent.modules.state import UnfitState
from dspy_agent_core.errors import UsageError

_RESAMPLES: Final = 4000
_MOST_WORST: Final = 3


def evaluate(options: Options, say: Callable[[str], None]) -> EvalResult:
    """Return how the trained module does beside the shipped one, on the same held-out examples.

    Raises:
        UsageError: nothing was trained, or there are too few examples.
        ModelError: the model is gone; the same command goes on where it was.
    """
    with locked_folder(options.workspace, options.module) as (folder, key):
        module = new_module(options.module)
        train = f"dspy-agent gepa train --module {options.module}"
        try:
            trained = trained_for(options.module, module, options.workspace)
        except UnfitState as unfit:
            raise UsageError(
                f"What was trained can't be used: {unfit}.", code="TrainedUnfit", next=train
            ) from None
        if trained is None:
            raise UsageError(f"Nothing was trained for {options.module} here.", code="NotTrained", next=train)
        examples = held_out(options, trained.seed, frozenset(trained.seen))
        model, student = open_student(options, module)
        better = dict(trained.instructions)
        shipped = {name: text for name, text in instructions_of(module).items() if name in better}
        run = example_id("eval", model.settings.name, options.seed)
        journal = Journal(folder / f"{options.module}.eval.jsonl", run, key)
        budget = Budget(2 * len(examples))
        progress = Progress(budget, say)
        adapter = ModuleAdapter(student, journal, budget, tell=progress.asked)
        if trained.model != model.settings.name:
            say(f"it was trained with {trained.model}, and is asked of {model.settings.name} here")
        say(f"{len(examples)} held-out examples, each asked twice")
        try:
            pairs = [(adapter.judge(one, shipped), adapter.judge(one, better)) for one in examples]
        except Ended as ended:
            raise ended.trouble or ended from None
    scores = [(before["score"], after["score"]) for before, after in pairs]
    worst = sorted((after["score"], after["feedback"]) for _, after in pairs if after["score"] < 1.0)
    return _result(options.module, model.settings.name, scores, [said for _, said in worst[:_MOST_WORST]])


def held_out(options: Options, seed: int, seen: frozenset[str]) -> Sequence[Example]:
    """Return the examples whose groups no training saw.

    Raises:
        UsageError: there are too few.
    """
    task = TASKS[options.module]
    found = list(task.load_examples()(options.workspace, options.logs, 2 * options.examples))
    examples = unseen(found, seed=seed, most=options.examples, seen=seen)
    if len(examples) < LEAST:
        raise UsageError(
            f"There are {len(examples)} examples that training never saw, and {LEAST} are needed.",
            code="TooFewExamples",
            next=f"Then it can be told: {task.more}.",
        )
    return examples


def _result(module: str, model: str, scores: Sequence[tuple[float, float]], worst: list[str]) -> EvalResult:
    low, high = interval([after - before for before, after in scores])
    difference = fmean(after - before for before, after in scores)
    verdict = "better" if low > 0 else "worse" if high < 0 else "no difference"
    more = f"dspy-agent gepa train --module {module} --calls 300"
    back = f"rm .dspy_gepa/{module}.json"
    return EvalResult(
        module=module,
        model=model,
        examples=len(scores),
        shipped=round(fmean(before for before, _ in scores), 4),
        trained=round(fmean(after for _, after in scores), 4),
        difference=round(difference, 4),
        low=round(low, 4),
        high=round(high, 4),
        better=sum(after > before for before, after in scores),
        worse=sum(after < before for before, after in scores),
        verdict=verdict,
        worst=tuple(worst),
        next=back if verdict == "worse" else more,
    )


def interval(differences: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Return where the mean of paired ``differences`` lies with 95 % confidence: the percentile bootstrap."""
    draw = random.Random(seed)  # noqa: S311
    count = len(differences)
    means = sorted(fmean(draw.choices(differences, k=count)) for _ in range(_RESAMPLES))
    return means[int(0.025 * _RESAMPLES)], means[int(0.975 * _RESAMPLES) - 1]
