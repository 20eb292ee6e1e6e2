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
        "prior": arms.prior.encode().decode(),
        "discount": arms.discount,
        "names": list(arms.names),
        "arms": list(arms.arms),
        "theta": pack(arms.theta),
        "start": pack(arms.start),
        "counts": arms.counts,
        "scale": arms.scale,
        "covariance": [pack(matrix[upper]) for matrix in arms.covariance],
    }


def load_arms(state: Mapping[str, Any]) -> LinearArms:
    """Return the arms that ``save_arms`` told of.

    Raises:
        ValueError, TypeError, KeyError, AgentError: it is none of its.
    """
    names, known = [str(name) for name in state["names"]], [str(arm) for arm in state["arms"]]
    if len(names) > MOST_FEATURES:
        raise ValueError("too many features")
    prior, discount = Prior.decode(state["prior"].encode()), float(state["discount"])
    arms = LinearArms(known, names, prior=prior, discount=discount)
    size, upper = len(names), np.triu_indices(len(names))
    if list(arms.names) != names or arms.arms != known or not 0 < discount <= 1:
        raise ValueError("a name twice, or no bias")
    arms.theta = unpack_finite(state["theta"], len(known), size)
    arms.start = unpack_finite(state["start"], len(known), size)
    arms.counts = [int(count) for count in state["counts"]]
    arms.scale = [float(scale) for scale in state["scale"]]
    if not len(arms.counts) == len(arms.scale) == len(known):
        raise ValueError("not one for each arm")
    for matrix, text in zip(arms.covariance, state["covariance"], strict=True):
        matrix[upper] = unpack_finite(text, len(upper[0]))
        matrix.T[upper] = matrix[upper]
    arms.arrange()
    return arms
