"""What a suggestion is made of, and what it is; behind one protocol, whatever policy suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from dspy_agent.learning.uses import Run
from dspy_agent.suggest.facts import Facts
from dspy_agent.suggest.seen import Seen

ANSWER: Final = "answer"  # no tool: enough was seen


@dataclass(frozen=True, slots=True)
class Request:
    """A task in plain words, where it is to be done, and the tools that may be chosen.

    ``seen`` are the steps that were taken for it, ``changes`` the kinds of change that it asks for, ``mask``
    the tools that can't be chosen now; ``facts`` what its words name, if that was looked up before; ``model``
    whether a model can be asked; ``commands`` the project's own, which ``run`` may be filled in with.
    """

    text: str
    workspace: Path
    logs: tuple[Path, ...]
    tools: tuple[str, ...]
    seen: tuple[Seen, ...] = ()
    changes: frozenset[str] = frozenset()
    mask: tuple[str, ...] = ()
    facts: Facts | None = None
    model: bool = False
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tool for a request, and its filled-in words.

    Args:
        tool: its name, or ``answer``.
        score: its share among the tools that fit, from 0 to 1: a softmax over what is expected of them.
        expected: the reward that is expected of it.
        because: why, in words of people.
        words: the command line of the session that it stands for.
        features: what the policy knew, by name; the same for all suggestions of a request.
        decision_id: of the choice, the same for all suggestions of a request.
        policy: who chose, name and version, as learning events tell it.
        propensity: how likely it was to be chosen; None: it could not be.
        mask: the tools that could not be chosen.
        terms: what each feature adds to the expected reward.
        rests: the seconds before it may be suggested.
    """

    tool: str
    score: float
    expected: float
    because: str
    words: tuple[str, ...]
    features: Mapping[str, float] = field(default_factory=dict)
    decision_id: str = ""
    policy: tuple[str, str] = ("", "")
    propensity: float | None = None
    mask: tuple[str, ...] = ()
    terms: Mapping[str, float] = field(default_factory=dict)
    rests: float = 0.0


class Suggester(Protocol):
    """What chooses a tool."""

    def suggest(self, request: Request) -> list[Suggestion]:
        """Return the tools that fit ``request``: the chosen one, the others, those that rest; best first."""
        ...

    def used(self, tool: str) -> None:
        """Note that ``tool`` runs now: it rests from now on, also where no event is written."""
        ...


def to_follow(suggestions: Sequence[Suggestion]) -> Suggestion | None:
    """Return the suggestion to follow; None if nothing fits, or all that does rests."""
    return suggestions[0] if suggestions and not suggestions[0].rests else None


def better_that_rests(suggestions: Sequence[Suggestion]) -> Suggestion | None:
    """Return the tool that would be suggested if it did not rest."""
    best = max((one for one in suggestions if one.rests), key=lambda one: one.score, default=None)
    first = to_follow(suggestions)
    return best if best is not None and (first is None or best.score > first.score) else None


def told(suggestions: Sequence[Suggestion]) -> str:
    """Return the line that tells people of the suggestion to follow; "" if there is none."""
    first, better = to_follow(suggestions), better_that_rests(suggestions)
    if first is None:
        return ""
    rests = f"; {better.tool} rests for {seconds(better.rests)} more" if better else ""
    return f"suggested tool: {first.tool} ({first.score:.2f}, because {first.because}{rests})"


def of_decision(run: Run, suggestion: Suggestion) -> Run:
    """Return ``run`` as the one that follows ``suggestion``."""
    return replace(
        run,
        policy=suggestion.policy,
        features=suggestion.features,
        mask=suggestion.mask,
        decision_id=suggestion.decision_id,
        propensity=suggestion.propensity,
    )


def seconds(left: float) -> str:
    """Return a rest in whole seconds."""
    return f"{max(1, round(left))} s"
