"""What the tests of ``rl`` share: the program as a process, and logs as a policy would have left them."""

from __future__ import annotations

import contextlib
import io
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dspy_agent.cli.main import run_command
from dspy_agent.learning.event import LOG_NAME, Choice, Event, encode, new_event
from dspy_agent.learning.log import append
from dspy_agent.learning.prior_file import prior_of
from dspy_agent.learning.rewarded_parts import with_reward
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.learner import Learner
from dspy_agent_core.bandit.policies import Policy, policy, unit
from dspy_agent_core.contracts.messages import LearningEvent, decode
from tests.learning.kit import dspy_agent

TOOLS = ("esearch", "grep", "codectx", "ctx")
FEATURES = ("says_logs", "names_path", "rarity")


def rl(*words: str, cwd: Path, lines: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
    return dspy_agent("rl", *words, cwd=cwd, lines=lines, **extra)


def answer(*words: str, cwd: Path, code: int = 0) -> dict[str, Any]:
    """Return the one JSON object that an ``rl`` command prints; run in this process, which is cheaper."""
    said = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(said):
        got = run_command(["--workspace", str(cwd), "rl", *words, "--json"])
    said.flush()
    text = said.buffer.getvalue()
    assert got == code, text
    found: dict[str, Any] = json.loads(text)
    return found


def best_tool(features: dict[str, float]) -> str:
    """Return what helps in this world: logs where they are named, else a path, else a rare word."""
    if features["says_logs"] > 0.5:
        return "ctx"
    if features["names_path"] > 0.5:
        return "codectx"
    return "grep" if features["rarity"] > 0.6 else "esearch"


def live(
    workspace: Path,
    decisions: int,
    *,
    by: str = "thompson",
    seed: int = 1,
    helps: Callable[[dict[str, float]], str] = best_tool,
) -> list[Event]:
    """Let a policy decide in ``workspace``, learn at once, and leave its log there; return the events."""
    (workspace / ".dspy_index").mkdir(exist_ok=True)
    draw = random.Random(seed)
    asked: Policy = policy(by)
    learner = Learner.fresh(prior_of(workspace, print))
    for tool in BY_NAME:
        learner.arms.add_arm(tool)
    told: list[Event] = []
    for number in range(decisions):
        features = {name: float(draw.random() < 0.5) for name in FEATURES[:2]}
        features["rarity"] = round(draw.random(), 3)
        mask = [tool for tool in learner.arms.arms if tool not in TOOLS]
        mask += [draw.choice(TOOLS)] if draw.random() < 0.2 else []
        id = f"{seed:04x}{number:012x}"
        x = learner.arms.vector(features)
        choice = asked.choose(learner.arms, x, ~learner.arms.mask(mask), unit(id))
        tool = learner.arms.arms[choice.arm]
        chosen = Choice(id, tool, "a" * 16, (asked.name, asked.version))
        step = new_event(
            chosen, {"hits": 1}, id=id, workspace=workspace, source="cli", cost_ms=1.0,
            features=features, mask=mask, propensity=float(choice.propensities[choice.arm]),
        )  # fmt: skip
        came = [with_reward(step)]
        if tool == helps(features) and draw.random() < 0.9:
            outcome: dict[str, Any] = {"use": "opened", "path_rank": 1, "seconds": 1.0}
            use = new_event(chosen, outcome, id=f"{id}-opened-1", workspace=workspace, source="cli")
            came.append(with_reward(use))
        for event in came:
            learner.apply(decode(LearningEvent, encode(event)))
        told += came
    append(workspace / LOG_NAME, map(encode, told))
    return told
