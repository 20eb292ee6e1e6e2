"""The status of a training job: this version of the operator runs none, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dspy_operator.api.training_job import TrainingJob
from dspy_operator.facts import Facts
from dspy_operator.status.verdict import NOT_RECONCILED, bad, conditions, good

CONDITIONS: Final = ("Suspended", "ResourcesReady", "Progressing", "Complete", "Failed")


def job_status(job: TrainingJob, facts: Facts, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole ``status`` of ``job``."""
    missing = bad(NOT_RECONCILED, "This version of the operator does not run training jobs yet.")
    asleep = good("Suspend", "spec.suspend is true.")
    awake = bad("Running", "spec.suspend is false.")
    verdicts = dict.fromkeys(CONDITIONS, missing) | {"Suspended": asleep if job.spec.suspend else awake}
    generation = job.meta.generation
    return {
        "observedGeneration": generation,
        "conditions": conditions(verdicts, previous, generation, facts.now),
    }
