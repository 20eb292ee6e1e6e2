"""What another policy would have earned, told from the log of the one that acted.

Nobody can try a policy on the user first. The log holds, for each decision, how likely the acting policy
was to take the tool it took; with that the rewards can be weighed as if the other policy had acted. Three
estimates, because each fails in its own way: IPS is unbiased and jumps, SNIPS is bounded by the rewards
seen and slightly biased, the doubly robust one leans on a model of the rewards and stays unbiased where the
propensities are right.

Sources: IPS: Horvitz & Thompson 1952, for bandits Strehl et al. 2010 (arXiv:1003.0120). SNIPS: Swaminathan
& Joachims 2015, "The Self-Normalized Estimator for Counterfactual Learning". Doubly robust: Dudík, Langford
& Li 2011 (arXiv:1103.4601). Effective sample size: Kish 1965. The intervals are those of the central limit
theorem over each decision's influence on the estimate (delta method for the ratio; Owen 2013, "Monte Carlo
theory, methods and examples", section 9.2): with few decisions of weight they are too narrow, which
``effective`` tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_NORMAL_975: Final = 1.959963984540054  # the two-sided 95 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean reward for each decision, with its 95 % interval (infinite for a single decision)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimates:
    """One policy judged by one log.

    ``effective`` is how many decisions of its own the policy would need for an estimate this sure; ``snips``
    is None where the policy never does what was logged: the log says nothing then, ``dr`` is the model alone.
    """

    ips: Estimate
    snips: Estimate | None
    dr: Estimate
    decisions: int
    effective: float


def estimate(
    rewards: ArrayLike,
    propensities: ArrayLike,
    target_probabilities: ArrayLike,
    predicted: ArrayLike,
    actions: ArrayLike,
) -> Estimates:
    """Judge a policy by ``n`` logged decisions over ``K`` arms.

    Args:
        rewards: ``[n]``: what came of each decision.
        propensities: ``[n]``: how likely the acting policy was to take the arm it took, in (0, 1].
        target_probabilities: ``[n, K]``: how likely the judged policy is to take each arm; masked arms 0.
        predicted: ``[n, K]``: a model's reward of each arm, made without the decision it is used for.
        actions: ``[n]``: the arm that was taken.

    Raises:
        ValueError: no decisions, other shapes, or numbers that can't be probabilities or rewards.
    """
    earned, logged = np.asarray(rewards, np.float64), np.asarray(propensities, np.float64)
    chances, model = np.asarray(target_probabilities, np.float64), np.asarray(predicted, np.float64)
    taken = np.asarray(actions, np.intp)
    _check(earned, logged, chances, model, taken)
    rows = np.arange(len(earned))
    weights = chances[rows, taken] / logged
    by_model = (chances * model).sum(axis=1)
    return Estimates(
        ips=mean_of(weights * earned),
        snips=_ratio(weights, earned),
        dr=mean_of(by_model + weights * (earned - model[rows, taken])),
        decisions=len(earned),
        effective=_effective(weights),
    )


def mean_of(each: Array) -> Estimate:
    """Return the mean of ``each`` (``[n]``), with the interval of the central limit theorem."""
    scale = _scale(each)
    return _estimate(scale * float((each / scale).mean()), each)


def _ratio(weights: Array, rewards: Array) -> Estimate | None:
    total = float(weights.sum())
    if total == 0.0:
        return None
    shares = weights / total  # divided first: a weight may be huge or tiny
    value = float(shares @ rewards)
    value = min(max(value, float(rewards.min())), float(rewards.max()))  # rounding may leave the bounds
    return _estimate(value, len(rewards) * shares * (rewards - value))


def _estimate(value: float, influence: Array) -> Estimate:
    count = len(influence)
    if count == 1:
        return Estimate(value, -math.inf, math.inf)
    scale = _scale(influence)
    half = _NORMAL_975 * scale * float((influence / scale).std(ddof=1)) / math.sqrt(count)
    return Estimate(value, value - half, value + half)


def _scale(each: Array) -> float:
    """Return what to divide by: sums and squares of huge numbers would overflow."""
    return float(np.abs(each).max()) or 1.0


def _effective(weights: Array) -> float:
    largest = float(weights.max())
    if largest == 0.0:
        return 0.0
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def _check(earned: Array, logged: Array, chances: Array, model: Array, taken: NDArray[np.intp]) -> None:
    count = len(earned)
    if not count:
        raise ValueError("no decisions to judge by")
    if logged.shape != (count,) or taken.shape != (count,) or chances.shape != model.shape:
        raise ValueError("rewards, propensities and actions need one number a decision")
    if chances.ndim != 2 or len(chances) != count:
        raise ValueError("target_probabilities and predicted need one row a decision and one column an arm")
    if not (np.isfinite(earned).all() and np.isfinite(model).all()):
        raise ValueError("a reward is not a finite number")
    if not ((logged > 0) & (logged <= 1)).all():
        raise ValueError("a logged propensity is not in (0, 1]")
    if not (chances >= 0).all() or not np.allclose(chances.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError("a row of target_probabilities is no distribution")
    if taken.min() < 0 or taken.max() >= chances.shape[1]:
        raise ValueError("an action is none of the arms")
