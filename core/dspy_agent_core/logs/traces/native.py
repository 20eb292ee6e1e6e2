"""Go panics, Rust panics and Ruby exceptions."""

from __future__ import annotations

import re
from itertools import pairwise

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.model import Block, RawFrame, Trace

_GO_PANIC = re.compile(r"\t*(?P<type>panic|fatal error): (?P<message>.*)", re.S)
_REPORT_NUMBER = re.compile(r"\s+\d+: ")
_GO_AGAIN = re.compile(r" \[recovered(?:, repanicked)?\]$")
_GO_SERVING = re.compile(r"panic serving \S+: (?P<message>.*)$", re.S)
# What a handler of a panic calls to print the stack.
_GO_RECOVERS = re.compile(r"runtime/debug\.|testing\.|net/http\.|.*\b[Rr]ecover|.*\.func\d")
_GO_CALL = re.compile(r"(?:created by )?(?P<call>.+?)(?:\([^()]*\)|\(\{.*\}\)| in goroutine \d+)?$")
_GO_PLACE = re.compile(r"\s+(?P<path>\S.*?):(?P<line>\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$")
_RUST = re.compile(
    r"thread '[^']*'(?: \(\d+\))? panicked at (?:'(?P<message>.*)', )?"
    r"(?P<path>[^\s'][^']*?):(?P<line>\d+):\d+:?$",
    re.S,
)
_RUST_CALL = re.compile(r"\s+\d+:\s+(?:0x[0-9a-f]+ - )?(?P<call>.+)$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_PLACE = re.compile(r"\s+at (?P<path>\S.*?):(?P<line>\d+)(?::\d+)?$")


def parse_go(texts: list[str]) -> Trace | None:
    """Return the panic (the last one, if one was recovered and raised anew), or None."""
    reader = _Go()
    for text in texts:
        reader.read(text)
    return reader.trace()


class _Go:
    """Reads a panic and the stack of the first goroutine, which is the one that panicked."""

    def __init__(self) -> None:
        self._panics: list[Block] = []
        self._stacks: list[list[RawFrame]] = [[]]
        self._call: str | None = None
        self._reading = False

    def read(self, text: str) -> None:
        if panic := _GO_PANIC.match(text):
            self._panics.append(Block(panic["type"], [_GO_AGAIN.sub("", panic["message"])], []))
            self._reading = True
        elif served := _GO_SERVING.search(text):
            self._panics.append(Block("panic", [served["message"]], []))
            self._reading = True
        elif text.startswith(("goroutine ", "[signal ", "runtime stack:")) or not text.strip():
            self._reading = False
            if not text.startswith("[signal") and self._stacks[-1]:
                self._stacks.append([])
        elif self._reading:
            if self._panics:
                self._panics[-1].message.append(text)
        elif self._call and (place := _GO_PLACE.match(text)):
            self._stacks[-1].append(RawFrame(place["path"], int(place["line"][:9]), self._call))
            self._call = None
        elif found := _GO_CALL.match(text):
            self._call = found["call"].strip()

    def trace(self) -> Trace | None:
        """Return what was read."""
        panics = [block.build() for block in self._panics]
        causes = [p for p, later in pairwise(panics) if p.message != later.message]
        again = len(panics) > 1 and not causes
        stacks = [stack for stack in self._stacks if stack]
        frames = next((s for s in stacks if not all(_is_runtime(f) for f in s)), stacks[0] if stacks else [])
        origin = [n for n, frame in enumerate(frames) if frame.function in ("panic", "runtime.gopanic")]
        recovered = again or (not causes and frames and _GO_RECOVERS.match(frames[0].function or ""))
        if origin and recovered:
            frames = [*frames[origin[-1] + 1 :], *frames[: origin[-1] + 1]]
        if not panics and not frames:
            return None
        last = panics[-1] if panics else Trace(None, "")
        return Trace(last.type, last.message, tuple(frames)).caused_by(causes[::-1])


def _is_runtime(frame: RawFrame) -> bool:
    return (frame.function or "").startswith("runtime.")


def parse_rust(texts: list[str]) -> Trace | None:
    """Return the panic, or None. With a backtrace its frames follow the place of the panic."""
    start = next((n for n, text in enumerate(texts) if syntax.RUST_HEAD.search(text)), None)
    found = _RUST.search(texts[start]) if start is not None else None
    if found is None or start is None:
        return None
    message = [found["message"]] if found["message"] else []
    frames: list[RawFrame] = []
    call, reading = None, not message
    for text in texts[start + 1 :]:
        if text.startswith(("note: ", "stack backtrace:")) or not text.strip():
            reading = False
        elif reading:
            message.append(text)
        elif place := _RUST_PLACE.match(text):
            frames.append(RawFrame(place["path"].removeprefix("./"), int(place["line"][:9]), call))
        elif named := _RUST_CALL.match(text):
            call = _RUST_HASH.sub("", named["call"])
    path, line = found["path"], int(found["line"][:9])
    same = [f for f in frames if f.line == line and (f.path.endswith(path) or path.endswith(f.path))]
    here = RawFrame(path, line, same[0].function if same else None)
    return Trace("panic", "\n".join(message).strip(), (here, *frames))


def parse_ruby(texts: list[str]) -> Trace | None:
    """Return the outermost exception of a Ruby backtrace, or None.

    The newest form has the place and the message on its first line; loggers put the message on a line of
    its own; Ruby 2.5 to 2.7 printed the callers first.
    """
    blocks: list[Block] = []
    callers: list[RawFrame] = []
    before: list[str] = []
    for text in texts:
        if source := syntax.RUBY_FROM.match(text) or syntax.RUBY_PLAIN.match(text):
            frame = RawFrame(source["path"], int(source["line"][:9]), source["function"])
            if not blocks and text.lstrip().startswith(source["path"]):
                blocks.append(_ruby_logged(before))
            (blocks[-1].frames if blocks else callers).append(frame)
        elif head := syntax.RUBY_HEAD.match(text):
            frame = RawFrame(head["path"], int(head["line"][:9]), head["function"])
            blocks.append(Block(None, [head["message"]], [frame, *reversed(callers)]))
            callers = []
        elif not blocks:
            before.append(text)
        elif len(blocks[-1].frames) == 1 and text.strip():
            blocks[-1].message.append(text)
    for block in blocks:
        for number, text in enumerate(block.message):
            if block.type is None and (found := syntax.RUBY_TYPED.match(text)):
                block.type, block.message[number] = found["type"], found["message"]
    for block in blocks:
        block.frames = _without_builtin(block.frames)
    built = [block.build() for block in blocks]
    return built[0].caused_by(built[1:]) if built and (built[0].type or built[0].frames) else None


def _without_builtin(frames: list[RawFrame]) -> list[RawFrame]:
    """Leave out the built-in method that raised: it stands at the place of its caller."""
    if len(frames) < 2 or (frames[0].function or "").startswith(("block ", "rescue ", "ensure ")):
        return frames
    inner, outer = frames[:2]
    same = (inner.path, inner.line) == (outer.path, outer.line)
    return frames[1:] if same and inner.function != outer.function else frames


def _ruby_logged(before: list[str]) -> Block:
    """Return the exception that the lines above a bare backtrace name."""
    said = [text for text in before if text.strip() and not text.startswith("Traceback (")]
    for number, text in enumerate(said):
        if typed := syntax.RUBY_NAMED.match(text) or syntax.RUBY_TYPED.match(text):
            return Block(typed["type"], [typed["message"], *said[number + 1 :]], [])
        if head := syntax.HEAD.match(text) or syntax.EMBEDDED.search(text):
            return Block(head["type"], [head["message"] or "", *said[number + 1 :]], [])
    return Block(None, said[-1:], [])


def parse_report(texts: list[str]) -> Trace | None:
    """Return the error that Rust's anyhow and eyre print, with its numbered causes."""
    start = next(n for n, text in enumerate(texts) if syntax.RUST_CAUSES.match(text))
    heads = [(number, head) for number in range(start) if (head := syntax.HEAD.match(texts[number]))]
    first, head = heads[0] if heads else (0, None)  # words of others may stand above it
    message = [(head["message"] or "") if head else texts[0], *texts[first + 1 : start]]
    causes: list[Trace] = []
    for text in texts[start + 1 :]:
        if not text[:1].isspace():
            break
        causes.append(Trace(None, _REPORT_NUMBER.sub("", text).strip()))
    kind = head["type"] if head else None
    return Trace(kind, "\n".join(message).strip(), causes=tuple(cause for cause in causes if cause.message))
