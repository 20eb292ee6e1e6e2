"""An event as one line for people, and for the ``ctx`` lines of a context."""

from __future__ import annotations

from dspy_agent_core.contracts.results import LogEvent


def readable(event: LogEvent) -> str:
    """Return level, count, type, message, place and causes of ``event`` on one line."""
    parts = [f"{event.level.upper()} {event.count}×", headline(event)]
    parts += [f"caused by {one_line(cause)}" for cause in event.cause or ()]
    return "  ".join(parts)


def headline(event: LogEvent) -> str:
    """Return type, message and place of ``event`` on one line."""
    message = one_line(event.message)
    text = f"{event.type}: {message}" if event.type and message else (event.type or message)
    if event.frame is None:
        return text
    line = "" if event.frame.line is None else f":{event.frame.line}"
    function = f" in {event.frame.function}" if event.frame.function else ""
    return f"{text}   at {event.frame.path}{line}{function}"


def one_line(text: str) -> str:
    """Return ``text`` on one line of at most 500 characters."""
    joined = " ⏎ ".join(line.strip() for line in text.splitlines() if line.strip())
    return joined if len(joined) <= 500 else f"{joined[:500]}…"
