"""What an arm is worth in a context: one ridge regression for each arm, updated in O(d²) a reward.

Recursive least squares with *directional forgetting*: a reward makes older knowledge fade only in the
direction that the new one tells of (R. Kulhavý, "Restricted exponential forgetting in real-time
identification", Automatica 23(5), 1987; in the form of S. Bittanti, P. Bolzern, M. Campi, "Convergence and
exponential convergence of identification algorithms with directional forgetting factor", Automatica 26(5),
1990). Plain exponential forgetting blows up in directions that are not seen for long; here what is rare is
kept until it is seen again. What repeated forgetting along nearly parallel contexts could still take from
the prior is given back, a weight at a time, so that none is for long less certain than at the start.

The exact width of a score takes d² steps for each arm. ``spreads`` estimates all of them in d steps: from the
variances of the weights alone, scaled by what that estimate was off by where the arm learned of late.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dspy_agent_core.bandit.prior import BIAS, MOST_ARMS, MOST_FEATURES, Floats, Prior

DISCOUNT: Final = 0.8
RIDGE: Final = 4.0
# What an arm gives whatever the context is told by its first rewards; what a feature adds, less surely.
_BIAS_SHARE: Final = 0.25
# Below this there is nothing in the direction of a context that could be forgotten.
_NOTHING: Final = 1e-12
_ROUNDING: Final = 1 + 1e-9
_CALIBRATION: Final = 0.1
_MOST_SCALE: Final = 4.0
# How often an arm learns before level and spreads follow at every so manieth reward only.
_EARLY: Final = 64
_SELDOM: Final = 4


class LinearArms:
    """One regression for each arm.

    Args:
        arms: to begin with; others join with ``add_arm``.
        names: of the features; BIAS, which is always 1, is put first.
        prior: what to start from; without one all weights are 0.
        ridge: the strength of the start, where there is no prior.
        discount: how much of what is known in a direction is kept when it is seen again; 1 forgets nothing.
            What d features say of an arm then fades in d / (1 - discount) of its rewards.

    ``theta`` holds a row of weights for each arm, ``start`` those it would have with nothing learned for it,
    ``counts`` how often it learned, ``covariance`` what is uncertain about its weights (in units of the
    rewards' variance), ``variances`` what its ``spreads`` are made of, ``scale`` the factor in these.
    ``gain`` is by how much all rewards, ``looks`` in number, exceed what the prior says, ``level`` its mean;
    starts and weights have it in them.
    """

    def __init__(
        self,
        arms: Sequence[str],
        names: Sequence[str],
        *,
        prior: Prior | None = None,
        ridge: float = RIDGE,
        discount: float = DISCOUNT,
    ) -> None:
        self.names = (BIAS, *(name for name in names if name != BIAS))
        self.prior = prior if prior is not None else Prior.flat(self.names, (), ridge)
        self.discount = discount
        self.arms: list[str] = []
        size = len(self.names)
        self.theta = np.zeros((0, size))
        self.start = np.zeros((0, size))
        self.counts: list[int] = []
        self.scale: list[float] = []
        self.level, self.gain, self.looks = 0.0, 0.0, 0
        self.covariance = np.zeros((0, size, size))
        self.variances = np.zeros((0, size))
        self.arrange()
        for arm in arms:
            self.add_arm(arm)

    def index(self, arm: str) -> int | None:
        """Return the place of ``arm``, or None if it is not known."""
        return self._places.get(arm)

    def mask(self, tools: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return which of the arms are in ``tools``."""
        return np.array([arm in tools for arm in self.arms], dtype=np.bool_)

    def vector(self, features: Mapping[str, float]) -> Floats:
        """Return ``features`` as a context: 0 for missing and non-finite ones, all within -1..1.

        Names that are not known are left out (``add_features`` makes them known).
        """
        values = [features.get(name, 0.0) for name in self.names]
        values[0] = 1.0
        x = np.array(values, dtype=np.float64)
        x[~np.isfinite(x)] = 0.0
        return np.clip(x, -1.0, 1.0, out=x)

    def add_arm(self, name: str) -> int:
        """Return the place of the arm ``name``; one that is not known yet starts from the prior.

        Raises:
            ValueError: there are MOST_ARMS arms.
        """
        if (known := self._places.get(name)) is not None:
            return known
        if len(self.arms) >= MOST_ARMS:
            raise ValueError(f"more than {MOST_ARMS} arms")
        weights = self.prior.weights(name, self.names)[None]
        weights[:, 0] += self.level
        self.arms.append(name)
        self.theta = np.concatenate([self.theta, weights])
        self.start = np.concatenate([self.start, weights])
        self.counts.append(0)
        self.scale.append(1.0)
        variances = self._start_variances()
        self.covariance = np.concatenate([self.covariance, np.diag(variances)[None]])
        self.variances = np.concatenate([self.variances, variances[None]])
        self.arrange()
        return len(self.arms) - 1

    def add_features(self, names: Collection[str]) -> None:
        """Make ``names`` known, as far as there is room: as if they had been 0 in all that was learned."""
        new = [name for name in names if name not in self._features][: MOST_FEATURES - len(self.names)]
        if not new:
            return
        old = len(self.names)
        self.names = (*self.names, *new)
        weights = np.array([self.prior.weights(arm, new) for arm in self.arms]).reshape(-1, len(new))
        self.theta = np.concatenate([self.theta, weights], axis=1)
        self.start = np.concatenate([self.start, weights], axis=1)
        variances = self._start_variances()
        covariance = np.tile(np.diag(variances), (len(self.arms), 1, 1))
        covariance[:, :old, :old] = self.covariance
        self.covariance = covariance
        added = np.array(self.scale)[:, None] * variances[old:]
        self.variances = np.concatenate([self.variances, added], axis=1)
        self.arrange()

    def scores(self, x: Floats) -> Floats:
        """Return what each arm is expected to give in the context ``x``."""
        scores: Floats = self.theta.dot(x)
        return scores

    def widths(self, x: Floats) -> Floats:
        """Return how uncertain each score is: a standard deviation, in units of the rewards' own."""
        size = len(x)
        products = self.covariance.reshape(-1, size).dot(x).reshape(-1, size).dot(x)
        widths: Floats = np.sqrt(np.maximum(products, 0.0))
        return widths

    def spreads(self, x: Floats) -> Floats:
        """Return about the ``widths``, in a fraction of the time."""
        spreads: Floats = np.sqrt(self.variances.dot(x * x))
        return spreads

    def terms(self, arm: int, x: Floats) -> dict[str, float]:
        """Return what each feature adds to the score of ``arm``."""
        parts = (self.theta[arm] * x).tolist()
        return {name: part for name, part in zip(self.names, parts, strict=True) if part}

    def learn(self, arm: int, x: Floats, reward: float) -> None:
        """Learn that ``arm`` gave ``reward`` in the context ``x``."""
        covariance, theta, keep = self._covariances[arm], self._thetas[arm], self.discount
        self.gain += reward - float(self._begins[arm].dot(x)) + self.level
        gain = x.dot(covariance)
        seen = max(float(gain.dot(x)), _NOTHING)
        theta += gain * ((reward - float(theta.dot(x))) / (1.0 + seen))
        factor = (keep * seen - (1.0 - keep)) / (keep * seen * (1.0 + seen))
        self._shrink(covariance, gain, factor)
        if factor < 0:  # more was forgotten than learned
            self._restore(arm)
        self.looks += 1
        count = self.counts[arm] = self.counts[arm] + 1
        if count < _EARLY or not count % _SELDOM:
            self._lift()
            self._calibrate(arm, x, seen / (keep * (1.0 + seen)))

    def amend(self, arm: int, x: Floats, reward: float, age: int) -> None:
        """Add ``reward`` to what ``arm`` gave in the context ``x``, ``age`` rewards of this arm ago.

        At age 0 that is as if the sum had been known at once. Without forgetting it is so later too, but for
        the level from which rewards in between were measured; with it, what is known in that direction has
        faded once in each d rewards, about.
        """
        weight = self.discount ** (1 + age // len(x))
        self.theta[arm] += x.dot(self.covariance[arm]) * (weight * reward)
        self.gain += reward
        self._lift()

    def _lift(self) -> None:
        """Bring what is expected of all arms to the level of the rewards."""
        level = self.gain / max(self.looks, 1)
        self._biases += level - self.level
        self.level = level

    def _calibrate(self, arm: int, x: Floats, variance: float) -> None:
        """Scale the spreads of ``arm`` a bit towards the ``variance`` of its score in the context ``x``."""
        guess = max(self.scale[arm] * float(self._diagonals[arm].dot(x * x)), _NOTHING)
        self.scale[arm] *= 1.0 + _CALIBRATION * (min(variance / guess, _MOST_SCALE) - 1.0)
        np.multiply(self._diagonals[arm], self.scale[arm], out=self._rows_of_variances[arm])

    def _shrink(self, covariance: Floats, gain: Floats, factor: float) -> None:
        """Take ``factor`` gain gainᵀ from the covariance, which stays symmetric to the bit."""
        np.multiply(gain, math.sqrt(abs(factor)), self._row)
        self._column.dot(self._rows, out=self._outer)
        if factor > 0:
            np.subtract(covariance, self._outer, covariance)
        else:
            np.add(covariance, self._outer, covariance)

    def _restore(self, arm: int) -> None:
        """Give the least certain weight its start back, if less is known of it than there was."""
        place = int((self._diagonals[arm] * self._certainties).argmax())
        variance, most = float(self._diagonals[arm][place]), float(self._starts[place])
        if variance <= most * _ROUNDING:
            return
        gain = self.covariance[arm, place].copy()
        weight = (variance - most) / variance**2
        self.theta[arm] += gain * (weight * (self.start[arm, place] - self.theta[arm, place]))
        self._shrink(self.covariance[arm], gain, weight)

    def _start_variances(self) -> Floats:
        variances = np.full(len(self.names), 1.0 / self.prior.strength)
        variances[0] /= _BIAS_SHARE
        return variances

    def arrange(self) -> None:
        """Make views of the arrays, which would cost much in each step: after arrays were replaced."""
        size = len(self.names)
        self._places = {arm: place for place, arm in enumerate(self.arms)}
        self._features = frozenset(self.names)
        both = np.stack([self.theta, self.start])
        (self.theta, self.start), self._biases = both, both[:, :, 0]
        self._covariances, self._thetas, self._begins = (
            list(self.covariance),
            list(self.theta),
            list(self.start),
        )
        self._diagonals = [matrix.diagonal() for matrix in self.covariance]
        self._starts = self._start_variances()
        self._certainties = 1.0 / self._starts
        self._row, self._outer = np.empty(size), np.empty((size, size))
        self._column, self._rows = self._row[:, None], self._row[None]
        self._rows_of_variances = list(self.variances)
