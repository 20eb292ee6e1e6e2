"""Whether two programs make the same state of the same events: then a snapshot of one is good for the other.

A later version may learn otherwise. So that no number has to be counted up for that, a few made-up events are
learned from, and the hash of what comes out is compared.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dspy_agent_core.bandit.prior import Prior

_STEPS: Final = 12


def fold_print(prior: Prior) -> str:
    """Return what is equal where the same events, over ``prior``, make the same state."""
    return hashlib.blake2b(prior.encode() + _learned(), digest_size=16).hexdigest()


@cache
def _learned() -> bytes:
    from dspy_agent_core.bandit.learner import Learner
    from dspy_agent_core.bandit.prior import Prior
    from dspy_agent_core.contracts.messages import LearningEvent

    learner = Learner.fresh(Prior.flat(["a", "b"], ["known"], strength=2.0))
    for number in range(_STEPS):
        fields = {
            "ts": f"2026-01-01T00:00:{number:02}Z",
            "workspace": "",
            "session": "",
            "decision_id": str(number),
            "policy": {"name": "", "version": ""},
            "tool": "known" if number % 3 else "new",
            "args_hash": "",
            "features": {"a": number / 7, "b": 1 / (number + 1), "c": 0.3},
            "mask": [],
            "cost_ms": number,
            "outcome": {},
            "source": "",
        }
        for id, reward in ((str(number), 0.1), (f"{number - 2}-later", 0.7)):
            decision = id.partition("-")[0]
            event = {**fields, "id": id, "decision_id": decision, "reward": reward}
            learner.apply(LearningEvent.model_validate(event))
    return learner.encode()
