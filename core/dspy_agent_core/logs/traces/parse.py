"""Reads a record's lines as a stack trace, in whichever language it is."""

from __future__ import annotations

from dspy_agent_core.logs.traces import managed, native, python, syntax
from dspy_agent_core.logs.traces.model import Trace


def parse_trace(texts: list[str], context: list[str] | None = None) -> Trace | None:
    """Return the exception in ``texts``, or None. ``context``: the lines before (for pytest)."""
    if any(syntax.PY_HEADER.search(t) or (t[:1].isspace() and syntax.PY_FRAME.match(t)) for t in texts):
        return python.parse(texts)
    if any(syntax.PYTEST_ERROR.match(t) for t in texts):
        return python.parse_pytest(texts, context or [])
    if any(syntax.RUST_HEAD.match(t) for t in texts):
        return native.parse_rust(texts)
    if any(syntax.GO_HEAD.match(t) or syntax.GO_PLACE.match(t) for t in texts):
        return native.parse_go(texts)
    if any(syntax.RUBY_HEAD.match(t) for t in texts) and (ruby := native.parse_ruby(texts)):
        return ruby
    if any(managed.NODE_FRAME.match(t) for t in texts):
        return managed.parse_node(texts)
    return managed.parse(texts) or managed.parse_node(texts)


def bare_exception(text: str) -> Trace | None:
    """Return the exception that a line without a trace names (``… ValueError: bad``), or None."""
    found = syntax.HEAD.match(text) or syntax.EMBEDDED.search(text[:4000])
    return Trace(found["type"], (found["message"] or "").strip()) if found else None
