"""What a learner believes before it has seen anything, so that its first suggestions are good ones.

A prior is made offline and shipped as data, or made of what another workspace learned.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dspy_agent_core.errors import WorkspaceError

Floats = npt.NDArray[np.float64]

BIAS: Final = "bias"
MOST_FEATURES: Final = 64  # with the bias
MOST_ARMS: Final = 64
SCHEMA_VERSION: Final = 1
_MOST_NAME: Final = 64
MOST_WEIGHT: Final = 100.0


class PriorError(WorkspaceError):
    """A file is no prior that this version can read."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            code="PriorUnreadable",
            next="Export it again with `dspy-agent rl export`, by this version of dspy-agent.",
        )


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights to start from.

    Args:
        names: of the features; the first is BIAS.
        arms: the tools it knows.
        theta: a row of weights for each arm.
        strength: how many looks at a feature it is worth; the ridge of the regression.
        unknown: the weights of an arm that it does not know.
    """

    names: tuple[str, ...]
    arms: tuple[str, ...]
    theta: Floats
    strength: float
    unknown: Floats

    def __post_init__(self) -> None:
        _check_names(self.names, MOST_FEATURES)
        _check_names(self.arms, MOST_ARMS)
        shapes = (len(self.arms), len(self.names)), (len(self.names),)
        if self.names[:1] != (BIAS,) or (self.theta.shape, self.unknown.shape) != shapes:
            raise PriorError("The prior's weights do not fit its names.")
        weights = (*self.theta.ravel().tolist(), *self.unknown.tolist())
        if not (1e-3 <= self.strength <= 1e6) or not all(abs(value) <= MOST_WEIGHT for value in weights):
            raise PriorError("A number of the prior is out of range.")
        object.__setattr__(self, "theta", self.theta + 0.0)  # no -0.0, whose sign JSON data here lacks
        object.__setattr__(self, "unknown", self.unknown + 0.0)

    @classmethod
    def flat(cls, names: Sequence[str] = (), arms: Sequence[str] = (), strength: float = 1.0) -> Prior:
        """Return the prior that knows nothing: all weights are 0."""
        features = (BIAS, *(name for name in names if name != BIAS))
        size = len(features)
        return cls(features, tuple(arms), np.zeros((len(arms), size)), strength, np.zeros(size))

    def weights(self, arm: str, names: Sequence[str]) -> Floats:
        """Return the weights of ``arm`` for the features ``names``: 0 for one that it does not know."""
        row = self.theta[self.arms.index(arm)] if arm in self.arms else self.unknown
        known = dict(zip(self.names, row.tolist(), strict=True))
        return np.array([known.get(name, 0.0) for name in names])

    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON data."""
        rows = (_row(self.names, row) for row in self.theta.tolist())
        return {
            "schema_version": SCHEMA_VERSION,
            "features": list(self.names),
            "strength": self.strength,
            "arms": dict(zip(self.arms, rows, strict=True)),
            "unknown": _row(self.names, self.unknown.tolist()),
        }

    @classmethod
    def restore(cls, data: Any) -> Prior:
        """Return the prior whose ``snapshot`` is ``data``.

        Raises:
            PriorError: it is none, or of another version.
        """
        try:
            if data["schema_version"] != SCHEMA_VERSION:
                raise PriorError(f"The prior has the version {data['schema_version']!r:.20}.")
            names, arms = tuple(data["features"]), tuple(data["arms"])
            theta = np.array([_weights(names, data["arms"][arm]) for arm in arms]).reshape(-1, len(names))
            unknown = np.array(_weights(names, data["unknown"]))
            return cls(names, arms, theta, float(data["strength"]), unknown)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise PriorError("The file is no prior.") from None

    def encode(self) -> bytes:
        """Return it as a file that people can read and compare."""
        return json.dumps(self.snapshot(), indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Prior:
        """Return what ``encode`` wrote.

        Raises:
            PriorError: it is none, or of another version.
        """
        try:
            return cls.restore(json.loads(data))
        except (ValueError, RecursionError):
            raise PriorError("The file is no prior.") from None


def _check_names(names: tuple[str, ...], most: int) -> None:
    if len(names) > most or len(set(names)) < len(names):
        raise PriorError(f"The prior has more than {most} names, or one of them twice.")
    if not all(isinstance(name, str) and len(name) <= _MOST_NAME for name in names):
        raise PriorError("A name in the prior is none.")


def _row(names: tuple[str, ...], row: list[float]) -> dict[str, float]:
    return {name: value for name, value in zip(names, row, strict=True) if value}


def _weights(names: tuple[str, ...], row: dict[str, Any]) -> list[float]:
    if set(row) - set(names) or not all(math.isfinite(value) for value in row.values()):
        raise ValueError("not what was written")
    return [float(row.get(name, 0.0)) for name in names]
