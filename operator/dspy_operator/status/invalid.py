"""The status of a resource whose spec can't be read, as after a change of the CRD under it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dspy_operator.api.metadata import InvalidSpec
from dspy_operator.status.verdict import Verdict, bad, conditions
from dspy_operator.status.workspace import CONDITIONS


def invalid_status(error: InvalidSpec, previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status of a workspace whose spec can't be read: Ready=False, reason InvalidSpec."""
    unknown = Verdict("Unknown", "InvalidSpec", str(error))
    verdicts = dict.fromkeys(CONDITIONS, unknown) | {"Ready": bad("InvalidSpec", str(error))}
    return {
        **previous,
        "observedGeneration": error.generation,
        "conditions": conditions(verdicts, previous, error.generation, now),
    }
