"""Splits examples into train, validation and held-out parts, so that none leaks into another.

A group (a file, a commit …) is never torn: what a prompt learned from one of its examples would help with the
others. The parts depend on the examples and the seed alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Final

from dspy_agent.gepa.example import Example

SHARES: Final = {"train": 0.4, "validation": 0.3, "held_out": 0.3}
LEAST: Final = 3  # examples in each part; with fewer a score says nothing
_MOST_OF_ONE: Final = 8  # no group is more than this part of all examples


@dataclass(frozen=True, slots=True)
class Parts:
    """The examples to learn from, to choose by, and to report on."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    held_out: tuple[Example, ...]

    def sizes(self) -> dict[str, int]:
        """Return how many examples each part has."""
        return {name: len(getattr(self, name)) for name in SHARES}

    @property
    def enough(self) -> bool:
        """Whether each part has as many as are needed."""
        return min(self.sizes().values()) >= LEAST

    def seen(self) -> set[str]:
        """Return the groups that training sees, as ``group_id``."""
        return {group_id(example.group) for example in (*self.train, *self.validation)}


def split(examples: Iterable[Example], *, seed: int, most: int, seen: Container[str] = frozenset()) -> Parts:
    """Return the parts of ``examples``, at most ``most`` of them in all.

    Groups go, in an order drawn by ``seed``, to the part that lacks most of its share; those that were
    ``seen`` in an earlier training (``group_id``) are never held out.
    """
    parts: dict[str, list[Example]] = {name: [] for name in SHARES}
    taken = 0
    for group in _drawn(_groups(examples), seed):
        group = group[: min(most - taken, max(1, most // _MOST_OF_ONE))]
        taken += len(group)
        if group:
            names = [name for name in SHARES if name != "held_out" or group_id(group[0].group) not in seen]
            name = max(names, key=lambda part: SHARES[part] * taken - len(parts[part]))
            parts[name] += group
    return Parts(*(tuple(parts[name]) for name in SHARES))


def unseen(examples: Iterable[Example], *, seed: int, most: int, seen: Container[str]) -> list[Example]:
    """Return at most ``most`` examples of groups that were not ``seen``, in an order drawn by ``seed``."""
    groups = [group for group in _drawn(_groups(examples), seed) if group_id(group[0].group) not in seen]
    by_turns = chain.from_iterable(zip_longest(*groups))
    return list(islice((example for example in by_turns if example is not None), most))


def group_id(group: str) -> str:
    """Return what stands for a group in a state file."""
    return hashlib.sha256(group.encode("utf-8", "surrogateescape")).hexdigest()[:10]


def _groups(examples: Iterable[Example]) -> Mapping[str, list[Example]]:
    groups: defaultdict[str, dict[str, Example]] = defaultdict(dict)
    for example in examples:
        groups[example.group].setdefault(example.id, example)
    return {name: list(group.values()) for name, group in groups.items()}


def _drawn(groups: Mapping[str, list[Example]], seed: int) -> list[list[Example]]:
    def draw(text: str) -> bytes:
        return hashlib.sha256(f"{seed}:{text}".encode()).digest()

    return [sorted(groups[name], key=lambda example: draw(example.id)) for name in sorted(groups, key=draw)]
