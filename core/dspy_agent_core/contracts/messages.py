"""The messages on the topics: one model each, the source of the published JSON Schemas.

Unknown fields are kept, so that a message can pass through an older program unharmed; an unknown major
version is refused, and its reader puts the bytes into the dead letters.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Final, TypeVar

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

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    schema_version: int = Field(SCHEMA_VERSION, description="Major version of this message's schema.")

    def encode(self) -> bytes:
        """Return the record's value: UTF-8 JSON, the same bytes for equal messages.

        Our own fields that are None are left out, unknown ones are kept.
        """
        text = self.model_dump_json(exclude_none=True)
        nulls = [name for name, value in (self.model_extra or {}).items() if value is None]
        if nulls:
            text = (
                text[:-1] + "".join(f",{json.dumps(name, ensure_ascii=False)}:null" for name in nulls) + "}"
            )
        return text.encode()


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
    app: str = Field(description="The app whose lines these were.")
    window: Window = Field(description="From the first to the last of them.")
    ctx: list[str] = Field(description="One readable line for each event.")
    events: list[LogEvent] = Field(description="As in `ctx --json`.")
    hidden: list[Hidden] = Field(description="Lines that are not shown, by rule.")
    lines_read: int = Field(0, description="How many lines there were.")
    partition: int = Field(0, description="Of the raw topic.")
    first_offset: int = Field(0, description="Of the first raw record.")
    last_offset: int = Field(0, description="Of the last raw record.")


class Result(Message):
    """What a worker makes of a context: a value of ``agent.results.<app>``. The record's key is ``id``."""

    id: str = Field(description="The id of the context.")
    app: str = Field(description="The app that the context is of.")
    summary: str = Field(description="What went wrong, in a sentence.")
    key_points: list[str] = Field(description="Facts, the most important first.")
    plan: list[str] = Field(description="Next steps: where to look, what to check.")
    ts: str = Field(description="The end of the context's window.")
    by: str = Field("rules", description="`rules`, or the name of the model that wrote it.")


class Metric(Message):
    """One measurement: a value of ``agent.metrics``."""

    ts: str = Field(description="When: ISO 8601, UTC.")
    source: str = Field(description="The program that measured.")
    name: str = Field(description="As on its /metrics.")
    value: float = Field(description="What was measured.")
    labels: dict[str, str] = Field(default_factory=dict, description="As on its /metrics.")


class StreamError(Message):
    """One error that a streams' program lived through: a value of ``agent.errors``."""

    ts: str = Field(description="When: ISO 8601, UTC.")
    source: str = Field(description="The program.")
    code: str = Field(description="A stable CamelCase name, such as BrokerUnreachable.")
    message: str = Field(description="One sentence.")


_Name = Annotated[str, Field(max_length=64)]


class Policy(BaseModel):
    """Who chose the tool: ``user``, or a policy with the version of its state."""

    model_config = ConfigDict(frozen=True)
    name: _Name
    version: _Name


class LearningEvent(Message):
    """One step, or what came of one: a value of ``agent.learning`` and a line of ``.dspy_rl_events.jsonl``.

    The record's key is ``decision_id``: a choice and all that came of it have the same one, and ``tool`` is
    the chosen one in each. An event counts once, whichever way and however often it arrives: by its ``id``.
    No argument, path or text is in it.
    """

    id: str = Field(max_length=128, description="Of this event alone.")
    ts: str = Field(max_length=40, description="When: ISO 8601, UTC.")
    workspace: str = Field(max_length=255, description="The workspace's name.")
    session: _Name = Field(description="One run of the program.")
    decision_id: _Name = Field(description="Of the choice that this is, or came of.")
    policy: Policy = Field(description="Who chose.")
    tool: _Name = Field(description="What was chosen.")
    args_hash: _Name = Field(
        description="Equal for equal arguments in one workspace; keyed, so not to be guessed."
    )
    features: dict[_Name, float] = Field(
        max_length=256, description="What the policy knew, by name. Empty where the user chose."
    )
    mask: list[_Name] = Field(max_length=64, description="Tools that could not be chosen.")
    propensity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="How likely the policy was to choose this tool. Left out: the user chose.",
    )
    cost_ms: float = Field(ge=0, description="How long the tool ran.")
    outcome: dict[_Name, bool | int | float | Annotated[str, Field(max_length=256)]] = Field(
        max_length=32,
        description="Of a step: `hits`, `failed`, `tokens`. Of what came of it: `use`, and more of it.",
    )
    reward: float | None = Field(
        None, description="Adds to that of the choice, which stays within -1..1. Left out: nothing yet."
    )
    source: _Name = Field(description="Where it was told: `cli`, `session`, `index`.")


MESSAGES: Final[tuple[type[Message], ...]] = (RawLine, Context, Result, Metric, StreamError, LearningEvent)

AnyMessage = TypeVar("AnyMessage", bound=Message)


def decode(kind: type[AnyMessage], value: bytes | None) -> AnyMessage:
    """Return the message in a record's value. Numbers without a JSON form in unknown fields become None.

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
    unknown = message.model_extra
    if unknown:
        unknown.update({name: _finite(value) for name, value in unknown.items()})
    return message


def _finite(value: Any) -> Any:
    """Return JSON data without NaN and infinities, which some writers put there. Nested 200 deep at most."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value


def _why(text: str, error: ValidationError) -> BadMessage:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return BadMessage("NotJson", first["msg"])
    if not first["loc"]:
        return BadMessage("NotJson", "not an object")
    try:
        version = json.loads(text).get("schema_version", SCHEMA_VERSION)
    except (ValueError, RecursionError) as wrong:
        return BadMessage("NotJson", str(wrong))
    if version != SCHEMA_VERSION:
        return BadMessage("UnknownVersion", f"schema_version {version!r}"[:200])
    return BadMessage("BadField", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
