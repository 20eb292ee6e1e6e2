"""``python -m dspy_agent_core.contracts.schemas [--check]``: writes the messages' JSON Schemas and page.

Run it in the root of the repository. With ``--check`` nothing is written: it lists stale files and exits
with 1.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from dspy_agent_core.contracts.dead_letters import OURS, Letter
from dspy_agent_core.contracts.messages import (
    Context,
    LearningEvent,
    Message,
    Metric,
    Policy,
    RawLine,
    Result,
    StreamError,
    Window,
)
from dspy_agent_core.contracts.results import Frame, Hidden, LogEvent
from dspy_agent_core.contracts.topics import Topics, app_topics, shared_topics

_FOLDER: Final = Path("docs/reference/schemas")
_PAGE: Final = Path("docs/reference/messages.md")
_HEAD: Final = """<!-- Written by `python -m dspy_agent_core.contracts.schemas`; do not edit. -->

# Topics and messages

Values are JSON in UTF-8, at most 1 MiB. `schema_version` is the major version: a reader puts a record of
another one into the dead letters. Unknown fields are kept. In a cluster every topic has a prefix,
`<namespace>.<workspace>.` unless the workspace says otherwise; it is left out here.

| topic | value | key | settings |
|---|---|---|---|
"""
_DEAD: Final = """
## Dead letters

A record that can't be used goes to `<topic>.dlq` with its key, value and headers as they were, and headers
that say why and where from. A replay of the topic writes the same letter again: twins have the same topic,
partition and offset. `dspy-agent stream dlq` lists, shows and replays them.

| header | example |
|---|---|
"""
_EVENT: Final = LogEvent(
    level="error",
    message="'price'",
    count=12,
    type="KeyError",
    frame=Frame("/app/shop/cart.py", 41, "total"),
    first="2026-03-01T10:00:00.012Z",
    last="2026-03-01T10:00:00.039Z",
    before=0,
)
_LINE: Final = "2026-03-01 10:00:00,012 ERROR shop.cart: no price"
_TS: Final = "2026-03-01T10:00:00.039Z"
_PLURAL: Final = {"string": "strings", "number": "numbers"}

# Each message with what its key is and an example.
_MESSAGES: Final[tuple[tuple[Message, str], ...]] = (
    (RawLine(line=_LINE, ts=1772359200.012, source="shop/web-1/app"), "`source`"),
    (
        Context(
            id="web/0/120-311",
            app="web",
            window=Window(start="2026-03-01T10:00:00.000Z", end=_TS),
            ctx=["ERROR 12×  KeyError: 'price'   at /app/shop/cart.py:41 in total"],
            events=[_EVENT],
            hidden=[Hidden("below-warning", 180)],
            lines_read=192,
            first_offset=120,
            last_offset=311,
        ),
        "`id`",
    ),
    (
        Result(
            id="web/0/120-311",
            app="web",
            summary="web: one problem (1 new) in 192 lines; first of all KeyError at /app/shop/cart.py:41.",
            key_points=["new: error 12× KeyError: 'price'   at /app/shop/cart.py:41 in total"],
            plan=["Open /app/shop/cart.py:41 in total, where KeyError comes from."],
            ts=_TS,
        ),
        "`id`",
    ),
    (Metric(ts=_TS, source="stream-ctx", name="dspy_agent_stream_lines", value=192.0), "`source`"),
    (
        StreamError(ts=_TS, source="stream-ctx", code="BrokerUnreachable", message="No broker answers."),
        "`source`",
    ),
    (
        LearningEvent(
            id="6f1c2b7a90d3e845-opened-1",
            ts=_TS,
            workspace="shop",
            session="b8d1f00c52aa",
            decision_id="6f1c2b7a90d3e845",
            policy=Policy(name="user", version="1"),
            tool="esearch",
            args_hash="0d5be1a97c2f4e63",
            features={},
            mask=[],
            cost_ms=12.5,
            outcome={"use": "opened", "path_rank": 1, "seconds": 41.2, "tool": "codectx"},
            source="cli",
        ),
        "`decision_id`",
    ),
)


def pages() -> dict[Path, str]:
    """Return the text of every generated file by its path in the repository."""
    result = {_PAGE: _page()}
    for message, _ in _MESSAGES:
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **type(message).model_json_schema(),
        }
        result[_FOLDER / _file(message)] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return result


def _page() -> str:
    topics = _topics()
    parts = [_HEAD]
    for name, settings in topics.items():
        found = next((pair for pair in _MESSAGES if _topic(pair[0]) == name), None)
        kind, key = (
            (f"[{type(found[0]).__name__}](#{type(found[0]).__name__.lower()})", found[1])
            if found
            else ("the record as it was", "as it was")
        )
        parts.append(f"| `{name}` | {kind} | {key} | {settings} |\n")
    parts += [_section(message) for message, _ in _MESSAGES]
    letter = Letter("logs.raw.web", 0, 311, 1772359200012, None, None, (), "NotUtf8", "invalid start byte")
    parts.append(_DEAD)
    for name, value in letter.all_headers():
        parts.append(f"| `{name}` | `{(value or b'').decode()}` |\n")
    parts.append(f"\n`{OURS}size`: the value's size, where the broker took only its beginning.\n")
    return "".join(parts)


def _section(message: Message) -> str:
    schema = type(message).model_json_schema()
    lines = [
        f"\n## {type(message).__name__}\n\n{_words(schema)}\n\n| field | type | meaning |\n|---|---|---|\n"
    ]
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        need = "" if name in required else ", optional"
        lines.append(f"| `{name}` | {_type(field)}{need} | {field.get('description', '')} |\n")
    lines += [
        f"\n`{name}` has {', '.join(f'`{field}`' for field in inner['properties'])}. {_words(inner)}\n"
        for name, inner in schema.get("$defs", {}).items()
    ]
    example = json.dumps(json.loads(message.encode()), indent=2, ensure_ascii=False)
    lines.append(f"\n[JSON Schema](schemas/{_file(message)})\n\n```json\n{example}\n```\n")
    return "".join(lines)


def _words(schema: dict[str, Any]) -> str:
    return re.sub(r"``(.*?)``", r"`\1`", " ".join(schema.get("description", "").split()))


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(item) for item in field["anyOf"] if item.get("type") != "null")
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if field["type"] == "object":
        return f"map of {_PLURAL.get(field['additionalProperties'].get('type'), 'values')}"
    return str(field["type"])


def _topics() -> dict[str, str]:
    """Return what is set for each topic, by its name with ``<app>`` in it."""
    specs = [*app_topics(Topics(), "app"), *shared_topics(Topics())]
    return {
        re.sub(r"\.app\b", ".<app>", spec.name): " ".join(
            f"`{name}={spec.config[name]}`" for name in spec.config
        )
        for spec in specs
    }


def _topic(message: Message) -> str:
    names = Topics()
    return {
        RawLine: names.raw("<app>"),
        Context: names.ctx("<app>"),
        Result: names.results("<app>"),
        Metric: names.metrics,
        StreamError: names.errors,
        LearningEvent: names.learning,
    }[type(message)]


def _file(message: Message) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(message).__name__).lower() + ".json"


def main(words: list[str]) -> int:
    """Write the files, or with ``--check`` list the stale ones; return the exit code."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if words == ["--check"]:
            sys.stderr.write(f"{path} is stale: run `python -m dspy_agent_core.contracts.schemas`.\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages()[path], "utf-8")
    return 1 if words == ["--check"] and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
