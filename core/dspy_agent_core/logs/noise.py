"""Named rules for lines that are known to say nothing. What they hide is counted."""

from __future__ import annotations

import re
from typing import Final

# Each with words, one of which is in every text that the pattern matches; all in small letters.
_RULES: Final[tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]] = (
    (
        "health-probe",
        ("health", "probe", "googlehc", "/live", "/ready", "/-/ready", "/startupz", "/ping", "/status"),
        re.compile(
            r"kube-probe/|elb-healthchecker|googlehc/|consul health check"
            r"|\b(?:get|head) /(?:healthz?|livez|readyz|startupz|ready|live|liveness|readiness|ping|status)\b"
            r"|\b(?:get|head) /(?:-/healthy|-/ready|actuator/health|api/health|_health)\b",
        ),
    ),
    (
        "metrics-scrape",
        ("/metrics", "prometheus"),
        re.compile(r"\bget /(?:metrics|actuator/prometheus)\b|prometheus/\d"),
    ),
    (
        "progress-bar",
        ("%", "[=", "[>", "━━"),
        re.compile(
            r"\d{1,3}%\s*[|\[][#=█▏▎▍▌▋▊▉ >.-]*[|\]]|\[=*>? *\]\s+[\d.]+\s?[kmg]?b/|━{4}"
            r"|^\W*(?:progress|downloading|downloaded|uploading|uploaded|extracting)\b[^%]{0,80}\d%",
        ),
    ),
    (
        "heartbeat",
        ("beat",),
        re.compile(r"^\W*heart[- ]?beat\b|\bheart[- ]?beat (?:sent|received|ok|ack|succeeded)\b"),
    ),
    (
        "keep-alive",
        ("alive",),
        re.compile(r"\bkeep-?alive (?:sent|received|ping|ok|ack|probe)|\b(?:sent|received) keep-?alive\b"),
    ),
    ("lease-renewal", ("renewed",), re.compile(r"\brenewed (?:leader )?lease\b")),
)

_PATHS: Final = (
    "probe/", "hc/", "prometheus", "/live", "/ready", "/startupz", "/ping", "/status", "/metrics",
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
    text = message[:1000].lower()
    if not (
        ("/" in text and any(map(text.__contains__, _PATHS)))
        or "%" in text
        or "health" in text
        or "beat" in text
        or "alive" in text
        or "renewed" in text
        or "[=" in text
        or "[>" in text
        or "━━" in text
    ):
        return None  # most lines
    for name, hints, pattern in _RULES:
        if any(map(text.__contains__, hints)) and pattern.search(text):
            return name
    return None


def loud_noise_rule(message: str) -> str | None:
    """Return the name of the rule that hides ``message`` at any level, or None.

    Never ask for an exception that has a frame.
    """
    head = message[:1000]
    if "600" in head and all(pattern.search(head) for pattern in _LEGACY_TIMEOUT):
        return "legacy-timeout"
    return None
