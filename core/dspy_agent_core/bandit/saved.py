"""The arms of a learner as JSON data and back, to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.prior import MOST_FEATURES, Prior
from dspy_agent_core.bandit.state import pack, unpack_finite


def save_arms(arms: LinearArms) -> dict[str, Any]:
    """Return ``arms`` as JSON data."""
    upper = np.triu_indices(len(arms.names))
    return {
        "prior": arms.prior.snapshot(),
        "discount": arms.discount,
        "names": list(arms.names),
        "arms": list(arms.arms),
        "theta": pack(arms.theta),
        "start": pack(arms.start),
        "counts": arms.counts,
        "scale": arms.scale,
        "variances": pack(arms.variances),
        "level": arms.level,
        "gain": arms.gain,
        "looks": arms.looks,
        "covariance": pack(arms.covariance[:, upper[0], upper[1]]),
    }


def load_arms(state: Mapping[str, Any]) -> LinearArms:
    """Return the arms that ``save_arms`` told of.

    Raises:
        ValueError, TypeError, KeyError, AgentError: it is none of its.
    """
    names, known = tuple(str(name) for name in state["names"]), [str(arm) for arm in state["arms"]]
    size, count, upper = len(names), len(known), np.triu_indices(len(names))
    arms = LinearArms([], names, prior=Prior.restore(state["prior"]), discount=float(state["discount"]))
    if size > MOST_FEATURES or arms.names != names or len(set(known)) < count or not 0 < arms.discount <= 1:
        raise ValueError("not what was written")
    arms.arms = known
    arms.theta = unpack_finite(state["theta"], count, size)
    arms.start = unpack_finite(state["start"], count, size)
    arms.variances = unpack_finite(state["variances"], count, size)
    arms.counts = [int(some) for some in state["counts"]]
    arms.scale = [float(scale) for scale in state["scale"]]
    arms.level, arms.gain, arms.looks = float(state["level"]), float(state["gain"]), int(state["looks"])
    if not len(arms.counts) == len(arms.scale) == count:
        raise ValueError("not one for each arm")
    arms.covariance = np.empty((count, size, size))
    arms.covariance[:, upper[0], upper[1]] = unpack_finite(state["covariance"], count, len(upper[0]))
    arms.covariance[:, upper[1], upper[0]] = arms.covariance[:, upper[0], upper[1]]
    arms.arrange()
    return arms
