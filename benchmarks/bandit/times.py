"""µs to act and learn with 64 features and 11 arms, in turns: A B C, A B C …; the best round of each.

Run within the peers' environment, by ``python -m benchmarks.bandit time``. Each system gets the context as
an array; what it makes of it (Vowpal Wabbit: text) is in its time. MABWiser is called by its public
methods.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from typing import Any, Final

import numpy as np

from benchmarks.bandit import peers
from benchmarks.bandit.places import PEERS, ROOT
from benchmarks.bandit.players import OURS, Player, Settings, System
from benchmarks.bandit.worlds import Array

RESULTS: Final = ROOT / "benchmarks" / "results" / "bandit-times.json"
ARMS: Final = 11
FEATURES: Final = 64  # with the constant
_WARM: Final = 300
_SYSTEMS: Final[tuple[tuple[System, Settings, int], ...]] = (
    (OURS, {}, 20),  # steps in a round: few, so that some rounds fall between what others run
    (peers.VW, {"options": "--epsilon 0.02"}, 4),
    (peers.VW, {"options": "--squarecb --gamma_scale 10"}, 4),
    (peers.LIN_UCB, {"kind": "LinUCB", "alpha": 0.1, "l2_lambda": 1.0, "whole": True}, 1),
    (peers.LIN_GREEDY, {"kind": "LinGreedy", "epsilon": 0.02, "l2_lambda": 1.0, "whole": True}, 1),
)


def contexts(count: int) -> Array:
    """Return contexts as a session's are: a constant, and a third of the others is not 0."""
    rng = np.random.default_rng(7)
    made = rng.random((count, FEATURES)) * (rng.random((count, FEATURES)) < 0.33)
    made[:, 0] = 1.0
    return made


def round_of(player: Player, rows: Array, steps: int, at: int) -> float:
    """Return the µs of a step in one round."""
    allowed = np.ones(ARMS, np.bool_)
    started = time.perf_counter()
    for place in range(at, at + steps):
        arm = player.act(rows[place % len(rows)], allowed)
        player.learn(0.1 * (arm % 3))
    return (time.perf_counter() - started) / steps * 1e6


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    rows = contexts(1000)
    players = [(system.make(ARMS, FEATURES, 1, settings), steps) for system, settings, steps in _SYSTEMS]
    for player, steps in players:
        round_of(player, rows, _WARM if steps > 1 else 10, 0)
    spent: list[list[float]] = [[] for _ in players]
    for turn in range(arguments.rounds):
        for (player, steps), times in zip(players, spent, strict=True):
            times.append(round_of(player, rows, steps, turn * steps))
    told: dict[str, Any] = {}
    for (system, settings, _), times in zip(_SYSTEMS, spent, strict=True):
        name = f"{system.name} {settings.get('options', '')}".strip()
        told[name] = {"best_us": round(min(times), 1), "median_us": round(statistics.median(times), 1)}
    facts = {
        "arms": ARMS,
        "features": FEATURES,
        "rounds": arguments.rounds,
        "load_average": round(os.getloadavg()[0], 1),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "peers": PEERS,
        "systems": told,
    }
    print(json.dumps(facts, indent=1))
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
