"""Killed by -9 while they tell, learn and snapshot at once: what was acknowledged is there, and once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log import Reader
from dspy_agent.learning.policy_state import open_policy
from tests.learning.policy_kit import folded, ids, workspace_at

ROUNDS = 2

_STEPS = """
import sys
from contextlib import suppress
from pathlib import Path
from dspy_agent.learning.policy_state import open_policy
from tests.learning.policy_kit import decision, told
workspace, name = Path(sys.argv[1]), sys.argv[2]
policies = open_policy(workspace)
for number in range(100_000):
    with suppress(TimeoutError):  # the other one has the lock for long: the machine is busy
        told(workspace, decision(f"{name}-{number}", seconds=number))
        print(f"{name}-{number}", flush=True)
        if number % 2 and policies.learner:
            policies.save()
"""


def test_killed_at_random_moments(tmp_path: Path) -> None:
    workspace = workspace_at(tmp_path / "shop")
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    acknowledged: list[str] = []
    for round in range(ROUNDS):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", _STEPS, str(workspace), f"{round}-{one}"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for one in range(2)
        ]
        for process in running:
            assert process.stdout is not None
            acknowledged += [process.stdout.readline().strip() for _ in range(3)]
        for process in running:
            try:
                process.wait(dice.uniform(0, 0.05))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        for process in running:
            assert process.stdout is not None
            acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
            assert process.wait() == -signal.SIGKILL, seed
            process.stdout.close()
        said: list[str] = []
        assert open_policy(workspace, said.append).learner.encode() == folded(workspace), seed
        assert said == []
    found = ids(Reader(workspace / LOG_NAME))
    assert set(acknowledged) <= set(found), seed
    assert len(found) == len(set(found)) <= len(acknowledged) + 2 * ROUNDS
