"""The messages on the topics: one model each, the source of the published JSON Schemas.

Unknown fields are kept, so that a message can pass through an older program unharmed; an unknown major
version is refused, and its reader puts the bytes into the dead letters.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dspy_agent_core.contracts.results import Hidden, LogEvent

SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 1 << 20


class BadMessage(ValueError):
    """A record can't be used; ``reason`` is TooLarge, NotUtf8, NotJson, UnknownVersion, BadField."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Message(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(extra="allow", frozen=True)
    schema_version: int = Field(SCHEMA_VERSION, description="Major version of this message's schema.")

    def encode(self) -> bytes:
        """Return the record's value: UTF-8 JSON, the same bytes for equal messages; None fields left out."""
        return self.model_dump_json(exclude_none=True).encode()


class RawLine(Message):
    """One log line: a value of ``logs.raw.<app>``. The record's key is ``source``."""

    line: str = Field(description="The line as it was written, without its line end.")
    ts: str | float | None = Field(
        None, description="When it was written or read: ISO 8601, or epoch seconds."
    )
    source: str | None = Field(None, description="What wrote it: a file, pod or container.")


class Window(BaseModel):
    """The span of a context, by the broker's clock: ISO 8601, UTC, milliseconds, both ends included."""

    model_config = ConfigDict(frozen=True)
    start: str
    end: str


class Context(Message):
    """The few events that matter of one window: a value of ``logs.ctx.<app>``. The record's key is ``id``.

    The windows of a partition follow each other without gap or overlap, so each raw record is told of in
    exactly one context; a replay makes the same id and the same bytes.
    """

    id: str = Field(description="`<app>/<partition>/<first offset>-<last offset>` of the raw records.")
    app: str
    window: Window
    ctx: list[str] = Field(description="One readable line for each event.")
    events: list[LogEvent] = Field(description="As in `ctx --json`.")
    hidden: list[Hidden] = Field(description="Lines that are not shown, by rule.")
    lines_read: int = 0
    partition: int = 0
    first_offset: int = 0
    last_offset: int = 0


class Result(Message):
    """What a worker makes of a context: a value of ``agent.results.<app>``. The record's key is ``id``."""

    id: str = Field(description="The id of the context.")
    app: str
    summary: str
    key_points: list[str]
    plan: list[str]
    ts: str = Field(description="The end of the context's window.")
    by: str = Field("rules", description="`rules`, or the name of the model that wrote it.")


class Metric(Message):
    """One measurement: a value of ``agent.metrics``."""

    ts: str
    source: str = Field(description="The program that measured.")
    name: str
    value: float
    labels: dict[str, str] = Field(default_factory=dict)


class StreamError(Message):
    """One error that a streams' program lived through: a value of ``agent.errors``."""

    ts: str
    source: str = Field(description="The program.")
    code: str
    message: str


MESSAGES: Final[tuple[type[Message], ...]] = (RawLine, Context, Result, Metric, StreamError)

AnyMessage = TypeVar("AnyMessage", bound=Message)


def decode(kind: type[AnyMessage], value: bytes | None) -> AnyMessage:
    """Return the message in a record's value.

    Raises:
        BadMessage: it is too large, no UTF-8, no JSON object, of an unknown major version, or a field is off.
    """
    if value is None or len(value) > MAX_BYTES:
        raise BadMessage("TooLarge" if value else "NotJson", f"{len(value or b'')} bytes")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMessage("NotUtf8", str(error)) from None
    try:
        message = kind.model_validate_json(text)
    except ValidationError as error:
        raise _why(text, error) from None
    if message.schema_version != SCHEMA_VERSION:
        raise BadMessage("UnknownVersion", f"schema_version {message.schema_version}")
    return message


def _why(text: str, error: ValidationError) -> BadMessage:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        return BadMessage("NotJson", str(wrong))
    if not isinstance(data, dict):
        return BadMessage("NotJson", "not an object")
    if data.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        return BadMessage("UnknownVersion", f"schema_version {data['schema_version']!r}"[:200])
    first = error.errors(include_url=False, include_input=False)[0]
    return BadMessage("BadField", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
