"""RLTrainingJob: one offline training run for a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dspy_operator.api.metadata import InvalidSpec, Metadata

__all__ = ["InvalidSpec", "Metadata", "TrainingJob", "TrainingJobSpec", "parse"]


class TrainingJobSpec:
    """Filled in below."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A parsed RLTrainingJob."""

    meta: Metadata
    spec: TrainingJobSpec


def parse(obj: Mapping[str, Any]) -> TrainingJob:
    """Return the job in ``obj`` (as the API server answers it), defaults filled in.

    Raises:
        InvalidSpec: the spec does not fit the model.
    """
    raise NotImplementedError
