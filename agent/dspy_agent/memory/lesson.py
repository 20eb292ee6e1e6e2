"""A lesson: one sentence of what worked, failed, is so, or is preferred here; and its line on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

Kind = Literal["worked", "failed", "fact", "preference"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MOST_TEXT: Final = 400
MOST_NAMES: Final = 8
_MOST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson.

    ``paths`` and ``symbols`` say where it holds (nowhere named: in all the workspace), ``source`` who
    taught it (``user``, or a tool), ``seen`` how often. ``first`` and ``last`` are epoch seconds. Equal
    words of one kind have one ``id``.
    """

    id: str
    kind: Kind
    text: str
    paths: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    source: str = "user"
    seen: int = 1
    first: float = 0.0
    last: float = 0.0


def lesson_id(kind: Kind, text: str) -> str:
    """Return the id of what says the same, whatever its case, spaces and full stop."""
    same = " ".join(text.lower().split()).rstrip(".!")
    return hashlib.blake2b(f"{kind}\n{same}".encode("utf-8", "replace"), digest_size=4).hexdigest()


def encode(lesson: Lesson) -> bytes:
    """Return ``lesson`` as a line without its end."""
    return json.dumps(asdict(lesson), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(line: bytes) -> Lesson | None:
    """Return the lesson in ``line``; None if it is damaged."""
    try:
        data = json.loads(line)
        kind, text = data["kind"], _text(data["text"], MOST_TEXT)
        if kind not in KINDS or not text.strip():
            return None
        return Lesson(
            id=lesson_id(kind, text),
            kind=kind,
            text=text,
            paths=_names(data.get("paths")),
            symbols=_names(data.get("symbols")),
            source=_text(data.get("source", "user"), 64),
            seen=max(1, min(int(data.get("seen", 1)), 1 << 30)),
            first=_time(data.get("first", 0.0)),
            last=_time(data.get("last", 0.0)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_text(name, _MOST_NAME) for name in (value or ())[:MOST_NAMES])


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("not what was written")
    return value


def _time(value: Any) -> float:
    seconds = float(value)
    return seconds if 0 <= seconds < 1e11 else 0.0
