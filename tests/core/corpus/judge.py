"""Compares what was shown of a case with what its labels say must be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dspy_agent_core.contracts.results import LogEvent
from tests.core.corpus.load import Case, Shown

_SEVERE = ("error", "critical")


@dataclass(frozen=True)
class Verdict:
    """``lost``: labels without an event; ``spurious``: severe events without a label."""

    lost: tuple[Shown, ...]
    spurious: tuple[LogEvent, ...]


def judge(case: Case, events: Sequence[LogEvent], *, whole_message: bool = True) -> Verdict:
    """Match each label of ``case`` with an event of its own."""
    left = list(events)
    lost = []
    for shown in case.shown:
        event = next((event for event in left if is_shown(shown, event, whole_message=whole_message)), None)
        if event is None and not shown.message.endswith("?"):
            lost.append(shown)
        elif event is not None:
            left.remove(event)
    return Verdict(tuple(lost), tuple(event for event in left if event.level in _SEVERE))


def is_shown(shown: Shown, event: LogEvent, *, whole_message: bool = True) -> bool:
    """Return whether ``event`` tells all that ``shown`` asks for.

    A message of one line is the first line of what must be shown; without ``whole_message`` that holds for
    any message, and messages of causes aren't asked for beyond their first line.
    """
    asked = shown.message.removesuffix("?")
    message = asked if whole_message else asked.partition("\n")[0]
    if event.type != shown.type or message not in event.message:
        return False
    if shown.type is not None and not event.message.startswith(message):
        return False
    if "\n" not in message and shown.type is not None and not _ends_line(event.message, message):
        return False
    if shown.place is not None:
        frame = event.frame
        if frame is None or not frame.path.endswith(shown.place.path) or frame.line != shown.place.line:
            return False
        if shown.place.function is not None and frame.function != shown.place.function:
            return False
    return all(
        any(
            _is_cause(text if whole_message else text.partition("\n")[0], line, cause)
            for cause in event.cause or ()
        )
        for text, line in shown.causes
        if not text.endswith("?")
    )


def _ends_line(message: str, start: str) -> bool:
    """Return whether the first line of ``message`` is ``start``, or goes on behind a word of it."""
    return not message[len(start) : len(start) + 1].isalnum()


def _is_cause(text: str, line: int | None, cause: str) -> bool:
    return cause.startswith(text) and (line is None or f":{line}" in cause)
