"""What the read and find tools answer: the objects behind ``--json``.

Plain dataclasses, so that a one-shot command starts without importing pydantic.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Final

# Read by pydantic where these classes are parts of messages: what a newer program adds is passed over.
_NEWER_FIELDS: Final = {"extra": "ignore"}


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in the workspace. ``path`` is relative to it, with forward slashes; lines count from 1.

    ``before`` and ``after`` are the lines around it, where they were asked for. Bytes of a file name that
    are not UTF-8 are written ``\\xNN``; a long ``text`` is cut and ends in ``… [N more]``. ``evidence``: each
    reason apart, where there are several kinds.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    symbol: str | None = None
    text: str | None = None
    score: float | None = None
    why: str | None = None
    before: list[str] | None = None
    after: list[str] | None = None
    evidence: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hits:
    """Answer of ``grep``, ``extract`` and the search tools, best or first hit first.

    ``truncated``: there are more hits than were asked for; ``similar``: names near the one that was not
    found; ``skipped``: what could not be read; ``notes``: what else the user should know. False if there is
    no hit.
    """

    hits: list[Hit] = field(default_factory=list)
    truncated: bool | None = None
    similar: list[str] | None = None
    skipped: list[Skipped] | None = None
    notes: list[str] | None = None

    def __bool__(self) -> bool:
        return bool(self.hits)


@dataclass(frozen=True, slots=True)
class Frame:
    """A stack frame: ``path`` as it stands in the log, or relative to the workspace where it lies in it."""

    __pydantic_config__: ClassVar[dict[str, str]] = _NEWER_FIELDS

    path: str
    line: int | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A group of like log records, with one of them as ``example``.

    ``first`` and ``last`` are the times in the log (ISO 8601 where they could be read); ``frame`` is
    the innermost frame of the workspace's own code; ``cause`` the chain of causes, outermost first.
    ``signature`` names the group: like records have the same one everywhere, as long as its version (the
    part before the colon) stays. ``before`` is the count in the window before, 0 for what is new; left
    out where there was none. ``example`` begins at ``offset`` of ``source``: a byte of a file, or the
    offset in a topic's partition. ``app`` says whose log it is, where several are shown.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _NEWER_FIELDS

    level: str
    message: str
    count: int
    type: str | None = None
    frame: Frame | None = None
    cause: list[str] | None = None
    first: str | None = None
    last: str | None = None
    example: str | None = None
    signature: str | None = None
    before: int | None = None
    source: str | None = None
    offset: int | None = None
    app: str | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """Lines that a named noise rule hides."""

    __pydantic_config__: ClassVar[dict[str, str]] = _NEWER_FIELDS

    rule: str
    lines: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A log file, or the first ``bytes`` of one, that was not read, and why."""

    path: str
    why: str
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class LogContext:
    """Answer of ``ctx``: newest event first. False if there is no event.

    ``apps``: those whose contexts came over the streams.
    """

    events: list[LogEvent] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    lines_read: int = 0
    files: list[str] | None = None
    apps: list[str] | None = None
    unread: list[Unread] | None = None

    def __bool__(self) -> bool:
        return bool(self.events)


def to_jsonable(value: Any) -> Any:
    """Return ``value`` as plain JSON types; dataclass fields that are None are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: to_jsonable(item) for name, item in pairs if item is not None}
    if isinstance(value, dict):
        return {key: to_jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(item) for item in value]
    return value
