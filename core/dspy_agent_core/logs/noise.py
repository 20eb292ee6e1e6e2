"""Named rules for lines that are known to say nothing. What they hide is counted."""

from __future__ import annotations

import re
from typing import Final

_RULES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "health-probe",
        re.compile(
            r"kube-probe/|ELB-HealthChecker|GoogleHC/|Consul Health Check"
            r"|\b(?:GET|HEAD) /(?:healthz?|livez|readyz|startupz|ready|live|liveness|readiness|ping|status)\b"
            r"|\b(?:GET|HEAD) /(?:-/healthy|-/ready|actuator/health|api/health|_health)\b",
            re.I,
        ),
    ),
    ("metrics-scrape", re.compile(r"\bGET /(?:metrics|actuator/prometheus)\b|Prometheus/\d", re.I)),
    (
        "progress-bar",
        re.compile(
            r"\d{1,3}%\s*[|\[][#=█▏▎▍▌▋▊▉ >.-]*[|\]]|\[=*>? *\]\s+[\d.]+\s?[kKMG]?B/|━{4}"
            r"|^\W*(?:progress|downloading|downloaded|uploading|uploaded|extracting)\b[^%]{0,80}\d%"
        ),
    ),
    (
        "heartbeat",
        re.compile(r"^\W*heart[- ]?beat\b|\bheart[- ]?beat (?:sent|received|ok|ack|succeeded)\b", re.I),
    ),
    (
        "keep-alive",
        re.compile(
            r"\bkeep-?alive (?:sent|received|ping|ok|ack|probe)|\b(?:sent|received) keep-?alive\b", re.I
        ),
    ),
    ("lease-renewal", re.compile(r"\b(?:successfully )?renewed (?:leader )?lease\b", re.I)),
)
# One of these is in every text that a rule matches.
_HINTS: Final = (
    "health", "/live", "/ready", "/startupz", "/-/r", "/ping", "/status", "kube-probe", "prometheus",
    "metrics", "%", "]", "━", "beat", "alive", "lease",
)  # fmt: skip

# Old versions of the agent gave up on their model after 600 s, without end: three facts must meet.
_LEGACY_TIMEOUT: Final = (
    re.compile(r"\btime(?:d[ -]?)?[ -]?out\b", re.I),
    re.compile(r"\b600(?:\.\d+)?\s?(?:s\b|sec|\b)", re.I),
    re.compile(
        r"\b(?:litellm|dspy|openai|ollama|lm|llm|model|completion|heart[- ]?beat)\b|APITimeoutError", re.I
    ),
)


def noise_rule(message: str) -> str | None:
    """Return the name of the rule that hides ``message``, or None. Ask only below level warning."""
    head = message[:1000]
    lowered = head.lower()
    if not any(hint in lowered for hint in _HINTS):
        return None
    return next((name for name, pattern in _RULES if pattern.search(head)), None)


def loud_noise_rule(message: str) -> str | None:
    """Return the name of the rule that hides ``message`` at any level, or None.

    Never ask for an exception that has a frame.
    """
    head = message[:1000]
    if "600" in head and all(pattern.search(head) for pattern in _LEGACY_TIMEOUT):
        return "legacy-timeout"
    return None
