"""Draws situations: a task in a made-up workspace, some steps in, with the chance of use of each tool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from random import Random
from typing import Final, NamedTuple

from dspy_agent.suggest.fill import fill
from dspy_agent.suggest.request import ANSWER, Request
from dspy_agent.suggest.seen import FINDS, OPENS, Seen, ran, showed, worked
from dspy_agent.suggest.simulated import words
from dspy_agent.suggest.simulated.requests import KINDS, Kind
from dspy_agent.suggest.simulated.world import NOWHERE, ToldFacts, World
from dspy_agent.suggest.surroundings import Surroundings
from dspy_agent.tools.registry import TOOLS

TOOL_NAMES: Final = (*(tool.name for tool in TOOLS), ANSWER)
_LEAST: Final = 0.02  # of a tool that a kind does not name
_LIKELY: Final = {"has_logs": 0.6, "git": 0.9, "has_tests": 0.8, "indexed": 0.6}
_COMMANDS: Final = ("make test", "ruff check .", "make build")


class Situation(NamedTuple):
    """A request, its facts, the kind of task that it is, and the chance of use of each tool that fits it."""

    kind: str
    request: Request
    facts: ToldFacts
    gains: dict[str, float]


def situations(seed: int, count: int, *, held_out: bool = False) -> Iterator[Situation]:
    """Yield ``count`` situations, of each kind about as many; ``held_out``: by the wordings put aside."""
    random = Random(seed)  # noqa: S311
    for number in range(count):
        yield _draw(KINDS[number % len(KINDS)], random, held_out)


def _draw(kind: Kind, random: Random, held_out: bool) -> Situation:
    ways = kind.held_out if held_out else kind.ways
    doing = random.choice(words.DOINGS)
    filled = {
        "symbol": random.choice(words.SYMBOLS),
        "path": random.choice(words.PATHS),
        "folder": random.choice(words.FOLDERS),
        "constant": random.choice(words.CONSTANTS),
        "word": random.choice(words.WORDS),
        "dotted": random.choice(words.DOTTED),
        "quote": random.choice(words.QUOTES),
        "does": doing,
        "do": words.infinitive(doing),
    }
    text = random.choice(ways).format(**filled)
    facts = ToldFacts(text, _world(text, filled, random))
    request = Request(
        text, NOWHERE, (), TOOL_NAMES, changes=kind.changes, model=random.random() < 0.6, commands=_COMMANDS
    )
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3))):
        request = _stepped(kind, request, facts, random)
    return Situation(kind.name, request, facts, gains(kind, request, facts))


def gains(kind: Kind, request: Request, facts: ToldFacts) -> dict[str, float]:
    """Return the chance of use of each tool that can be filled in."""
    fits = [tool for tool in request.tools if fill(tool, facts, request) is not None]
    return {tool: round(min(max(_gain(kind, tool, request, facts), 0.0), 1.0), 4) for tool in fits}


def _gain(kind: Kind, tool: str, request: Request, facts: ToldFacts) -> float:
    seen = request.seen
    if tool == ANSWER:
        return _of_answer(kind, seen)
    if tool == "apply":
        return 0.97
    gain = kind.gains.get(tool, _LEAST) * _fit(tool, facts.around)
    if tool == "edit":
        return gain + (0.25 if any(step.found for step in seen) else 0.0) + (0.2 if _opened(seen) else 0.0)
    if ran(seen, tool):
        gain *= 0.5 if tool in OPENS and worked(seen, tool) else 0.15
    last = showed(seen)
    if last is not None and not _opened(seen):
        if tool == "extract" and last.symbols:
            return max(gain, 0.75)
        if tool == "codectx" and last.paths:
            return max(gain, 0.65 if last.symbols else 0.75)
    if tool in FINDS and (last is not None or _opened(seen)):
        gain *= 0.45
    return gain


def _of_answer(kind: Kind, seen: tuple[Seen, ...]) -> float:
    if kind.changes - {"run"}:
        return 0.95
    found = sum(step.found for step in seen)
    return kind.ends + 0.35 * min(_opened(seen), 2) + 0.1 * (found - 1)


def _fit(tool: str, around: Surroundings) -> float:
    """Return how far the workspace lets a tool be of use."""
    if tool == "ctx":
        return (0.9 + 0.1 * around.logs_errors) if around.has_logs else 0.08
    if tool == "intel":
        return 1.0 if around.has_logs else 0.8
    if tool == "vretr":
        return 1.0 if around.vectors else 0.5
    return 1.0


def _opened(seen: tuple[Seen, ...]) -> int:
    return sum(step.found for step in seen if step.tool in OPENS)


def _stepped(kind: Kind, request: Request, facts: ToldFacts, random: Random) -> Request:
    """Return the request after one more step: most often a good one."""
    chances = {tool: gain for tool, gain in gains(kind, request, facts).items() if tool != ANSWER}
    if not chances:
        return request
    tool = random.choices(list(chances), [gain**3 + 0.01 for gain in chances.values()])[0]
    filled = fill(tool, facts, request)
    found = random.random() < min(0.95, chances[tool] + 0.15)
    places = found and tool in FINDS
    step = Seen(
        filled or (tool,),
        found,
        (random.choice(words.SYMBOLS),) if places and random.random() < 0.75 else (),
        (random.choice(words.PATHS),) if places else (),
    )
    return replace(request, seen=(*request.seen, step))


def _world(text: str, filled: dict[str, str], random: Random) -> World:
    around = Surroundings(
        **{one.name: random.random() < _LIKELY.get(one.name, 0.3) for one in fields(Surroundings)}
    )
    if not around.has_logs:
        around = replace(around, logs_fresh=False, logs_errors=False)
    if not around.indexed:
        around = replace(around, vectors=False, index_old=False)
    coded = dict.fromkeys(filled[name] for name in ("symbol", "constant", "dotted", "word"))
    lines = {word: int(2 ** random.uniform(0, 7)) for word in coded if random.random() < 0.95}
    for word in re.findall(r"[A-Za-z_]{3,}", text):
        if word not in lines and random.random() < 0.4:
            lines[word] = random.randint(1, 400)
    simple = filled["symbol"].rpartition(".")[2]
    plain = [word for word in re.findall(r"[a-z]{4,}", text) if random.random() < 0.15]
    return World(
        around,
        lines,
        frozenset([*plain, *([simple] if simple in text and random.random() < 0.95 else [])]),
        frozenset({filled["path"]}),
        frozenset({filled["folder"]}),
    )
