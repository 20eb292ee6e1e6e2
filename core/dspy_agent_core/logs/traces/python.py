"""Python tracebacks: chains, groups, syntax errors, messages of many lines; and pytest's own form."""

from __future__ import annotations

import re
from dataclasses import replace

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.model import Block, RawFrame, Trace

_QUOTES = '"""'
_MARGIN = re.compile(r"^( {2,})([|+])(?: (.*)|(-.*))?$", re.S)


def parse(texts: list[str]) -> Trace | None:
    """Return the exception that the traceback in ``texts`` ends with, or None if there is none."""
    reader = _Reader(_indent(texts))
    for text in texts:
        reader.read(text)
    blocks = [(depth, block.build(innermost_last=True)) for depth, block in reader.blocks]
    blocks = [(depth, trace) for depth, trace in blocks if trace.type or trace.frames]
    if not blocks:
        return None
    top = [trace for depth, trace in blocks if depth == 0] or [blocks[-1][1]]
    if any(map(syntax.PY_REMOTE.match, texts)):
        top = _brought_back(top)
    inner = [trace for depth, trace in blocks if depth > 0 and trace is not top[-1]]
    return top[-1].caused_by([*reversed(top[:-1]), *inner])


def _brought_back(chain: list[Trace]) -> list[Trace]:
    """Put the frames of another process below those of the process that has raised its exception again."""
    found: list[Trace] = []
    for trace in chain:
        if found and (found[-1].type, found[-1].message) == (trace.type, trace.message.partition("\n")[0]):
            trace = replace(trace, frames=(*found.pop().frames, *trace.frames))
        found.append(trace)
    return found


def _indent(texts: list[str]) -> int:
    for text in texts:
        if syntax.PY_HEADER.search(text):
            return len(text) - len(text.lstrip(" ")) if text.lstrip().startswith("Traceback") else 0
    return 0


class _Reader:
    """Reads a traceback line by line into blocks with the depth of their group."""

    def __init__(self, indent: int) -> None:
        self.blocks: list[tuple[int, Block]] = []
        self._indent = indent
        self._state = "before"  # before | frames | chained | message | after
        self._depth = 0
        self._remote = False
        self._known = 0  # frames of the traceback above a call stack

    def read(self, text: str) -> None:
        if syntax.PY_REMOTE.match(text) or (self._remote and text == _QUOTES):
            self._remote = True
            return
        margin = _MARGIN.match(text)
        if margin:
            self._depth, text = (len(margin[1]) - 2) // 2, margin[3] or ""
            if margin[4] is not None:
                self._state = "chained" if "- " in margin[4] else "after"
                return
        else:
            if self._state != "message":
                self._depth = 0
            text = text[self._indent :] if text[: self._indent].isspace() else text
        if syntax.PY_HEADER.search(text):
            self._open()
        elif self._state == "created" or syntax.PY_CREATED.match(text):
            self._state = "created"
        elif self._state == "message" and syntax.PY_CALL_STACK.match(text):
            self._state, self._known = "callers", len(self._block().frames)
        elif self._state == "callers":
            if frame := syntax.PY_FRAME.match(text):  # outermost first, above what is known
                frames = self._block().frames
                place = RawFrame(frame["path"], int(frame["line"][:9]), frame["function"])
                frames.insert(len(frames) - self._known, place)
            elif syntax.PY_LOGGED.match(text):
                self._state = "after"
        elif frame := syntax.PY_FRAME.match(text):
            if self._state != "frames":
                self._open()
            self._block().frames.append(RawFrame(frame["path"], int(frame["line"][:9]), frame["function"]))
        elif syntax.PY_CHAIN.match(text):
            self._state = "chained"
        elif not text.strip():
            self._state = "after" if self._state == "message" else self._state
        else:
            self._words(text)

    def _words(self, text: str) -> None:
        if self._state == "message":
            self._block().message.append(text)
            return
        if text[0] in " \t" or self._state == "after":
            return
        found = (syntax.HEAD if self._state == "before" else syntax.PY_FINAL).match(text)
        if not found and self._state == "frames":
            found = syntax.PY_SMALL_FINAL.match(text)
        if not found:
            return
        if self._state != "frames":
            self._open()
        block = self._block()
        block.type, block.message = found["type"], [found["message"] or ""]
        self._state = "message"

    def _open(self) -> None:
        if self._state == "message" and len(self.blocks) == 1 and not self._block().frames:
            self.blocks.clear()  # the words of a log line above the traceback
        self.blocks.append((self._depth, Block(None, [], [])))
        self._state = "frames"

    def _block(self) -> Block:
        return self.blocks[-1][1]


def parse_pytest(texts: list[str], context: list[str]) -> Trace | None:
    """Return the exception of a pytest failure; those that it came from are its causes."""
    parts: list[list[str]] = [[]]
    for text in texts:
        if syntax.PY_CHAIN.match(text):
            parts.append([])
        parts[-1].append(text)
    found = [_pytest_part(part, context if number == 0 else []) for number, part in enumerate(parts)]
    known = [trace for trace in found if trace is not None]
    return known[-1].caused_by(known[-2::-1]) if known else None


def _pytest_part(texts: list[str], context: list[str]) -> Trace | None:
    """Return one exception: its ``E`` lines and the places around them."""
    errors = [m["text"] for t in texts if (m := syntax.PYTEST_ERROR.match(t))]
    if not errors:
        return None
    found = syntax.PY_FINAL.match(errors[0])
    kind = found["type"] if found else _unnamed(errors[0])
    message = [found["message"] or "" if found else errors[0], *errors[1:]]
    frames: list[RawFrame] = []
    function = None
    for text in [*context, *texts]:
        if named := syntax.PYTEST_DEF.match(text):
            function = named["function"]
        elif short := syntax.PYTEST_SHORT.match(text):
            frames.append(RawFrame(short["path"], int(short["line"][:9]), short["function"]))
        elif where := syntax.PYTEST_WHERE.match(text):
            frames.append(RawFrame(where["path"], int(where["line"][:9]), function))
            kind, function = kind or where["type"] or None, None
    return Trace(kind, "\n".join(message).strip(), tuple(reversed(frames)))


def _unnamed(error: str) -> str | None:
    if error.startswith("assert"):
        return "AssertionError"
    return "FixtureLookupError" if syntax.PYTEST_FIXTURE.match(error) else None
