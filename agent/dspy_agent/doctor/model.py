"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

OK: Final = "ok"
WARN: Final = "warn"  # something optional is missing
MISSING: Final = "missing"  # nothing works without it


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``next`` is the command or the change that mends it."""

    name: str
    status: str
    detail: str
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All checks. False if something essential is missing."""

    checks: list[Check] = field(default_factory=list)

    def __bool__(self) -> bool:
        return all(check.status != MISSING for check in self.checks)
