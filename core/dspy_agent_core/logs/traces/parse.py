"""Reads a record's lines as a stack trace, in whichever language it is."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces import managed, native, python, scripting, syntax
from dspy_agent_core.logs.traces.kinds import KINDS, is_frame, known_by_words
from dspy_agent_core.logs.traces.model import RawFrame, Trace

_HEAD_LINES = 40
_GO = ("panic: ", "fatal error: ", "goroutine ", ".go:")
# What Python's `warnings` prints.
_WARNED = re.compile(
    r"(?P<path>[^\s:][^:\n]*):(?P<line>\d+): (?P<type>[\w.]*Warning): (?P<message>.*)$", re.S
)


def parse_trace(texts: list[str], context: list[str] | None = None, kind: str | None = None) -> Trace | None:
    """Return the exception in ``texts``, or None.

    Args:
        texts: the lines of a record.
        context: the lines before (for pytest).
        kind: which kind of trace the record is, where that is known.
    """
    if kind in (None, *KINDS):
        for number, text in enumerate(texts[:_HEAD_LINES]):
            found = known_by_words(text)
            if found and (kind is None or found == kind) and (trace := KINDS[found].parse(texts[number:])):
                return trace
            if kind is None and (is_frame(text) or syntax.PY_HEADER.search(text)):
                break
    return _by_language(texts, context)


def _by_language(texts: list[str], context: list[str] | None) -> Trace | None:
    whole = "\n".join(texts)  # rules out languages by a word of theirs, before any pattern
    ruby_first = "from " in whole and any(syntax.RUBY_FROM.match(t) for t in texts)
    if not ruby_first and ("Traceback (" in whole or 'File "' in whole) and _is_python(texts):
        return python.parse(texts)
    if "\nStack trace:\n#0 " in whole and (php := scripting.parse_php(texts)):
        return php
    if "E   " in whole and any(syntax.PYTEST_ERROR.match(t) for t in texts):
        return python.parse_pytest(texts, context or [])
    if "panicked at " in whole and any(syntax.RUST_HEAD.match(t) for t in texts):
        return native.parse_rust(texts)
    if any(map(whole.__contains__, _GO)) and any(
        syntax.GO_HEAD.match(t) or syntax.GO_PLACE.match(t) for t in texts
    ):
        return native.parse_go(texts)
    is_ruby = ruby_first or (
        ":in " in whole and any(syntax.RUBY_HEAD.match(t) or syntax.RUBY_PLAIN.match(t) for t in texts)
    )
    if is_ruby and (ruby := native.parse_ruby(texts)):
        return ruby
    if any(managed.NODE_FRAME.match(t) for t in texts):
        return managed.parse_node(texts)
    if "Caused by:" in whole and any(syntax.RUST_CAUSES.match(t) for t in texts):
        return native.parse_report(texts)
    return managed.parse(texts) or managed.parse_node(texts)


def _is_python(texts: list[str]) -> bool:
    return any(
        syntax.PY_HEADER.search(t) or (t[:1] in (" ", "\t", ">") and syntax.PY_FRAME.match(t)) for t in texts
    )


def bare_exception(text: str) -> Trace | None:
    """Return the exception that a line without a trace names (``… ValueError: bad``), or None."""
    if "Warning: " in text and (told := _WARNED.match(text)):
        return Trace(told["type"], told["message"], (RawFrame(told["path"], int(told["line"][:9]), None),))
    found = syntax.HEAD.match(text)
    if found is None and any(map(text.__contains__, syntax.TYPE_ENDS)):
        found = syntax.EMBEDDED.search(text[:4000])
    return Trace(found["type"], (found["message"] or "").strip()) if found else None


def named_below(texts: list[str]) -> Trace | None:
    """Return the exception that a line hanging below others begins with, or None."""
    for text in texts[1:_HEAD_LINES]:
        if found := syntax.HEAD.match(text.strip()):
            return Trace(found["type"], (found["message"] or "").strip())
    return None
