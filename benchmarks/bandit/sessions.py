"""`tool-sessions`: what a person asks of the tools in one repository, made up, with cooldowns and with
drift.

A hidden intent decides what helps; the context shows words that hint at it, the state of repository, log,
index, tests and git, and what was called for the request. Tools need what they need (`vretr` vectors,
`context` an error in the log), a second call for the same request helps little, each costs, and one that
was used rests for its cooldown. Sessions of a few requests alternate with pauses. After the first runs one
thing was changed: that the context shows which tools the request already had, not only the last one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.bandit.worlds import Array, Mask, World

TOOLS: Final = (
    *("context", "codectx", "grep", "esearch", "plan", "tree"),
    *("ls", "index", "emb-index", "intel", "vretr"),
)
INTENTS: Final = ("name", "concept", "failure", "overview", "change", "where")
# How often a tool helps with an intent, where it has what it needs.
_HELPS: Final = np.array(
    [
        # context codectx grep  esearch plan  tree  ls    index emb   intel vretr
        [0.05, 0.25, 0.85, 0.70, 0.10, 0.05, 0.05, 0.0, 0.0, 0.30, 0.35],  # name
        [0.05, 0.35, 0.25, 0.65, 0.20, 0.10, 0.05, 0.0, 0.0, 0.60, 0.80],  # concept
        [0.90, 0.40, 0.35, 0.40, 0.30, 0.05, 0.05, 0.0, 0.0, 0.45, 0.30],  # failure
        [0.05, 0.60, 0.05, 0.20, 0.25, 0.75, 0.55, 0.0, 0.0, 0.40, 0.20],  # overview
        [0.15, 0.40, 0.30, 0.45, 0.85, 0.10, 0.05, 0.0, 0.0, 0.50, 0.35],  # change
        [0.05, 0.25, 0.60, 0.60, 0.10, 0.50, 0.45, 0.0, 0.0, 0.30, 0.40],  # where
    ]
)
_COST: Final = np.array([0.05, 0.08, 0.02, 0.03, 0.15, 0.02, 0.01, 0.10, 0.15, 0.15, 0.06])
_SECONDS: Final = np.array([1.0, 1.0, 0.3, 0.3, 10.0, 0.2, 0.1, 5.0, 30.0, 8.0, 0.5])
COOLDOWNS: Final = np.array([5.0, 0.0, 2.0, 3.0, 0.0, 0.0, 0.0, 300.0, 600.0, 10.0, 5.0])
_WORDS: Final = 4  # for each intent
_STATES: Final = ("error", "red", "dirty", "index", "stale", "vectors", "large", "python")
_REST: Final = ("new", "steps", "length")
SIZE: Final = 1 + _WORDS * len(INTENTS) + len(_STATES) + len(_REST) + len(TOOLS)
_CHANGES: Final = 4  # in a pass, under drift


class Sessions:
    """One pass: ``rounds`` calls in one repository."""

    def __init__(self, rounds: int, seed: int, *, drift: bool) -> None:
        self._rng = np.random.default_rng(seed)
        self._rounds, self._drift = rounds, drift
        shape = (rounds, SIZE + len(TOOLS) + 8)
        self._luck = self._rng.random(shape)  # by round: no system changes another one's luck
        self._helps = np.clip(_HELPS + self._rng.normal(0, 0.1, _HELPS.shape), 0, 1) * (_HELPS > 0)
        self._hints = np.repeat(np.eye(len(INTENTS)), _WORDS, axis=1) * 0.4 + 0.08
        self._hints += self._rng.uniform(0, 0.15, self._hints.shape)
        self._now, self._last = 0.0, np.full(len(TOOLS), -1e9)
        self._indexed, self._embedded = -1e9, -1e9
        self._at, self._left = 0, 0
        self._arrive()

    def look(self) -> tuple[Array, Mask]:
        """Return what is seen of the request and the repository."""
        return self._x, self._now - self._last >= COOLDOWNS

    def expected(self) -> Array:
        """Return how often each tool helps now, less its cost."""
        error, _, _, indexed, stale, vectors, large, _ = self._state
        worth = self._helps[self._intent].copy()
        worth[0] *= 0.1 + 0.9 * error
        worth[2] *= 1.0 - 0.35 * large
        worth[3] *= 0.3 + 0.7 * indexed * (1 - 0.5 * stale)
        worth[5] *= 1.0 - 0.3 * large
        worth[9] *= 0.4 + 0.6 * vectors
        worth[10] *= vectors
        worth[7] = 0.6 * (1 - indexed) + 0.45 * indexed * stale
        worth[8] = 0.55 * (1 - vectors) * (0.4 + 0.6 * large)
        worth *= np.where(self._used, 0.25, 1.0)
        return worth - _COST

    def take(self, arm: int) -> float:
        """Return 1 less the cost if the tool helped, else what it cost."""
        worth, luck = self.expected()[arm], self._luck[self._at]
        helped = luck[-1] < worth + _COST[arm]
        self._last[arm] = self._now
        self._now += _SECONDS[arm] + 8.0 * -np.log1p(-luck[-2])
        self._used[arm] = True
        if arm == TOOLS.index("index"):
            self._indexed = self._now
        if arm == TOOLS.index("emb-index"):
            self._embedded = self._now
        self._steps += 1
        done = helped and arm not in (TOOLS.index("index"), TOOLS.index("emb-index"))
        self._at += 1
        if self._at < self._rounds:
            if self._drift:
                self._change()
            self._arrive(new=done or self._steps >= 4)
        return float(helped) - float(_COST[arm])

    def _arrive(self, *, new: bool = True) -> None:
        luck = self._luck[self._at]
        if new:
            if self._left == 0:
                self._left = 3 + int(10 * luck[-3])
                self._now += 60 + 3000 * luck[-4] ** 2
                self._session = luck[SIZE : SIZE + len(TOOLS)].copy()
            self._left -= 1
            self._intent = int(luck[-5] * len(INTENTS))
            self._used = np.zeros(len(TOOLS), np.bool_)
            self._steps = 0
            self._words = (luck[: self._hints.shape[1]] < self._hints[self._intent]).astype(float)
        self._state = self._seen_state(luck)
        rest = (float(new), self._steps / 4, luck[-6])
        self._x = np.concatenate([[1.0], self._words, self._state, rest, self._used])

    def _seen_state(self, luck: Array) -> Array:
        of = self._session
        error = float(luck[-7] < (0.9 if self._intent == INTENTS.index("failure") else 0.25))
        age = self._now - self._indexed
        indexed, vectors = float(age < 1e8), float(self._now - self._embedded < 20_000)
        return np.array(
            [
                error,
                float(of[0] < 0.3),
                float(of[1] < 0.5),
                indexed,
                float(indexed and age > 3000),
                vectors,
                float(of[2] < 0.5),
                float(of[3] < 0.6),
            ]
        )

    def _change(self) -> None:
        """Drift: a few times all at once (three tools change places, two intents change words), and always
        a bit.
        """
        step = self._rounds // (_CHANGES + 1)
        useful = np.flatnonzero(_HELPS.any(axis=0))
        rng = np.random.default_rng((self._at, int(self._luck[0, 0] * 1e9)))
        if self._at % 20 == 0:
            noise = rng.normal(0, 0.03, _HELPS.shape) * (_HELPS > 0)
            self._helps = np.clip(self._helps + noise, 0, 1)
        if self._at % step == 0:
            three = rng.choice(useful, 3, replace=False)
            self._helps[:, three] = self._helps[:, np.roll(three, 1)]
            two = rng.choice(len(INTENTS), 2, replace=False)
            self._hints[two] = self._hints[two[::-1]]


def tool_sessions(rounds: int = 2000, *, drift: bool) -> World:
    """Return the world."""
    return World(
        "tool-sessions" + " under drift" * drift,
        len(TOOLS),
        SIZE,
        rounds,
        lambda seed: Sessions(rounds, seed, drift=drift),
    )
