"""Between GEPA's search and a DSPy module: asks it the examples' questions, scores its answers, tells why.

``dspy.GEPA`` has such an adapter too. That one works in threads, which a Ctrl-C has to wait for, draws its
progress on stdout, and takes a model server that is gone for bad answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.gepa.budget import Budget, Ended
from dspy_agent.gepa.example import Example, Metric, Score, example_id
from dspy_agent.gepa.journal import Journal
from dspy_agent.modules.registry import with_instructions
from dspy_agent_core.errors import ModelError

if TYPE_CHECKING:
    import dspy
    from gepa.core.adapter import EvaluationBatch

_FAULTS: Final = frozenset({"ModelAnswer", "PromptTooLong"})  # of the answer; others are of the server
_MOST_TEXT: Final = 4000

Candidate = dict[str, str]
Judged = dict[str, Any]  # {"score", "feedback", "steps": [{"predictor", "inputs", "outputs"}]}


@dataclass(frozen=True, slots=True)
class Student:
    """What is trained: ``module`` as it ships, in ``workspace``; it is asked within ``asking()``."""

    module: dspy.Module
    metric: Metric
    workspace: Path
    asking: Callable[[], AbstractContextManager[None]]


class ModuleAdapter:
    """GEPA's adapter for one module.

    Args:
        student: the module.
        journal: answers what was asked before.
        budget: raises Ended when it is used up.
        propose: (instructions, predictor, records) -> better instructions, or None.
        tell: called after each question.
    """

    def __init__(
        self,
        student: Student,
        journal: Journal,
        budget: Budget,
        propose: Callable[[str, str, Sequence[Mapping[str, Any]]], str | None] | None = None,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self._student = student
        self._journal = journal
        self._budget = budget
        self._propose = propose
        self._tell = tell
        self._seen: set[str] = set()
        self.ended: Ended | None = None

    def evaluate(
        self, batch: list[Example], candidate: Candidate, capture_traces: bool = False
    ) -> EvaluationBatch[Judged, None]:
        """Return the scores of ``candidate`` on ``batch``.

        Raises:
            Ended: the budget is used up, or the model server is gone.
        """
        from gepa.core.adapter import EvaluationBatch

        judged = [self.judge(example, candidate) for example in batch]
        return EvaluationBatch(
            outputs=[None] * len(batch),
            scores=[found["score"] for found in judged],
            trajectories=judged if capture_traces else None,
        )

    def judge(self, example: Example, candidate: Candidate) -> Judged:
        """Return the score of ``candidate`` on ``example``, and what led to it."""
        key = f"judge {example_id(candidate, example.id)}"
        if key not in self._seen:
            self._budget.take()
            self._seen.add(key)
        found: Judged | None = self._journal.get(key)
        if found is None:
            found = self._ask(example, candidate)
            self._journal.put(key, found)
            self._budget.asked()
        self._tell()
        return found

    def make_reflective_dataset(
        self, candidate: Candidate, eval_batch: EvaluationBatch[Judged, None], components_to_update: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return, for each predictor, what it was given, what it answered, and what the metric says."""
        return {
            name: [
                {
                    "Inputs": step["inputs"],
                    "Generated Outputs": step["outputs"],
                    "Feedback": judged["feedback"],
                    "score": judged["score"],
                }
                for judged in eval_batch.trajectories or []
                for step in judged["steps"]
                if step["predictor"] == name
            ]
            for name in components_to_update
        }

    def propose_new_texts(
        self,
        candidate: Candidate,
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> Candidate:
        """Return new instructions; none for a predictor that nothing usable was proposed for."""
        found: Candidate = {}
        for name in components_to_update:
            records = reflective_dataset.get(name)
            if records and self._propose is not None and self.ended is None:
                try:
                    text = self._propose(candidate[name], name, records)
                except Ended as ended:  # gepa would swallow it here
                    self.ended = ended
                    return {}
                if text is not None:
                    found[name] = text
        return found

    def _ask(self, example: Example, candidate: Candidate) -> Judged:
        import dspy
        from dspy.utils.exceptions import LMError

        program = with_instructions(self._student.module, candidate)
        trace: list[Any] = []
        try:
            with self._student.asking(), dspy.context(trace=trace, disable_history=True):
                answer = program(**example.inputs)
        except ModelError as error:
            if error.code not in _FAULTS:
                raise Ended(error) from error
            score = Score(0.0, f"There was no usable answer: {error.message}")
        except LMError:  # of this program: no model is to blame
            raise
        except Exception as error:  # a small model's answer breaks what no one thought of
            score = Score(0.0, f"The answer could not be used: {type(error).__name__}: {error}")
        else:
            score = self._student.metric(example, answer, self._student.workspace)
        names = {id(predictor): name for name, predictor in program.named_predictors()}
        steps = [
            {"predictor": names.get(id(predictor), ""), "inputs": _texts(inputs), "outputs": _texts(outputs)}
            for predictor, inputs, outputs in trace
        ] or [{"predictor": name, "inputs": _texts(example.inputs), "outputs": {}} for name in candidate]
        return {"score": score.score, "feedback": score.feedback[:_MOST_TEXT], "steps": steps}


def _texts(values: Any) -> dict[str, str]:
    return {name: str(value)[:_MOST_TEXT] for name, value in values.items()}
