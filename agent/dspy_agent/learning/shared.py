"""What a workspace has learned, as a prior that others can start from."""

from __future__ import annotations

from typing import Final

import numpy as np

from dspy_agent_core.bandit.learner import Learner
from dspy_agent_core.bandit.prior import Prior

_MOST: Final = 100.0


def prior_from(learner: Learner) -> Prior:
    """Return the weights of ``learner`` as a prior, as strong as the one that it began with."""
    arms, began = learner.arms, learner.arms.prior
    unknown = began.weights("", arms.names)  # no tool has that name
    theta = np.clip(arms.theta, -_MOST, _MOST)
    return Prior(tuple(arms.names), tuple(arms.arms), theta, began.strength, unknown)
