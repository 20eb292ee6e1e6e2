"""Remembers what may still be rewarded: suggestions not yet carried out, plans, proposals, what landed.

A file of one JSON object beside the memory of searches, under the same lock. Bounded: the oldest go first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.event import Choice, Scalar
from dspy_agent.learning.place import WAITING_NAME as NAME
from dspy_agent.workspace.files import open_regular

_VERSION: Final = 1
_MOST_BYTES: Final = 1 << 20
_MOST_OFFERS: Final = 8
_MOST_PLANS: Final = 4
_MOST_STEPS: Final = 32
_MOST_LANDED: Final = 20
_MOST_RUNS: Final = 20
_MOST_TEXT: Final = 4096


@dataclass(slots=True)
class Offer:
    """A suggestion that was shown: the run that carries it out has its decision."""

    choice: Choice
    ts: float
    features: Mapping[str, float] = field(default_factory=dict)
    mask: tuple[str, ...] = ()
    propensity: float | None = None
    outcome: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(slots=True)
class Step:
    """A step of a plan: the tool that its command is for, the command as a hash, and the file it is about."""

    action: str
    tool: str
    command: str
    path: str
    done: bool = False


@dataclass(slots=True)
class Planned:
    """A plan that was shown."""

    choice: Choice
    ts: float
    steps: list[Step]


@dataclass(slots=True)
class Landed:
    """A checkpoint, and the decisions that it came of. ``told``: what was told of it."""

    checkpoint: int
    ts: float
    choices: list[Choice]
    told: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Waiting:
    """All of it. ``runs``: how a command ended last, by its hash: well or not, and when."""

    offers: list[Offer] = field(default_factory=list)
    plans: list[Planned] = field(default_factory=list)
    proposal: Offer | None = None
    landed: list[Landed] = field(default_factory=list)
    runs: dict[str, tuple[bool, float]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the file's content."""
        del self.offers[:-_MOST_OFFERS], self.plans[:-_MOST_PLANS], self.landed[:-_MOST_LANDED]
        for plan in self.plans:
            del plan.steps[_MOST_STEPS:]
        while len(self.runs) > _MOST_RUNS:
            del self.runs[min(self.runs, key=lambda name: self.runs[name][1])]
        data = {"version": _VERSION, **_plain(self)}
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=_plain)
        return text.encode("utf-8", "replace")


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def read(folder: Path) -> bytes:
    """Return the content of the file in ``folder``; none if it is not there."""
    try:
        with open_regular(folder / NAME, follow=False) as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return b""


def write(data: bytes, folder: Path) -> None:
    """Write the file, whole or not at all; not flushed to the disk, as the memory of searches.

    Raises:
        OSError: it can't be written.
    """
    new = folder / f"{NAME}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(new, flags, 0o644), "wb") as file:
        file.write(data)
    new.replace(folder / NAME)


def decode(data: bytes) -> Waiting:
    """Return what ``Waiting.encode`` wrote; nothing, if it is not that."""
    try:
        found = json.loads(data)
        if found["version"] != _VERSION:
            return Waiting()
        proposal = found["proposal"]
        return Waiting(
            [_offer(one) for one in found["offers"]],
            [
                Planned(_choice(one["choice"]), float(one["ts"]), [_step(step) for step in one["steps"]])
                for one in found["plans"]
            ],
            None if proposal is None else _offer(proposal),
            [_landed(one) for one in found["landed"]],
            {_text(name): (bool(ok), float(ts)) for name, (ok, ts) in found["runs"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return Waiting()


def _offer(data: Any) -> Offer:
    propensity = data["propensity"]
    return Offer(
        _choice(data["choice"]),
        float(data["ts"]),
        {_text(name): float(value) for name, value in data["features"].items()},
        tuple(_text(name) for name in data["mask"]),
        None if propensity is None else float(propensity),
        {_text(name): _scalar(value) for name, value in data["outcome"].items()},
    )


def _step(data: Any) -> Step:
    path = _text(data["path"], _MOST_TEXT)
    return Step(_text(data["action"]), _text(data["tool"]), _text(data["command"]), path, bool(data["done"]))


def _landed(data: Any) -> Landed:
    choices = [_choice(one) for one in data["choices"]]
    return Landed(int(data["checkpoint"]), float(data["ts"]), choices, [_text(one) for one in data["told"]])


def _choice(data: Any) -> Choice:
    decision_id, tool, args_hash, (name, version) = data
    return Choice(_text(decision_id), _text(tool), _text(args_hash), (_text(name), _text(version)))


def _scalar(value: Any) -> Scalar:
    if not isinstance(value, bool | int | float | str) or len(str(value)) > 256:
        raise ValueError("not what was written")
    return value


def _text(value: object, most: int = 64) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("not what was written")
    return value
