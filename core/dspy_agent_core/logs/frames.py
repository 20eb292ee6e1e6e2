"""Picks the frame that matters: the innermost one of the project's own code."""

from __future__ import annotations

import re
from collections.abc import Callable

from dspy_agent_core.contracts.results import Frame
from dspy_agent_core.logs.traces.model import RawFrame, Trace

# Takes a path of a trace; returns it relative to the workspace, or None if it is not of the workspace.
Resolve = Callable[[str], str | None]

_LIBRARY = re.compile(
    r"""(?:^|/)(?:site-packages|dist-packages|node_modules|gems|\.cargo/registry|\.venv|venv|vendor/bundle)/
    |(?:^|/)lib/python\d|/lib/ruby/|^<|^node:|^internal/|/usr/(?:local/)?go/src/|/usr/local/go/|/go/pkg/mod/|/toolchain@v
    |/(?:go|goroot|go-?\d[\d.]*|go/[\d.]+/x64)/src/(?!(?:[\w-]+\.)+\w+/)|^(?:runtime|testing|net/http|reflect|sync|internal)/
    |^/?rustc/|(?:^|/)library/(?:std|core|alloc)/src/
    |^(?:java|javax|jdk|sun|com/sun|kotlin|scala|groovy|jakarta|org/(?:springframework|apache|junit|hibernate|eclipse|codehaus|gradle)|io/netty|reactor|akka)/
    |^(?:System|Microsoft)/
    """,
    re.VERBOSE,
)

_WITHOUT_FILE = ("<string>", "<stdin>")


def is_library(path: str) -> bool:
    """Return whether ``path`` is of a language's library or an installed package."""
    return bool(_LIBRARY.search(path.replace("\\", "/")))


def own_frame(trace: Trace, resolve: Resolve) -> Frame | None:
    """Return the innermost own frame of ``trace`` or of its causes.

    First a frame that lies in the workspace; else one that is not of a library; else one of a program without
    a file (``python -c``); else the innermost of all.
    """
    chain = [trace, *trace.causes]
    for exception in chain:
        for frame in exception.frames:
            if (path := resolve(frame.path)) is not None:
                return Frame(path, frame.line, frame.function)
    for exception in chain:
        for frame in exception.frames:
            if not is_library(frame.path):
                return _as_is(frame)
    frames = [frame for exception in chain for frame in exception.frames]
    given = (frame for frame in frames if frame.path in _WITHOUT_FILE)
    return next((_as_is(frame) for frame in (*given, *frames)), None)


def _as_is(frame: RawFrame) -> Frame:
    return Frame(frame.path, frame.line, frame.function)
