"""The modules that can be trained: where their examples come from, and what checks their answers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.example import Example, Metric
from dspy_agent.modules.registry import ModuleName

Loader = Callable[[Path, tuple[Path, ...], int], Iterable[Example]]


@dataclass(frozen=True, slots=True)
class Task:
    """A module that can be trained.

    Args:
        examples: ``module:function`` of (workspace, logs, most) -> examples.
        metric: ``module:function`` of (example, answer, workspace) -> Score.
        predictor: the module's predictor that the examples ask: its instructions are trained.
        answer_tokens: that an answer may have.
        more: what the user can do to get more examples.
    """

    name: ModuleName
    examples: str
    metric: str
    predictor: str
    answer_tokens: int
    more: str

    def load_examples(self) -> Loader:
        """Import and return what makes the examples."""
        return _load(self.examples)

    def load_metric(self) -> Metric:
        """Import and return what scores an answer."""
        return _load(self.metric)


_DATA: Final = "dspy_agent.gepa.data"
_METRICS: Final = "dspy_agent.gepa.metrics"

TASKS: Final[Mapping[ModuleName, Task]] = {
    task.name: task
    for task in (
        Task(
            "context",
            f"{_DATA}.context:examples",
            f"{_METRICS}.context:metric",
            "advise",
            400,
            "name logs with more kinds of errors: --logs PATH",
        ),
        Task(
            "plan",
            f"{_DATA}.plan:examples",
            f"{_METRICS}.plan:metric",
            "plan",
            600,
            "train in a repository with some dozen commits that say what they do",
        ),
        Task(
            "code",
            f"{_DATA}.code:examples",
            f"{_METRICS}.code:metric",
            "write",
            700,
            "train where more functions have a docstring or a test",
        ),
        Task(
            "router",
            f"{_DATA}.router:examples",
            f"{_METRICS}.router:metric",
            "choose",
            160,
            "train where there is more code, or name logs: --logs PATH",
        ),
    )
}


def _load(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
