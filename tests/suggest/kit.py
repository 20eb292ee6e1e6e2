"""What the tests of suggestions share: a project, requests in it, and what is learned without files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dspy_agent.learning.policy_state import Policies, open_policy
from dspy_agent.loop.intent import asked_for
from dspy_agent.suggest.bandit import BanditSuggester
from dspy_agent.suggest.request import Request, Suggestion
from dspy_agent.tools.registry import TOOLS
from dspy_agent_core.bandit.policies import Greedy
from dspy_agent_core.contracts.messages import LearningEvent

NEVER_EXPLORES = Greedy(optimism=0.0, epsilon=0.0)


def project(folder: Path, *, logs: bool = True) -> Path:
    """Make a project that defines ``parse_date`` and logs an error."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "dates.py").write_text('def parse_date(text):\n    """Parse a date."""\n')
    (folder / "src" / "use.py").write_text("from dates import parse_date\n\nTIME_ZONE = parse_date('1')\n")
    if logs:
        (folder / "logs").mkdir()
        (folder / "logs" / "app.log").write_text("ERROR could not parse the date\n")
    return folder


def request(text: str, workspace: Path, **more: Any) -> Request:
    """Return a request for all tools, with the changes that its words ask for."""
    changes = frozenset(asked_for(text))
    names = tuple(tool.name for tool in TOOLS if not tool.changes or tool.name in changes)
    return Request(text, workspace, (), (*names, "answer"), changes=changes, **more)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Asked:
    """A suggester and what it learned from, in one workspace without an index: nothing is on disk."""

    def __init__(self, workspace: Path, clock: Clock | None = None, policy: Any = NEVER_EXPLORES) -> None:
        self.workspace = workspace
        self.policies: Policies = open_policy(workspace)
        self.suggester = BanditSuggester(lambda _: self.policies, policy, clock or Clock())

    def __call__(self, text: str, **more: Any) -> list[Suggestion]:
        return self.suggester.suggest(request(text, self.workspace, **more))

    def learn(self, suggestion: Suggestion, reward: float, tool: str = "") -> None:
        """Learn that the suggestion (or another tool in its place) earned ``reward``."""
        self.policies.learner.apply(
            LearningEvent(
                id=suggestion.decision_id,
                ts="2024-01-01T00:00:00.000Z",
                workspace="here",
                session="one",
                decision_id=suggestion.decision_id,
                policy={"name": suggestion.policy[0], "version": suggestion.policy[1]},
                tool=tool or suggestion.tool,
                args_hash="",
                features=dict(suggestion.features),
                mask=list(suggestion.mask),
                propensity=suggestion.propensity,
                cost_ms=1.0,
                outcome={},
                reward=reward,
                source="session",
            )
        )


def tools_of(suggestions: Sequence[Suggestion]) -> list[str]:
    return [one.tool for one in suggestions]
