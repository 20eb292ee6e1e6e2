"""Tunes every system on the tuning sets, plays all sets with what was chosen, writes the figures.

Run within the peers' environment, by ``python -m benchmarks.bandit``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from benchmarks.bandit import peers, sets
from benchmarks.bandit.places import PEERS, ROOT
from benchmarks.bandit.play import interval
from benchmarks.bandit.players import EPSILON, OURS, Settings, System
from benchmarks.bandit.score import Scores
from benchmarks.bandit.sessions import tool_sessions
from benchmarks.bandit.worlds import World

RESULTS: Final = ROOT / "benchmarks" / "results" / "bandit.json"
CHOSEN: Final = ROOT / "benchmarks" / "results" / "bandit-tuned.json"
SYSTEMS: Final = (OURS, *peers.PEERS, EPSILON)
TUNING_SEEDS: Final = (1001, 1002)
ROUNDS: Final = 1000


def tuning_sets() -> list[World]:
    """Digits, and repositories that are not played afterwards."""
    return [
        sets.digits(ROUNDS, drift=True),
        tool_sessions(ROUNDS, drift=False),
        tool_sessions(ROUNDS, drift=True),
    ]


def reported_sets() -> list[World]:
    """All sets; the digits were tuned on."""
    return [
        *(make(ROUNDS, drift=drift) for make in (sets.digits, sets.segment) for drift in (False, True)),
        sets.open_bandit(ROUNDS),
        *(tool_sessions(ROUNDS, drift=drift) for drift in (False, True)),
    ]


def share(
    scores: Scores, system: System, settings: Settings, worlds: Sequence[World], seeds: Sequence[int]
) -> float:
    """Return the share of the way from chance to the oracle, in the mean over the sets."""
    shares = []
    for world in worlds:
        for seed in seeds:
            low, high = scores.bounds(world, seed)
            shares.append((scores.of(system, settings, world, seed) - low) / (high - low))
    return float(np.mean(shares))


def tuned(scores: Scores, system: System, worlds: Sequence[World]) -> dict[str, Any]:
    """Return the best settings of the grid: all on one seed, the best three on all of them.

    For Vowpal Wabbit the rates are tried with its two best kinds of exploration.
    """

    def tried(grid: Sequence[Settings], seeds: Sequence[int]) -> dict[str, float]:
        found = {json.dumps(one): share(scores, system, one, worlds, seeds) for one in grid}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    grid = list(system.grid)
    if system is peers.VW:
        kinds = [json.loads(key)["options"].rpartition(" -l")[0] for key in tried(grid, TUNING_SEEDS[:1])]
        grid += [
            {"options": kind + rate} for kind in list(dict.fromkeys(kinds))[:2] for rate in peers.VW_RATES
        ]
    first = tried(grid, TUNING_SEEDS[:1])
    last = tried([json.loads(key) for key in list(first)[:3]], TUNING_SEEDS)
    best = next(iter(last))
    return {
        "settings": json.loads(best),
        "share": round(last[best], 4),
        "tried": len(first),
        "first": {key: round(value, 4) for key, value in list(first.items())[:5]},
        "last": {key: round(value, 4) for key, value in last.items()},
    }


def played(scores: Scores, world: World, chosen: dict[str, Settings], seeds: Sequence[int]) -> dict[str, Any]:
    """Return each system's mean reward, its interval, and how much better ours is, seed by seed."""
    low, high = zip(*(scores.bounds(world, seed) for seed in seeds), strict=True)
    told: dict[str, Any] = {
        "rounds": world.rounds,
        "arms": world.arms,
        "features": world.size - 1,
        "systems": {},
    }
    told["chance"], told["oracle"] = round(float(np.mean(low)), 4), round(float(np.mean(high)), 4)
    own: list[float] = []
    for system in SYSTEMS:
        if system.name not in chosen:
            continue
        values = [scores.of(system, chosen[system.name], world, seed) for seed in seeds]
        own = own or values
        mean, half = interval(values)
        ahead, ahead_half = interval([mine - its for mine, its in zip(own, values, strict=True)])
        told["systems"][system.name] = {
            "mean": round(mean, 4),
            "half": round(half, 4),
            "ours_ahead": [round(ahead, 4), round(ahead_half, 4)],
            "each": [round(value, 4) for value in values],
        }
        print(world.name, system.name, round(mean, 4), "±", round(half, 4), file=sys.stderr, flush=True)
    return told


def main() -> None:
    """Tune or play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("tune", "play"))
    parser.add_argument("--system", action="append", help="only these (repeatable)")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    scores = Scores()
    wanted = [system for system in SYSTEMS if not arguments.system or system.name in arguments.system]
    if arguments.step == "tune":
        worlds = tuning_sets()
        for system in wanted:
            found = tuned(scores, system, worlds)
            print(system.name, json.dumps(found), file=sys.stderr, flush=True)
            chosen = _chosen() | {system.name: found}  # read again: steps may run side by side
            CHOSEN.write_text(json.dumps(chosen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    chosen = _chosen()
    settings = {system.name: chosen[system.name]["settings"] for system in wanted if system.name in chosen}
    worlds = reported_sets()
    for seed in range(arguments.seeds):  # what is stopped early is whole for fewer seeds
        for world in worlds:
            scores.bounds(world, seed)
            for system in wanted:
                if system.name in settings:
                    scores.of(system, settings[system.name], world, seed)
    told = {world.name: played(scores, world, settings, range(arguments.seeds)) for world in worlds}
    facts = {
        "peers": PEERS,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "seeds": arguments.seeds,
        "load_average": round(os.getloadavg()[1], 1),
        "settings": settings,
        "sets": told,
    }
    RESULTS.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _chosen() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CHOSEN.read_text(encoding="utf-8")) if CHOSEN.exists() else {}
    return found


if __name__ == "__main__":
    main()
