"""Makes ``prior.json`` from simulated situations: ``python -m dspy_agent.suggest.simulated.make [--check]``.

A ridge regression for each tool, over the situations in which it could be filled in: what it is expected to
earn there, in the rewards' own parts (a first hit that is opened, minus its time). Where a wrong tool would
be chosen, a situation counts more. ``--check`` makes it anew and says if the file is current; ``--report``
says how often the best tool is chosen, also in wordings that were not learned from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from dspy_agent.suggest.features import NAMES, features_of
from dspy_agent.suggest.simulated.situations import TOOL_NAMES, Situation, situations
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.prior import Prior
from dspy_agent_core.bandit.rewards import parts_of, total

FILE: Final = Path(__file__).parents[1] / "prior.json"
SEED: Final = 20_260
COUNT: Final = 8000
STRENGTH: Final = 30.0  # in looks at one feature; a context has about 17: the first reward counts a third
_RIDGE: Final = 2.0
_ROUNDS: Final = 12
_STRESS: Final = 5.0  # of a choice that loses a whole reward
_UNKNOWN: Final = 0.8  # the gain of a tool that is filled in only where a short order names it
_LEAST_SEEN: Final = 20
_NEAR: Final = 0.005  # what processors may differ by

_OPENED: Final = total(parts_of("", {"use": "opened", "path_rank": 1}, 0.0))


def value(tool: str, gain: float) -> float:
    """Return the reward of a tool that is of use with the chance ``gain``."""
    seconds = BY_NAME[tool].cost if tool in BY_NAME else 0.0
    return gain * _OPENED + total(parts_of(tool, {}, 1000 * seconds))


def make(seed: int = SEED, count: int = COUNT) -> Prior:
    """Return the prior."""
    drawn = [one for one in situations(seed, count) if len(one.gains) > 1]
    x = np.array([context(one) for one in drawn])
    y = np.full((len(drawn), len(TOOL_NAMES)), np.nan)
    for row, situation in enumerate(drawn):
        for tool, gain in situation.gains.items():
            y[row, TOOL_NAMES.index(tool)] = value(tool, gain)
    known = np.isfinite(y).sum(0) >= _LEAST_SEEN
    arms = tuple(tool for tool, is_known in zip(TOOL_NAMES, known, strict=True) if is_known)
    theta = _fitted(x, y[:, known])
    unknown = np.zeros(len(NAMES))
    unknown[0] = round(_UNKNOWN * _OPENED, 4)
    return Prior(NAMES, arms, np.round(theta, 4) + 0.0, STRENGTH, unknown)


def context(situation: Situation) -> np.ndarray:
    """Return the features of a situation, in the order of NAMES."""
    features = features_of(situation.request, situation.facts)
    return np.array([1.0, *(features[name] for name in NAMES[1:])])


def chosen(prior: Prior, situation: Situation) -> str:
    """Return the tool that the prior alone chooses."""
    scores = dict(zip(prior.arms, (prior.theta @ context(situation)).tolist(), strict=True))
    unknown = float(prior.unknown[0])
    return max(situation.gains, key=lambda tool: scores.get(tool, unknown))


def report(prior: Prior, drawn: Iterable[Situation]) -> dict[str, tuple[int, float, float]]:
    """Return for each kind of task how many there were, how often the choice was best, and what it lost."""
    found: dict[str, list[tuple[bool, float]]] = {}
    for situation in drawn:
        if situation.gains:
            tool = chosen(prior, situation)
            values = {one: value(one, gain) for one, gain in situation.gains.items()}
            lost = max(values.values()) - values[tool]
            found.setdefault(situation.kind, []).append((lost < 1e-9, lost))
    return {
        kind: (len(one), sum(best for best, _ in one) / len(one), sum(lost for _, lost in one) / len(one))
        for kind, one in found.items()
    }


def _fitted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weights of each tool: of the rewards ``y``, where wrong choices count more each time."""
    fits, ridge = np.isfinite(y), _RIDGE * np.eye(x.shape[1])
    y = np.where(fits, y, 0.0)
    weights = fits.astype(float)
    best = np.where(fits, y, -np.inf).argmax(1)
    rows = np.arange(len(x))
    for _ in range(_ROUNDS):
        theta = np.array(
            [
                np.linalg.solve((x * w[:, None]).T @ x + ridge, x.T @ (w * reward))
                for w, reward in zip(weights.T, y.T, strict=True)
            ]
        )
        taken = np.where(fits, x @ theta.T, -np.inf).argmax(1)
        wrong = rows[taken != best]
        lost = y[wrong, best[wrong]] - y[wrong, taken[wrong]]
        weights[wrong, best[wrong]] += _STRESS * lost
        weights[wrong, taken[wrong]] += _STRESS * lost
    return theta


def is_current(made: Prior) -> bool:
    """Return whether the file holds what was ``made``."""
    if not FILE.is_file():
        return False
    there = Prior.decode(FILE.read_bytes())
    same = (there.names, there.arms, there.strength) == (made.names, made.arms, made.strength)
    return same and bool(np.allclose(there.theta, made.theta, rtol=0, atol=_NEAR))


def main(words: list[str]) -> int:
    """Write the file, or check it, or report on it; return the exit code."""
    if words == ["--report"]:
        prior = Prior.decode(FILE.read_bytes())
        for held_out in (False, True):
            sys.stdout.write(f"{'held-out' if held_out else 'known'} wordings\n")
            for kind, (count, best, lost) in report(prior, situations(7, 2000, held_out=held_out)).items():
                sys.stdout.write(f"  {kind:<10} {count:>5}  best {best:.2f}  lost {lost:.3f}\n")
        return 0
    made = make()
    if words == ["--check"]:
        if is_current(made):
            return 0
        sys.stderr.write(
            f"{FILE.name} is out of date.\n  next: uv run python -m dspy_agent.suggest.simulated.make\n"
        )
        return 1
    FILE.write_bytes(made.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
