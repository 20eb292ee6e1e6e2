"""Our estimates of a policy's value beside obp's, on the sample of the Open Bandit Dataset that obp brings.

Run within obp's environment, by ``python -m benchmarks.bandit judge``. The log is the one of items shown at
random; judged is ZOZOTOWN's Thompson sampling, whose own log tells what it truly earned (with its own
noise: 42 to 69 clicks). The rewards' model is obp's, a logistic regression fitted in three folds, and given
to both.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from typing import Any, Final

import numpy as np
from obp.dataset import OpenBanditDataset
from obp.ope import (
    DoublyRobust,
    InverseProbabilityWeighting,
    OffPolicyEvaluation,
    RegressionModel,
    SelfNormalizedInverseProbabilityWeighting,
)
from obp.policy import BernoulliTS
from sklearn.linear_model import LogisticRegression

from benchmarks.bandit.places import OBP, ROOT
from dspy_agent_core.bandit.ope import estimate

RESULTS: Final = ROOT / "benchmarks" / "results" / "bandit-judge.json"
CAMPAIGNS: Final = ("all", "men", "women")
_NAMES: Final = {"ipw": "ips", "snipw": "snips", "dr": "dr"}


def judged(campaign: str) -> dict[str, Any]:
    """Return both systems' estimates for one campaign."""
    logged = OpenBanditDataset(behavior_policy="random", campaign=campaign).obtain_batch_bandit_feedback()
    own = OpenBanditDataset(behavior_policy="bts", campaign=campaign).obtain_batch_bandit_feedback()
    arms, positions = logged["n_actions"], logged["position"]
    policy = BernoulliTS(
        n_actions=arms, len_list=3, is_zozotown_prior=True, campaign=campaign, random_state=12345
    )
    chances = policy.compute_batch_action_dist(n_sim=20_000, n_rounds=logged["n_rounds"])
    model = RegressionModel(
        n_actions=arms, len_list=3, base_model=LogisticRegression(C=100, max_iter=1000, random_state=12345)
    )
    predicted = model.fit_predict(
        context=logged["context"],
        action=logged["action"],
        reward=logged["reward"],
        pscore=logged["pscore"],
        position=positions,
        n_folds=3,
        random_state=12345,
    )
    theirs, their_seconds = _theirs(logged, chances, predicted)
    rows = np.arange(len(positions))
    started = time.perf_counter()
    ours = estimate(
        logged["reward"],
        logged["pscore"],
        chances[rows, :, positions],
        predicted[rows, :, positions],
        logged["action"],
    )
    seconds = time.perf_counter() - started
    assert ours.snips is not None
    mine = {"ips": ours.ips, "snips": ours.snips, "dr": ours.dr}
    return {
        "own_log": _percent(float(own["reward"].mean())),
        "random_log": _percent(float(logged["reward"].mean())),
        "effective": round(ours.effective),
        "largest_difference": max(abs(mine[name].value - theirs[name]["value"]) for name in mine),
        "ours": {
            name: [_percent(one.value), _percent(one.low), _percent(one.high)] for name, one in mine.items()
        },
        "obp": {
            name: [_percent(one[key]) for key in ("value", "low", "high")] for name, one in theirs.items()
        },
        "seconds": {"ours": round(seconds, 4), "obp": round(their_seconds, 2)},
    }


def _theirs(logged: Any, chances: Any, predicted: Any) -> tuple[dict[str, dict[str, float]], float]:
    estimators = [InverseProbabilityWeighting(), SelfNormalizedInverseProbabilityWeighting(), DoublyRobust()]
    judge = OffPolicyEvaluation(bandit_feedback=logged, ope_estimators=estimators)
    asked = {"action_dist": chances, "estimated_rewards_by_reg_model": predicted}
    started = time.perf_counter()
    values = judge.estimate_policy_values(**asked)
    intervals = judge.estimate_intervals(**asked, n_bootstrap_samples=1000, random_state=12345)
    seconds = time.perf_counter() - started
    told = {}
    for name, ours in _NAMES.items():
        low, high = (intervals[name][f"95.0% CI ({side})"] for side in ("lower", "upper"))
        told[ours] = {"value": float(values[name]), "low": float(low), "high": float(high)}
    return told, seconds


def _percent(value: float) -> float:
    return round(100 * value, 4)


def main() -> None:
    """Judge, print, write."""
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    told = {campaign: judged(campaign) for campaign in CAMPAIGNS}
    print(json.dumps(told, indent=1))
    facts = {"obp": OBP, "unit": "clicks per 100 showings; value, low, high (95 %)", "campaigns": told}
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
