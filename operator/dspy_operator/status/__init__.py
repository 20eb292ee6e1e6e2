"""How far a workspace is: conditions, as a pure function of what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dspy_operator.api.training_job import TrainingJob
from dspy_operator.api.workspace import InvalidSpec, Workspace
from dspy_operator.children import Ref
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed, PodFacts
from dspy_operator.settings import Settings


def status(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Sequence[PodFacts],
    facts: Facts,
    settings: Settings,
    previous: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the whole ``status`` of ``workspace``; equal to ``previous`` where nothing changed.

    ``pods`` may be empty while everything is ready.
    """
    raise NotImplementedError


def invalid_status(error: InvalidSpec, previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status of a workspace whose spec can't be read: Ready=False, reason InvalidSpec."""
    raise NotImplementedError


def job_status(job: TrainingJob, facts: Facts, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole ``status`` of ``job``: this version does not run training jobs, and says so."""
    raise NotImplementedError
