"""How far a resource is: conditions, as a pure function of what was observed."""

from __future__ import annotations

from dspy_operator.status.invalid import invalid_status
from dspy_operator.status.job import job_status
from dspy_operator.status.workspace import status

__all__ = ["invalid_status", "job_status", "status"]
