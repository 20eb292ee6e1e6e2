"""Requests whose best tool is known: made from the code's names, words and files, and from past sessions."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

from dspy_agent.gepa.data.functions import Function, functions
from dspy_agent.gepa.data.sessions import taken
from dspy_agent.gepa.example import Example, example_id, lazily

_STRING: Final = re.compile(r"""["']([A-Za-z][\w -]{6,40})["']""")
_LEAST_SAID: Final = 5  # words of a docstring that describe a function
_KINDS: Final = 5  # no kind of request is more than this part of all


class Kind(NamedTuple):
    """A kind of request: how it may be said, the best tools, and those that would do half as well."""

    ways: tuple[str, ...]
    best: tuple[str, ...]
    fine: tuple[str, ...] = ()


class Request(NamedTuple):
    """A request: its words, its group, its best tools, those half as good, and what the argument needs."""

    task: str
    group: str
    best: tuple[str, ...]
    fine: tuple[str, ...]
    needed: list[str]


_SOURCE: Final = Kind(
    ("show me the source of {name}", "how is {name} implemented?", "print the code of {name}"),
    ("extract",),
    ("codectx", "esearch", "grep"),
)
_FILE: Final = Kind(
    ("what is in {path}, and who uses it?", "explain what {path} is for", "what tests {path}?"),
    ("codectx",),
    ("extract", "intel"),
)
_MEANING: Final = Kind(
    (
        "where is the code that does this: {says}",
        "which function fits: {says}",
        "something is wrong here, find where: {says}",
    ),
    ("esearch", "intel"),
    ("grep",),
)
_TEXT: Final = Kind(
    ('which lines contain the text "{text}"?', 'find every place that has "{text}"'), ("grep",), ("esearch",)
)
_LOGS: Final = Kind(
    (
        "which errors are in the logs?",
        "did anything crash in the last hour?",
        "summarise the exceptions that were logged",
        "why is the service failing? look at its logs",
    ),
    ("ctx",),
    ("intel",),
)
_LAYOUT: Final = Kind(
    (
        "what folders does this project have?",
        "give me an overview of the directory structure",
        "how is the repository organised?",
    ),
    ("tree",),
)


def examples(workspace: Path, logs: tuple[Path, ...], most: int) -> list[Example]:
    """Return requests, of each kind about as many."""
    found = sorted(functions(workspace), key=lambda function: _draw(function.path, function.symbol))
    asked = chain.from_iterable(
        zip_longest(*(islice(kind, most // _KINDS) for kind in _kinds(workspace, found)))
    )
    return [_example(workspace, logs, request) for request in asked if request is not None][:most]


def _kinds(workspace: Path, found: Sequence[Function]) -> Iterator[Iterator[Request]]:
    names = [function for function in found if len(function.symbol.rpartition(".")[2]) > 3]
    said = [function for function in found if len(function.says.split()) >= _LEAST_SAID]
    paths = dict.fromkeys(function.path for function in found)
    yield (_say(_SOURCE, f.path, [f.symbol], name=f.symbol) for f in names)
    yield (_say(_MEANING, f.path, _telling(f.says), says=f.says) for f in said)
    yield (_say(_FILE, path, [path], path=path) for path in paths)
    yield (_say(_TEXT, f.path, [text], text=text) for f, text in _texts(found))
    yield (Request(way, way, kind.best, kind.fine, []) for kind in (_LOGS, _LAYOUT) for way in kind.ways)
    yield (_from_session(*step) for step in taken(workspace))


def _say(kind: Kind, group: str, needed: list[str], **words: str) -> Request:
    way = kind.ways[_draw(group, *words.values())[0] % len(kind.ways)]
    return Request(way.format(**words), group, kind.best, kind.fine, needed)


def _from_session(task: str, tool: str, arguments: Mapping[str, Any]) -> Request:
    needed = [str(value)[:80] for value in arguments.values() if isinstance(value, str)][:1]
    if tool in _MEANING.best:
        needed = _telling(" ".join(needed))
    return Request(task, task, (tool,), (), needed)


def _example(workspace: Path, logs: tuple[Path, ...], request: Request) -> Example:
    facts = {
        "task": request.task,
        "best": list(request.best),
        "fine": list(request.fine),
        "needed": request.needed,
    }
    make = lazily(_inputs, workspace, logs, request.task)
    return Example(example_id("router", facts), request.group, facts, make)


def _inputs(workspace: Path, logs: tuple[Path, ...], task: str) -> Mapping[str, Any]:
    """Return what a conversation asks at its first step."""
    from dspy_agent.learning.judged import BEST
    from dspy_agent.loop.forms import choice_of, usable
    from dspy_agent.suggest.bandit import VARIABLE, BanditSuggester, policy_of
    from dspy_agent.suggest.request import Request as Asked
    from dspy_agent.tools.registry import BY_NAME, TOOLS

    names = usable([tool.name for tool in TOOLS if not tool.changes])
    suggester = BanditSuggester(policy=policy_of({VARIABLE: BEST}))  # the same, however often it is asked
    suggested = suggester.suggest(Asked(task, workspace, logs, names))
    return {
        "task": task,
        "tools": "\n".join(f"{name}: {BY_NAME[name].summary}" for name in names),
        "seen": "",
        "suggested": shlex.join(suggested[0].words) if suggested else "",
        "kind": choice_of(names, False),
    }


def _texts(found: Sequence[Function]) -> Iterator[tuple[Function, str]]:
    known: set[str] = set()
    for function in found:
        for text in _STRING.findall(function.source.partition('"""')[0])[:1]:
            if text not in known:
                known.add(text)
                yield function, text


def _telling(says: str) -> list[str]:
    """Return the words that a search for what a function ``says`` should have."""
    words = [word for word in re.findall(r"[A-Za-z]{4,}", says.lower()) if word not in _COMMON]
    return list(dict.fromkeys(words))[:8]


_COMMON_TEXT: Final = "return returns that this with from into when which given does"
_COMMON: Final = frozenset(_COMMON_TEXT.split())


def _draw(*texts: str) -> bytes:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).digest()
