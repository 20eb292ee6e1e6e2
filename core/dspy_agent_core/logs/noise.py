"""Named rules for lines that are known to say nothing. What they hide is counted."""

from __future__ import annotations

import re
from typing import Final

RULES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "health-probe",
        re.compile(
            r"kube-probe/|ELB-HealthChecker|Consul Health Check"
            r"|\b(?:GET|HEAD) /(?:healthz?|livez|readyz|ready|live|ping|status)\b"
            r"|\b(?:GET|HEAD) /(?:-/healthy|-/ready|actuator/health)\b",
            re.I,
        ),
    ),
    ("metrics-scrape", re.compile(r"\bGET /(?:metrics|actuator/prometheus)\b|Prometheus/\d", re.I)),
    ("progress-bar", re.compile(r"\d{1,3}%\s*[|\[][#=█▏▎▍▌▋▊▉ >.-]*[|\]]")),
    ("heartbeat", re.compile(r"^\W*heart[- ]?beat\b|\bkeep-?alive (?:sent|received|ping)", re.I)),
)
# One of these is in every text that a rule matches.
_HINTS: Final = (
    "health",
    "probe",
    "/live",
    "/ready",
    "/-/r",
    "/ping",
    "/status",
    "prometheus",
    "metrics",
    "%",
    "beat",
    "alive",
)


def noise_rule(message: str) -> str | None:
    """Return the name of the rule that hides ``message``, or None. Ask only below level warning."""
    head = message[:1000]
    lowered = head.lower()
    if not any(hint in lowered for hint in _HINTS):
        return None
    return next((name for name, pattern in RULES if pattern.search(head)), None)
