"""The peers, each as its own documents say to use it online; imported only within their environment."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from benchmarks.bandit.players import Settings, System
from benchmarks.bandit.worlds import Array, Mask


class VowpalWabbit:
    """Contextual bandit over action-dependent features: each allowed arm is a line, crossed with the
    context.

    The propensity of what was drawn goes back with its cost, as VW wants it. Features that are 0 are left
    out.
    """

    def __init__(self, arms: int, size: int, seed: int, settings: Settings) -> None:
        import vowpalwabbit

        options = f"--cb_explore_adf -q xa --quiet --random_seed {seed + 1} {settings['options']}"
        self._workspace = vowpalwabbit.Workspace(options)
        self._rng = np.random.default_rng(seed)

    def act(self, x: Array, allowed: Mask) -> int:
        """Ask for probabilities and draw."""
        self._shared = "shared |x " + " ".join(f"{at}:{value:.5g}" for at, value in enumerate(x) if value)
        self._open = np.flatnonzero(allowed)
        lines = [self._shared, *(f"|a {arm}" for arm in self._open)]
        chances = np.asarray(self._workspace.predict("\n".join(lines)))
        ends = chances.cumsum()
        self._place = min(int(np.searchsorted(ends, self._rng.random() * ends[-1], "right")), len(ends) - 1)
        self._chance = max(float(chances[self._place]), 1e-6)
        return int(self._open[self._place])

    def learn(self, reward: float) -> None:
        """Give back the cost."""
        lines = [self._shared]
        for place, arm in enumerate(self._open):
            label = f"0:{-reward:.5g}:{self._chance:.6g} " if place == self._place else ""
            lines.append(f"{label}|a {arm}")
        self._workspace.learn("\n".join(lines))


class MabWiser:
    """LinUCB, LinTS or LinGreedy; masks are not known to it: the best of the allowed expectations is taken.

    ``partial_fit`` copies the models of all arms, also of those without news, and throws the copies away.
    Here only the arm that was taken is fitted, by the same method: the same numbers in a fraction of the
    time. Times are measured with ``whole``, which is the public way.
    """

    def __init__(self, arms: int, size: int, seed: int, settings: Settings) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        chosen = dict(settings)
        self._whole = chosen.pop("whole", False)
        policy = getattr(LearningPolicy, chosen.pop("kind"))(**chosen)
        self._mab: Any = MAB(list(range(arms)), policy, seed=seed)
        self._first, self._rng = True, np.random.default_rng(seed)

    def act(self, x: Array, allowed: Mask) -> int:
        """Take the allowed arm of which most is expected."""
        self._x = x[None]
        if self._first:
            self._arm = int(self._rng.choice(np.flatnonzero(allowed)))
        else:
            expected = self._mab.predict_expectations(self._x)
            values = np.array([expected[arm] for arm in range(len(allowed))])
            values = np.where(allowed, values, -np.inf)
            self._arm = int(self._rng.choice(np.flatnonzero(values == values.max())))
        return self._arm

    def learn(self, reward: float) -> None:
        """Fit partially; the first time it must be `fit`."""
        data = np.array([self._arm]), np.array([reward]), self._x
        if self._first:
            self._mab.fit(*data)
            self._first = False
        elif self._whole:
            self._mab.partial_fit(*data)
        else:
            self._mab._imp._fit_arm(self._arm, *data)


_KINDS: Final = (
    *(f"--epsilon {share}" for share in (0.0, 0.02, 0.05, 0.1)),
    *(f"--squarecb --gamma_scale {scale}" for scale in (10, 100, 1000)),
    *("--bag 4 --greedify", "--cover 4 --nounif", "--regcbopt --mellowness 0.01", "--synthcover"),
    *("--softmax --lambda 10", "--softmax --lambda 30"),
)
VW_KINDS: Final = tuple({"options": f"{kind} -l {rate}"} for kind in _KINDS for rate in (0.5, 2))
VW_RATES: Final = tuple(
    f" -l {rate}{more}" for more in ("", " --power_t 0") for rate in (0.05, 0.2, 0.5, 1, 4)
)
VW = System("Vowpal Wabbit", VowpalWabbit, VW_KINDS)
LIN_UCB = System(
    "MABWiser LinUCB",
    MabWiser,
    tuple({"kind": "LinUCB", "alpha": a, "l2_lambda": 1.0} for a in (0.1, 0.3, 1.0)),
)
LIN_TS = System(
    "MABWiser LinTS",
    MabWiser,
    tuple({"kind": "LinTS", "alpha": a, "l2_lambda": 1.0} for a in (0.05, 0.2, 0.5)),
)
LIN_GREEDY = System(
    "MABWiser LinGreedy",
    MabWiser,
    tuple({"kind": "LinGreedy", "epsilon": e, "l2_lambda": 1.0} for e in (0.0, 0.02, 0.1)),
)
PEERS: Final = (VW, LIN_UCB, LIN_TS, LIN_GREEDY)
