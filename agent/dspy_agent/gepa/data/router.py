"""Requests whose best tool is known: made from the code's names, words and files, and from past sessions."""

from __future__ import annotations

import hashlib
import re
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


class Request(NamedTuple):
    """A kind of request: how it may be said, the best tools, and those that would do half as well."""

    ways: tuple[str, ...]
    best: tuple[str, ...]
    fine: tuple[str, ...] = ()


_SOURCE: Final = Request(
    ("show me the source of {name}", "how is {name} implemented?", "print the code of {name}"),
    ("extract",),
    ("codectx", "esearch", "grep"),
)
_FILE: Final = Request(
    ("what is in {path}, and who uses it?", "explain what {path} is for", "what tests {path}?"),
    ("codectx",),
    ("extract", "intel"),
)
_MEANING: Final = Request(
    (
        "where is the code that does this: {says}",
        "which function fits: {says}",
        "something is wrong here, find where: {says}",
    ),
    ("esearch", "intel"),
    ("grep",),
)
_TEXT: Final = Request(
    ('which lines contain the text "{text}"?', 'find every place that has "{text}"'), ("grep",), ("esearch",)
)
_LOGS: Final = Request(
    (
        "which errors are in the logs?",
        "did anything crash in the last hour?",
        "summarise the exceptions that were logged",
        "why is the service failing? look at its logs",
    ),
    ("ctx",),
    ("intel",),
)
_LAYOUT: Final = Request(
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
    names = [function for function in found if len(function.symbol.rpartition(".")[2]) > 3]
    said = [function for function in found if len(function.says.split()) >= _LEAST_SAID]
    paths = dict.fromkeys(function.path for function in found)
    kinds: list[Iterator[Example]] = [
        (_example(_SOURCE, f.path, [f.symbol], name=f.symbol) for f in names),
        (_example(_MEANING, f.path, _telling(f.says), says=f.says) for f in said),
        (_example(_FILE, path, [path], path=path) for path in paths),
        (_example(_TEXT, f.path, [text], text=text) for f, text in _texts(found)),
        (_example(kind, way, [], way=way) for kind in (_LOGS, _LAYOUT) for way in kind.ways),
        (_from_session(task, tool, arguments) for task, tool, arguments in taken(workspace)),
    ]
    mixed = chain.from_iterable(zip_longest(*(islice(kind, most // _KINDS) for kind in kinds)))
    return [example for example in mixed if example is not None][:most]


def _example(kind: Request, group: str, needed: list[str], **words: str) -> Example:
    way = words.pop("way", None) or kind.ways[_draw(group, *words.values())[0] % len(kind.ways)]
    return _of(way.format(**words), group, kind.best, kind.fine, needed)


def _from_session(task: str, tool: str, arguments: Mapping[str, Any]) -> Example:
    needed = [str(value)[:80] for value in arguments.values() if isinstance(value, str)][:1]
    if tool in _MEANING.best:
        needed = _telling(" ".join(needed))
    return _of(task, task, (tool,), (), needed)


def _of(task: str, group: str, best: Sequence[str], fine: Sequence[str], needed: Sequence[str]) -> Example:
    facts = {"task": task, "best": list(best), "fine": list(fine), "needed": list(needed)}
    return Example(example_id("router", facts), group, facts, lazily(_inputs, task))


def _inputs(task: str) -> Mapping[str, Any]:
    from dspy_agent.loop.forms import choice_of, usable
    from dspy_agent.tools.registry import BY_NAME, TOOLS

    names = usable([tool.name for tool in TOOLS if not tool.changes])
    lines = [f"{name}: {BY_NAME[name].summary}" for name in names]
    return {
        "task": task,
        "tools": "\n".join(lines),
        "seen": "",
        "suggested": "",
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
