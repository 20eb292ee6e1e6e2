"""For each tool the command line that fits a task, or none: a tool that can't be filled in is no choice.

A tool without rules here is filled in where a short order names it and all its arguments have defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Final

from dspy_agent.suggest import vocabulary
from dspy_agent.suggest.facts import Facts
from dspy_agent.suggest.request import ANSWER, Request
from dspy_agent.suggest.seen import ran, showed, worked
from dspy_agent.tools.base import Tool
from dspy_agent.tools.registry import BY_NAME

Words = tuple[str, ...]
NEEDS_MODEL: Final = frozenset({"plan", "chat", "edit"})
NEVER: Final = frozenset({"chat", "suggest"})  # they suggest, themselves
_SHORT: Final = 4  # words


def fill(tool: str, facts: Facts, request: Request) -> Words | None:
    """Return the first words for ``tool`` that were not run for this task; None if there are none."""
    if tool in NEVER or (tool in NEEDS_MODEL and not request.model):
        return None
    taken = {step.words for step in request.seen}
    filler = _FILLERS.get(tool)
    candidates = filler(facts, request) if filler else _named(BY_NAME.get(tool), facts)
    return next((words for words in candidates if words not in taken), None)


def names(tool: str, text: str) -> bool:
    """Return whether the task's words name ``tool``."""
    return bool(re.search(rf"(?<![\w/.-]){re.escape(tool)}(?![\w/.-])", text))


def _ctx(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.around.has_logs or facts.said["logs"]:
        since = vocabulary.since(facts.text)
        yield ("ctx", "--since", since) if since else ("ctx",)


def _codectx(facts: Facts, request: Request) -> Iterator[Words]:
    yield from (_words("codectx", name) for name in (facts.path, *_symbols(facts)) if name)
    if step := showed(request.seen):
        yield from (_words("codectx", path) for path in step.paths)


def _extract(facts: Facts, request: Request) -> Iterator[Words]:
    yield from (_words("extract", name) for name in _symbols(facts))
    if step := showed(request.seen):
        yield from (_words("extract", symbol) for symbol in step.symbols)


def _grep(facts: Facts, request: Request) -> Iterator[Words]:
    if text := vocabulary.quoted(facts.text):
        yield ("grep", "-F", "--", text)
    if facts.rarest:
        yield ("grep", "-w", "-F", "--", facts.rarest[0])


def _search(tool: str) -> Callable[[Facts, Request], Iterator[Words]]:
    def words(facts: Facts, request: Request) -> Iterator[Words]:
        if facts.words:
            yield (tool, "--query", request.text)

    return words


def _vretr(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.words and (facts.around.vectors or facts.said["vectors"]):
        yield ("vretr", "--query", request.text)


def _tree(facts: Facts, request: Request) -> Iterator[Words]:
    yield _words("tree", facts.folder, "--depth", "2") if facts.folder else ("tree", "--depth", "2")


def _ls(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.folder:
        yield _words("ls", facts.folder)
    elif facts.said["list"]:
        yield ("ls",)


def _index(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.said["index"]:
        yield ("index",)


def _emb_index(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.said["vectors"] and (facts.said["index"] or not facts.around.vectors):
        yield ("emb-index",)


def _doctor(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.said["setup"]:
        yield ("doctor",)


def _plan(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.said["plan"] or request.changes:
        yield _words("plan", request.text)


def _edit(facts: Facts, request: Request) -> Iterator[Words]:
    if "edit" in request.changes and not ran(request.seen, "edit"):
        yield _words("edit", request.text)


def _apply(facts: Facts, request: Request) -> Iterator[Words]:
    asked = "apply" in request.changes and "edit" not in request.changes and facts.around.proposal
    if (worked(request.seen, "edit") or asked) and not ran(request.seen, "apply"):
        yield ("apply",)


def _diff(facts: Facts, request: Request) -> Iterator[Words]:
    if facts.around.proposal and (names("diff", facts.text) or worked(request.seen, "edit")):
        yield ("diff",)


def _undo(facts: Facts, request: Request) -> Iterator[Words]:
    if "undo" in request.changes:
        yield ("undo",)


def _run(facts: Facts, request: Request) -> Iterator[Words]:
    if "run" in request.changes:
        said = set(re.findall(r"\w+", facts.text.lower()))
        fits = sorted(request.commands, key=lambda command: -_overlap(command, said))
        yield from (_words("run", command) for command in fits)


def _answer(facts: Facts, request: Request) -> Iterator[Words]:
    seen, changes = request.seen, request.changes - {"run", "apply"}
    done = worked(seen, "apply") or worked(seen, "undo") or (ran(seen, "edit") and not worked(seen, "edit"))
    if done or (not changes and any(step.found for step in seen)):
        yield (ANSWER,)


def _symbols(facts: Facts) -> list[str]:
    """Return the symbol that the task names: with its class, then alone."""
    named = facts.symbol or ""
    return [name for name in dict.fromkeys((named, named.rpartition(".")[2])) if name]


def _words(tool: str, argument: str, *options: str) -> Words:
    """Return the words of ``tool`` for an argument, which may begin with a dash."""
    return (tool, *options, *(["--"] if argument.startswith("-") else []), argument)


def _overlap(command: str, said: set[str]) -> int:
    """Return how much of what is ``said`` a command is about."""
    command = command.lower()
    return sum(
        any(word in command for word in words) and any(one.startswith(words[0]) for one in said)
        for words in _CHECKS
    )


_CHECKS: Final = (
    ("test", "spec"),
    ("lint", "ruff", "flake", "clippy", "vet"),
    ("build", "compile", "package"),
    ("type", "mypy", "pyright", "tsc"),
    ("format", "fmt", "black", "prettier"),
)


def _named(tool: Tool | None, facts: Facts) -> Iterator[Words]:
    short = len(facts.text.split()) <= _SHORT and not vocabulary.is_question(facts.text)
    if tool is not None and short and names(tool.name, facts.text) and not _required(tool):
        yield (tool.name,)


def _required(tool: Tool) -> bool:
    return any(one.default is MISSING and one.default_factory is MISSING for one in fields(tool.arguments))


_FILLERS: Final[Mapping[str, Callable[[Facts, Request], Iterator[Words]]]] = {
    "ctx": _ctx,
    "codectx": _codectx,
    "extract": _extract,
    "grep": _grep,
    "esearch": _search("esearch"),
    "intel": _search("intel"),
    "vretr": _vretr,
    "tree": _tree,
    "ls": _ls,
    "index": _index,
    "emb-index": _emb_index,
    "doctor": _doctor,
    "plan": _plan,
    "edit": _edit,
    "apply": _apply,
    "diff": _diff,
    "undo": _undo,
    "run": _run,
    ANSWER: _answer,
}
