"""What a policy knows of a task, by name: numbers from 0 to 1, always the same names.

Facts of the words, of the workspace around them, and of the steps so far. A name is never given another
meaning: what was learned under it would be wrong. A new one is added at the end of its part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from dspy_agent.suggest import vocabulary
from dspy_agent.suggest.facts import Facts, looks_like_code
from dspy_agent.suggest.request import Request
from dspy_agent.suggest.seen import FINDS, OPENS, Seen
from dspy_agent.suggest.surroundings import Surroundings

BIAS: Final = "bias"  # always 1: what a tool is worth whatever is known
_RAN: Final = ("ctx", "grep", "esearch", "intel", "vretr", "extract", "codectx", "tree")
_MANY_WORDS: Final = 8
_MANY_STEPS: Final = 8


def features_of(request: Request, facts: Facts) -> dict[str, float]:
    """Return what is known of ``request`` now."""
    around = facts.around
    return {
        **_of_words(facts, request.changes),
        **_of_names(facts),
        **_of_workspace(around, facts),
        "model": float(request.model),
        **_of_steps(request.seen),
    }


NAMES: Final = (
    BIAS,
    *(f"says_{kind}" for kind in vocabulary.KINDS),
    *("says_more_logs", "question", "words", "no_words", "quoted", "code_like", "all_code", "traceback"),
    *("names_time", "asks_edit", "asks_run", "asks_undo"),
    *("names_path", "names_folder", "names_symbol", "symbol_coded", "found_text", "rarity"),
    *("has_logs", "logs_and_said", "logs_fresh", "logs_errors", "indexed", "index_old", "vectors"),
    *("git", "git_moved", "has_tests", "tests_failed", "proposal", "model"),
    *("steps", "found", "first", "last_failed", "last_log", "last_search", "last_open"),
    *("showed_symbol", "showed_path", "opened", "edited", "landed"),
    *(f"ran_{tool}" for tool in _RAN),
)


def _of_words(facts: Facts, changes: frozenset[str]) -> dict[str, float]:
    said, text, words = facts.said, facts.text, facts.words
    coded = [word for word in words if looks_like_code(word)]
    return {
        **{f"says_{kind}": float(bool(found)) for kind, found in said.items()},
        "says_more_logs": float(len(said["logs"]) > 1),
        "question": float(vocabulary.is_question(text)),
        "words": min(len(words), _MANY_WORDS) / _MANY_WORDS,
        "no_words": float(not words),
        "quoted": float(bool(vocabulary.quoted(text))),
        "code_like": float(bool(coded)),
        "all_code": float(bool(words) and len(coded) == len(words)),
        "traceback": float(vocabulary.has_traceback(text)),
        "names_time": float(bool(vocabulary.since(text))),
        "asks_edit": float("edit" in changes),
        "asks_run": float("run" in changes and "edit" not in changes),
        "asks_undo": float("undo" in changes),
    }


def _of_names(facts: Facts) -> dict[str, float]:
    rarest, symbol = facts.rarest, (facts.symbol or "").rpartition(".")[2]
    coded = [word for word in facts.words if looks_like_code(word)]
    return {
        "names_path": float(facts.path is not None),
        "names_folder": float(facts.folder is not None),
        "names_symbol": float(facts.symbol is not None),
        "symbol_coded": float(any(word.rpartition(".")[2] == symbol for word in coded)),
        "found_text": float(rarest is not None),
        "rarity": 1.0 / math.log2(1 + max(rarest[1], 1)) if rarest else 0.0,
    }


def _of_workspace(around: Surroundings, facts: Facts) -> dict[str, float]:
    return {
        "has_logs": float(around.has_logs),
        "logs_and_said": float(around.has_logs and bool(facts.said["logs"])),
        "logs_fresh": float(around.logs_fresh),
        "logs_errors": float(around.logs_errors),
        "indexed": float(around.indexed),
        "index_old": float(around.index_old),
        "vectors": float(around.vectors),
        "git": float(around.git),
        "git_moved": float(around.git_moved),
        "has_tests": float(around.has_tests),
        "tests_failed": float(around.tests_failed),
        "proposal": float(around.proposal),
    }


def _of_steps(seen: Sequence[Seen]) -> dict[str, float]:
    last = seen[-1] if seen else None
    found = sum(step.found for step in seen)
    return {
        "steps": min(len(seen), _MANY_STEPS) / _MANY_STEPS,
        "found": min(found, 4) / 4,
        "first": float(last is None),
        "last_failed": float(last is not None and not last.found),
        "last_log": float(last is not None and last.found and last.tool == "ctx"),
        "last_search": float(last is not None and last.found and last.tool in FINDS and last.tool != "ctx"),
        "last_open": float(last is not None and last.found and last.tool in OPENS),
        "showed_symbol": float(any(step.symbols for step in seen if step.found)),
        "showed_path": float(any(step.paths for step in seen if step.found)),
        "opened": min(sum(step.found for step in seen if step.tool in OPENS), 3) / 3,
        "edited": float(any(step.found for step in seen if step.tool == "edit")),
        "landed": float(any(step.found for step in seen if step.tool in ("apply", "undo"))),
        **{f"ran_{tool}": float(any(step.tool == tool for step in seen)) for tool in _RAN},
    }
