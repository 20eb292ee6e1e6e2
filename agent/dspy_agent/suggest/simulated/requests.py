"""Kinds of tasks as developers word them, and how likely each tool is to be of use for one.

``gains`` are judgements of ours, written down before anything was fitted: the chance that what a tool shows
is opened, edited or ends the search. ``{...}`` is filled from ``words.py``. The wordings ``held_out`` never
go into the prior: they tell how it does on words that it was not made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """A kind of task: its wordings, the chances of each tool, the changes it orders, and what ends it.

    ``ends``: the chance that one step that found something is all that was needed.
    """

    name: str
    ways: tuple[str, ...]
    gains: Mapping[str, float]
    held_out: tuple[str, ...] = ()
    changes: frozenset[str] = frozenset()
    ends: float = 0.3


_EDITS: Final = frozenset({"edit", "run", "apply"})

KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        "source",
        (
            "where is {symbol} defined?",
            "show me the source of {symbol}",
            "how is {symbol} implemented?",
            "print the code of {symbol}",
            "extract {symbol}",
            "what does {symbol} do",
            "how does {symbol} work",
            "the definition of {symbol} please",
            "{symbol}",
            "explain {symbol}",
            "look at {symbol} and tell me what it returns",
        ),
        {"extract": 0.9, "codectx": 0.6, "esearch": 0.5, "grep": 0.45, "intel": 0.4, "vretr": 0.3},
        ("I need to read {symbol}", "what is in {symbol}", "the body of {symbol}, please"),
        ends=0.7,
    ),
    Kind(
        "file",
        (
            "what is in {path}, and who uses it?",
            "explain what {path} is for",
            "what tests {path}?",
            "what does {path} do",
            "summarise {path}",
            "{path}",
            "look at {path}",
            "is {path} still used?",
            "I want to understand {path}",
        ),
        {"codectx": 0.9, "intel": 0.35, "extract": 0.2, "grep": 0.2, "esearch": 0.25, "vretr": 0.2},
        ("tell me about {path}", "open {path}", "who imports {path}"),
        ends=0.7,
    ),
    Kind(
        "uses",
        (
            "who calls {symbol}",
            "what uses {symbol}?",
            "which tests cover {symbol}",
            "when was {symbol} changed last",
            "the callers of {symbol}",
            "what imports {symbol}",
            "codectx {symbol} with its history",
        ),
        {"codectx": 0.85, "grep": 0.55, "intel": 0.5, "extract": 0.4, "esearch": 0.3, "vretr": 0.2},
        ("where is {symbol} called from", "is {symbol} used by anything"),
        ends=0.6,
    ),
    Kind(
        "meaning",
        (
            "where is the code that {does}?",
            "which function {does}",
            "how does it {do}",
            "find the code that {does}",
            "{does}",
            "where do we {do}?",
            "what happens when it {does}",
            "how is it decided whether it {does}",
            "I am looking for what {does}",
            "how does the {word} work",
            "how are {word} handled?",
        ),
        {
            "esearch": 0.78,
            "intel": 0.58,
            "vretr": 0.68,
            "grep": 0.3,
            "extract": 0.25,
            "codectx": 0.2,
            "tree": 0.05,
        },
        ("somewhere it {does}, but where", "the part that {does}", "which module {does}?"),
        ends=0.3,
    ),
    Kind(
        "similar",
        (
            "code with a similar meaning: {does}",
            "something like what {does}, by vectors",
            "what is nearest in meaning to {does}",
            "a semantic search for what {does}",
        ),
        {"vretr": 0.9, "esearch": 0.6, "intel": 0.5, "grep": 0.2, "emb-index": 0.3, "extract": 0.2},
        ("find embeddings near: {does}",),
        ends=0.3,
    ),
    Kind(
        "text",
        (
            'which lines contain the text "{quote}"?',
            'find every place that has "{quote}"',
            "who mentions {constant}",
            "all occurrences of {constant}",
            "{constant} has no effect",
            "{constant} does not work",
            "a problem with {constant}",
            "what about {constant}",
            "it doesn't work with {constant}",
            "grep for {word} in the code",
            'where does the message "{quote}" come from',
            "every place that spells {dotted}",
            "who mentions {dotted}",
            "lines that match {word}",
        ),
        {"grep": 0.88, "esearch": 0.4, "intel": 0.35, "extract": 0.3, "vretr": 0.2, "codectx": 0.3},
        ("where is {constant} set", 'search for "{quote}"', "is {dotted} mentioned anywhere"),
        ends=0.6,
    ),
    Kind(
        "logs",
        (
            "which errors are in the logs?",
            "did anything crash in the last hour?",
            "the app crashes at start, look at the error",
            "summarise the exceptions that were logged",
            "why is the service failing? look at its logs",
            "what went wrong last night",
            "show me the errors of the last 2 hours",
            "error crash traceback",
            "error in {constant}",
            "are there warnings today",
            "500 errors since yesterday",
            "the worker keeps crashing with a timeout",
            "anything in the logs about {word}?",
            "what crashed?",
            "any errors?",
            "what broke the {word}",
            "did it crash or is it down",
            "show the warnings and timeouts",
            "are there failures in the {word}",
        ),
        {
            "ctx": 0.92,
            "intel": 0.5,
            "grep": 0.25,
            "esearch": 0.2,
            "doctor": 0.1,
            "extract": 0.15,
            "codectx": 0.15,
        },
        (
            "what failed in the last 30 minutes",
            "is something broken? there is an alert",
            "check the log for panics",
        ),
        ends=0.5,
    ),
    Kind(
        "cause",
        (
            "why does it fail when it {does}?",
            "what causes the timeout where it {does}",
            "find the root cause of the crash that happens when it {does}",
            "why does {symbol} raise an error",
            "investigate why the {word} tests fail",
            "what is behind the exception in {symbol}",
            "gather the evidence on why it {does}",
        ),
        {
            "intel": 0.82,
            "ctx": 0.62,
            "esearch": 0.5,
            "extract": 0.45,
            "grep": 0.3,
            "codectx": 0.4,
            "vretr": 0.4,
        },
        ("debug the failure where it {does}", "the reason {symbol} throws"),
        ends=0.2,
    ),
    Kind(
        "pasted",
        (
            'Traceback (most recent call last):\n  File "{path}", line 3, in {symbol}\nValueError: no {word}',
            "IndexError: list index out of range in {path}, in {symbol}",
            "it says KeyError: '{word}' at {path}:12",
        ),
        {"codectx": 0.75, "extract": 0.72, "intel": 0.6, "ctx": 0.4, "grep": 0.4, "esearch": 0.35},
        ("TypeError: {symbol}() takes 2 arguments, from {path}",),
        ends=0.3,
    ),
    Kind(
        "layout",
        (
            "show me the layout of the project",
            "what folders does this project have?",
            "give me an overview of the directory structure",
            "how is the repository organised?",
            "tree of the modules",
            "the architecture of this repository",
            "what is this project",
        ),
        {"tree": 0.92, "ls": 0.5, "codectx": 0.15, "intel": 0.2, "esearch": 0.15, "grep": 0.05},
        ("which packages are there", "what directories are here", "overview please"),
        ends=0.8,
    ),
    Kind(
        "folder",
        ("what is in {folder}/", "list the files in {folder}/", "ls {folder}/", "which files has {folder}/"),
        {"ls": 0.86, "tree": 0.72, "codectx": 0.2, "grep": 0.1, "esearch": 0.15},
        ("show me {folder}/", "the listing of {folder}/"),
        ends=0.8,
    ),
    Kind(
        "setup",
        (
            "is everything installed?",
            "what is missing here",
            "check the setup",
            "why can't it reach ollama, is it configured?",
            "doctor, what is not installed",
            "which requirements are missing",
        ),
        {"doctor": 0.92, "tree": 0.1, "grep": 0.15, "esearch": 0.15, "ctx": 0.1},
        ("is my environment set up", "the kubeconfig is missing"),
        ends=0.8,
    ),
    Kind(
        "index",
        ("index the code", "rebuild the index", "reindex everything, it is stale", "is the code indexed?"),
        {"index": 0.92, "esearch": 0.1, "tree": 0.1, "emb-index": 0.3, "doctor": 0.1, "grep": 0.1},
        ("bring the index up to date",),
        ends=0.8,
    ),
    Kind(
        "embed",
        (
            "make the embeddings",
            "build the vectors for the code",
            "embed the repository",
            "update the vectors index",
        ),
        {"emb-index": 0.92, "index": 0.3, "vretr": 0.2, "esearch": 0.1, "tree": 0.05},
        ("the embedding vectors are missing",),
        ends=0.8,
    ),
    Kind(
        "plan",
        (
            "plan the migration to {word}",
            "what steps to make the {word} configurable",
            "a strategy to redesign what {does}",
            "plan how to split {path}",
            "which approach for the rework of {symbol}?",
        ),
        {
            "plan": 0.9,
            "intel": 0.5,
            "esearch": 0.45,
            "codectx": 0.4,
            "extract": 0.35,
            "grep": 0.2,
            "tree": 0.15,
        },
        ("design a roadmap for {word}", "how would you approach moving {symbol}"),
        ends=0.7,
    ),
    Kind(
        "fix",
        (
            "fix the crash in {symbol}",
            "fix {symbol}, it returns the wrong value",
            "change {symbol} so that it {does}",
            "rename {symbol} to {word}",
            "add a check to {symbol} and run the tests",
            "please make {symbol} faster",
            "correct the error in {path}",
        ),
        {
            "extract": 0.8,
            "codectx": 0.6,
            "ctx": 0.4,
            "edit": 0.45,
            "esearch": 0.4,
            "intel": 0.5,
            "plan": 0.3,
            "grep": 0.35,
        },
        ("repair {symbol}", "solve the bug in {symbol}"),
        _EDITS,
        ends=0.0,
    ),
    Kind(
        "feature",
        (
            "add an option that {does}",
            "implement what {does}",
            "write a function that {does}",
            "make it possible that it {does}",
        ),
        {"esearch": 0.7, "intel": 0.6, "plan": 0.5, "edit": 0.4, "vretr": 0.5, "grep": 0.25, "tree": 0.2},
        ("introduce a setting that {does}",),
        _EDITS,
        ends=0.0,
    ),
    Kind(
        "undo",
        ("undo the last change", "revert that", "roll back the last edit", "restore what was there"),
        {"undo": 0.95, "diff": 0.3, "tree": 0.0, "esearch": 0.05, "grep": 0.05},
        ("take back the change",),
        frozenset({"undo"}),
        ends=0.9,
    ),
    Kind(
        "run",
        ("run the tests", "test everything", "build the project", "run the linter", "verify that it builds"),
        {"run": 0.92, "tree": 0.1, "ctx": 0.15, "esearch": 0.1, "grep": 0.05, "doctor": 0.15},
        ("rerun the test suite",),
        frozenset({"run"}),
        ends=0.8,
    ),
    Kind(
        "nothing",
        ("frobnicate the quux", "hello", "hm", "what now", "help me", "do it", "is it good?"),
        {"tree": 0.25, "esearch": 0.15, "vretr": 0.12, "intel": 0.1, "grep": 0.1, "ctx": 0.1},
        ("and then", "thanks"),
        ends=0.9,
    ),
)
