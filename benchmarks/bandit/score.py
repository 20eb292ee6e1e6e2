"""Scores of passes, kept in the cache line by line: a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from benchmarks.bandit.places import ROOT, cache
from benchmarks.bandit.play import bounds, mean_reward
from benchmarks.bandit.players import Settings, System
from benchmarks.bandit.worlds import World

_CORE: Final = ("linear.py", "policies.py")


class Scores:
    """Mean rewards by system, settings, set and seed."""

    def __init__(self) -> None:
        self._file: Final = cache() / "scores.jsonl"
        self._known: dict[str, list[float]] = {}
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                key, values = json.loads(line)
                self._known[key] = values

    def of(self, system: System, settings: Settings, world: World, seed: int) -> float:
        """Return the mean reward of this pass."""
        core = _core() if system.name == "ours" else ""
        key = json.dumps([system.name, dict(settings), core, *_named(world), seed])
        if key not in self._known:
            self._keep(key, [mean_reward(system, settings, world, seed)])
        return self._known[key][0]

    def bounds(self, world: World, seed: int) -> tuple[float, float]:
        """Return what chance and the oracle get."""
        key = json.dumps(["bounds", *_named(world), seed])
        if key not in self._known:
            self._keep(key, list(bounds(world, seed)))
        low, high = self._known[key]
        return low, high

    def _keep(self, key: str, values: list[float]) -> None:
        self._known[key] = values
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, values]) + "\n")


def _named(world: World) -> tuple[str, int, str]:
    source = "sessions.py" if world.name.startswith("tool-sessions") else "sets.py"
    return world.name, world.rounds, _digest(source, "worlds.py", folder=Path(__file__).parent)


def _core() -> str:
    return _digest(*_CORE, folder=ROOT / "core" / "dspy_agent_core" / "bandit")


def _digest(*names: str, folder: Path) -> str:
    """Return a short digest of what the scores rest on, so that older ones are not taken for them."""
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in names)).hexdigest()[:12]
