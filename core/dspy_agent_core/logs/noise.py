"""Named rules for lines that are known to say nothing. What they hide is counted."""

from __future__ import annotations

import re
from typing import Final

_Rule = tuple[str, tuple[str, ...], re.Pattern[str]]

# Each with small words, one of which is in every text that the pattern matches: most lines end there.
_RULES: Final[tuple[_Rule, ...]] = (
    (
        "health-probe",
        ("health", "kube-probe", "get /", "head /", "googlehc"),
        re.compile(
            r"kube-probe/|ELB-HealthChecker|GoogleHC/|Consul Health Check"
            r"|\b(?:GET|HEAD) /(?:healthz?|livez|readyz|startupz|ready|live|liveness|readiness|ping|status)\b"
            r"|\b(?:GET|HEAD) /(?:-/healthy|-/ready|actuator/health|api/health|_health)\b",
            re.I,
        ),
    ),
    (
        "metrics-scrape",
        ("prometheus", "get /metrics"),
        re.compile(r"\bGET /(?:metrics|actuator/prometheus)\b|Prometheus/\d", re.I),
    ),
    (
        "progress-bar",
        ("%", "[=", "[>", "━━"),
        re.compile(
            r"\d{1,3}%\s*[|\[][#=█▏▎▍▌▋▊▉ >.-]*[|\]]|\[=*>? *\]\s+[\d.]+\s?[kKMG]?B/|━{4}"
            r"|^\W*(?:progress|downloading|downloaded|uploading|uploaded|extracting)\b[^%]{0,80}\d%",
            re.I,
        ),
    ),
    (
        "heartbeat",
        ("beat",),
        re.compile(r"^\W*heart[- ]?beat\b|\bheart[- ]?beat (?:sent|received|ok|ack|succeeded)\b", re.I),
    ),
    (
        "keep-alive",
        ("alive",),
        re.compile(
            r"\bkeep-?alive (?:sent|received|ping|ok|ack|probe)|\b(?:sent|received) keep-?alive\b", re.I
        ),
    ),
    ("lease-renewal", ("renewed",), re.compile(r"\brenewed (?:leader )?lease\b", re.I)),
)

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
    for name, hints, pattern in _RULES:
        for hint in hints:
            if hint in lowered:
                if pattern.search(head):
                    return name
                break
    return None


def loud_noise_rule(message: str) -> str | None:
    """Return the name of the rule that hides ``message`` at any level, or None.

    Never ask for an exception that has a frame.
    """
    head = message[:1000]
    if "600" in head and all(pattern.search(head) for pattern in _LEGACY_TIMEOUT):
        return "legacy-timeout"
    return None
