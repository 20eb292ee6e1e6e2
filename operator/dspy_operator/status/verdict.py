"""A verdict on one part of a workspace, and how verdicts become conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST: Final = 1024
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s@]+@")
_REASON: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,63}", re.ASCII)

# Reasons of a part that is on its way, as against one that needs somebody's help.
PROGRESS: Final = frozenset(
    {
        "Progressing",
        "PullingModel",
        "ProvisioningVolume",
        "WaitForFirstConsumer",
        "ResizeInProgress",
        "ChildTerminating",
    }
)
NOT_RECONCILED: Final = "NotReconciled"
NOT_REQUESTED: Final = "NotRequested"
LOCAL: Final = "Local"
SUSPENDED: Final = "Suspended"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a part is ready (``status`` is True, False or Unknown), why in one word, and why for people.

    A ``vague`` message does not replace an earlier one of the same generation and reason.
    """

    status: str
    reason: str
    message: str
    vague: bool = False

    @property
    def ready(self) -> bool:
        """Whether the part is ready."""
        return self.status == "True"


def good(reason: str, message: str) -> Verdict:
    """Return the verdict that a part is ready."""
    return Verdict("True", reason, message)


def bad(reason: str, message: str, *, vague: bool = False) -> Verdict:
    """Return the verdict that a part is not ready. A malformed ``reason`` becomes ``Failed``."""
    return Verdict("False", reason if _REASON.fullmatch(reason) else "Failed", message, vague)


def clean(text: str) -> str:
    """Return one short line without what looks like credentials in a URL."""
    line = " ".join(_USER_INFO.sub("***@", text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def timestamp(moment: datetime) -> str:
    """Return ``moment`` as Kubernetes writes times: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def conditions(
    verdicts: Mapping[str, Verdict], previous: Mapping[str, Any], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the conditions; ``lastTransitionTime`` moves only where the status changed."""
    before = {item["type"]: item for item in previous.get("conditions") or ()}
    return [
        {
            "type": kind,
            "status": verdict.status,
            "reason": verdict.reason,
            "message": _message(verdict, before.get(kind, {}), generation),
            "observedGeneration": generation,
            "lastTransitionTime": (
                before[kind]["lastTransitionTime"]
                if kind in before and before[kind].get("status") == verdict.status
                else timestamp(now)
            ),
        }
        for kind, verdict in verdicts.items()
    ]


def _message(verdict: Verdict, before: Mapping[str, Any], generation: int) -> str:
    same = (before.get("reason"), before.get("observedGeneration")) == (verdict.reason, generation)
    return str(before["message"]) if verdict.vague and same else clean(verdict.message)
