"""A dead letter for people and for programs."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Final

from dspy_agent.streams.letter_box import Kept

_COLUMNS: Final = 16


def facts(kept: Kept) -> dict[str, Any]:
    """Return the letter as JSON: bytes that are UTF-8 as ``text``, others as ``base64``."""
    letter = kept.letter
    data: dict[str, Any] = {
        "topic": kept.topic,
        "partition": kept.partition,
        "offset": kept.offset,
        "replayed": kept.replayed,
    }
    if letter is None:
        return data
    return data | {
        "source": {"topic": letter.topic, "partition": letter.partition, "offset": letter.offset},
        "time": _time(letter.time),
        "reason": letter.reason,
        "detail": letter.detail,
        "key": _bytes(letter.key),
        "headers": [{"name": name, "value": _bytes(value)} for name, value in letter.headers],
        "value": _bytes(letter.value),
        "size": letter.size if letter.size is not None else len(letter.value or b""),
    }


def words(kept: Kept, *, as_hex: bool) -> str:
    """Return the letter as text."""
    letter = kept.letter
    if letter is None:
        return f"{kept.topic} {kept.partition}/{kept.offset}: its headers do not say what it is\n"
    size = letter.size if letter.size is not None else len(letter.value or b"")
    lines = [
        f"reason   {letter.reason}: {letter.detail}",
        f"from     {letter.topic}, partition {letter.partition}, offset {letter.offset}",
        f"at       {kept.topic}, partition {kept.partition}, offset {kept.offset}",
        f"time     {_time(letter.time) or 'unknown'}",
        f"key      {'none' if letter.key is None else _shown(letter.key)}",
        *(f"header   {name}: {'none' if value is None else _shown(value)}" for name, value in letter.headers),
        f"value    {size} bytes" + (f", the first {len(letter.value or b'')} kept" if letter.size else ""),
        "replayed " + ("yes" if kept.replayed else "no"),
    ]
    value = letter.value or b""
    body = _hex(value) if as_hex or not _is_text(value) else value.decode()
    return "\n".join([*lines, "", body]).rstrip("\n") + "\n"


def _time(milliseconds: int) -> str | None:
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if milliseconds >= 0 else None


def _bytes(value: bytes | None) -> dict[str, str] | None:
    if value is None:
        return None
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _is_text(value: bytes) -> bool:
    """Return whether a terminal can be given these bytes: UTF-8 without control characters."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\n\t" for char in text)


def _shown(value: bytes) -> str:
    return value.decode() if _is_text(value) else value.hex(" ")


def _hex(value: bytes) -> str:
    rows = range(0, len(value), _COLUMNS)
    return "\n".join(f"{start:08x}  {value[start : start + _COLUMNS].hex(' ')}" for start in rows)
