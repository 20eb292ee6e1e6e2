"""How one of the arms is chosen: each policy tells with what probability it would choose each of them.

The choice is drawn from those very probabilities, with a number that follows from the decision's id. So a
propensity in the log is what it says, and a decision can be made again exactly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.prior import Floats

Allowed = npt.NDArray[np.bool_]

DEFAULT: Final = "greedy"


class Choice(NamedTuple):
    """An arm, and why.

    ``propensities`` are the probabilities with which each arm could have been chosen (0 under the mask),
    ``scores`` the expected rewards, ``widths`` how uncertain they are, where the policy looked.
    """

    arm: int
    propensities: Floats
    scores: Floats
    widths: Floats | None


class Policy(Protocol):
    """What chooses an arm."""

    @property
    def name(self) -> str:
        """As in POLICIES."""
        ...

    @property
    def version(self) -> str:
        """Changes with what it would choose."""
        ...

    def choose(self, arms: LinearArms, x: Floats, allowed: Allowed, u: float) -> Choice:
        """Return one of the ``allowed`` arms in the context ``x``, drawn with ``u`` from 0..1.

        Raises:
            ValueError: no arm is allowed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Greedy:
    """The best score plus ``optimism`` × its width; with probability ``epsilon`` any allowed arm.

    The widths are ``exact`` ones, or about those (``spreads``). Greedy first: in contexts that vary, the best
    choice explores nearly enough by itself (H. Bastani, M. Bayati, K. Khosravi, "Mostly exploration-free
    algorithms for contextual bandits", Management Science 67(3), 2021).
    """

    optimism: float = 0.3
    epsilon: float = 0.02
    exact: bool = False
    name: str = "greedy"
    version: str = "1"

    def choose(self, arms: LinearArms, x: Floats, allowed: Allowed, u: float) -> Choice:
        """Return one of the ``allowed`` arms; see ``Policy``."""
        scores, widths = arms.scores(x), arms.widths(x) if self.exact else arms.spreads(x)
        some = [arm for arm, may in enumerate(allowed.tolist()) if may]
        if not some:
            raise ValueError("no arm is allowed")
        tops = _best((scores + self.optimism * widths).tolist(), some)
        rest = 1.0 - self.epsilon
        propensities = np.multiply(allowed, self.epsilon / len(some), dtype=np.float64)
        for arm in tops:
            propensities[arm] += rest / len(tops)
        arm = _pick(tops, u / rest) if u < rest else _pick(some, (u - rest) / self.epsilon)
        return Choice(arm, propensities, scores, widths)


@dataclass(frozen=True, slots=True)
class Thompson:
    """Each arm as often as it is the best one by what is known: Thompson sampling.

    The arms' scores are independent and normal, so the probability that one is the largest is an integral
    over one variable, ∫ φₖ Π Φⱼ, which is summed over a grid. The arm is drawn from these probabilities;
    drawing weights instead would give the same arm as often, but could not tell its propensity.
    """

    scale: float = 0.25
    name: str = "thompson"
    version: str = "1"

    def choose(self, arms: LinearArms, x: Floats, allowed: Allowed, u: float) -> Choice:
        """Return one of the ``allowed`` arms; see ``Policy``."""
        if not allowed.any():
            raise ValueError("no arm is allowed")
        scores, widths = arms.scores(x), arms.widths(x)
        propensities = np.zeros(len(scores))
        propensities[allowed] = best_of_normals(scores[allowed], self.scale * widths[allowed])
        return Choice(_draw(propensities.tolist(), u), propensities, scores, widths)


def _linucb() -> Greedy:
    """Return LinUCB (L. Li et al., "A contextual-bandit approach to personalized news…", WWW 2010)."""
    return Greedy(optimism=1.0, epsilon=0.0, exact=True, name="linucb")


POLICIES: Final[Mapping[str, Callable[[], Policy]]] = {
    "greedy": Greedy,
    "linucb": _linucb,
    "thompson": Thompson,
}


def policy(name: str = DEFAULT) -> Policy:
    """Return the policy ``name`` of POLICIES.

    Raises:
        KeyError: there is none.
    """
    return POLICIES[name]()


def unit(decision_id: str) -> float:
    """Return the number in [0, 1) that the decision's choice is drawn with."""
    digest = hashlib.blake2b(decision_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


_GRID: Final = 129
_REACH: Final = 5.0  # standard deviations


def best_of_normals(means: Floats, deviations: Floats) -> Floats:
    """Return how probable each of some independent normal variables is to be the largest; the sum is 1."""
    scale = np.maximum(deviations, 1e-9 * (1.0 + np.abs(means).max()))
    low = (means - _REACH * scale).max()  # below it one of them surely is not
    high = (means + _REACH * scale).max()
    edges = np.linspace(low, high, _GRID)
    below = _normal_cdf((edges[:, None] - means) / scale)
    steps = np.diff(below, axis=0)
    middle = (below[1:] + below[:-1]) / 2
    others = np.prod(middle, axis=1, keepdims=True) / np.maximum(middle, 1e-300)
    shares: Floats = (steps * others).sum(axis=0)
    total = shares.sum()
    return shares / total if total > 0 else np.where(means == means.max(), 1.0, 0.0)


def _normal_cdf(z: Floats) -> Floats:
    at, values = _table()
    return np.interp(z, at, values)


@lru_cache(maxsize=1)
def _table() -> tuple[Floats, Floats]:
    at = np.linspace(-8.0, 8.0, 4097)
    return at, np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in at.tolist()])


def _best(values: list[float], some: list[int]) -> list[int]:
    """Return which of the arms ``some`` have the largest value."""
    best = max(some, key=values.__getitem__)
    return [best] if values.count(values[best]) == 1 else [arm for arm in some if values[arm] == values[best]]


def _pick(arms: list[int], u: float) -> int:
    return arms[min(int(u * len(arms)), len(arms) - 1)]


def _draw(shares: list[float], u: float) -> int:
    """Return the arm that ``u`` falls on; the shares sum to 1, but for rounding."""
    last = 0
    for arm, share in enumerate(shares):
        if share > 0:
            if u < share:
                return arm
            u, last = u - share, arm
    return last
