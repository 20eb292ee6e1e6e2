"""Go panics, Rust panics and Ruby exceptions."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.model import Block, RawFrame, Trace

_GO_PANIC = re.compile(r"\t*(?P<type>panic|fatal error): (?P<message>.*)", re.S)
_GO_CALL = re.compile(r"(?:created by )?(?P<call>.+?)(?:\([^()]*\)|\(\{.*\}\)| in goroutine \d+)?$")
_GO_PLACE = re.compile(r"\s+(?P<path>\S.*?):(?P<line>\d+)(?: \+0x[0-9a-f]+)?$")
_RUST = re.compile(
    r"thread '[^']*'(?: \(\d+\))? panicked at (?:'(?P<message>.*)', )?"
    r"(?P<path>[^\s'][^']*?):(?P<line>\d+):\d+:?$",
    re.S,
)
_RUST_CALL = re.compile(r"\s+\d+:\s+(?:0x[0-9a-f]+ - )?(?P<call>.+)$")
_RUST_PLACE = re.compile(r"\s+at (?P<path>\S.*?):(?P<line>\d+)(?::\d+)?$")
_RUBY_TYPE = re.compile(r"(?P<message>.*?) ?\((?P<type>[A-Z][\w:]*)\)$", re.S)


def parse_go(texts: list[str]) -> Trace | None:
    """Return the panic (the last one, if one was recovered and raised anew), or None."""
    kind, message, frames, call, reading = None, [""], [], None, False
    for text in texts:
        if panic := _GO_PANIC.match(text):
            kind, message, reading = panic["type"], [panic["message"].removesuffix(" [recovered]")], True
        elif text.startswith(("goroutine ", "[signal ")) or not text.strip():
            reading = False
        elif reading:
            message.append(text)
        elif call and (place := _GO_PLACE.match(text)):
            frames.append(RawFrame(place["path"], int(place["line"][:9]), call))
            call = None
        elif found := _GO_CALL.match(text):
            call = found["call"]
    return Trace(kind, "\n".join(message).strip(), tuple(frames)) if kind or frames else None


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
            call = named["call"]
    path, line = found["path"], int(found["line"][:9])
    same = [f for f in frames if f.line == line and (f.path.endswith(path) or path.endswith(f.path))]
    here = RawFrame(path, line, same[0].function if same else None)
    return Trace("panic", "\n".join(message).strip(), (here, *frames))


def parse_ruby(texts: list[str]) -> Trace | None:
    """Return the outermost exception of a Ruby backtrace, or None."""
    blocks: list[Block] = []
    for text in texts:
        if source := syntax.RUBY_FROM.match(text):
            if blocks:
                blocks[-1].frames.append(
                    RawFrame(source["path"], int(source["line"][:9]), source["function"])
                )
        elif head := syntax.RUBY_HEAD.match(text):
            frame = RawFrame(head["path"], int(head["line"][:9]), head["function"])
            blocks.append(Block(None, [head["message"]], [frame]))
        elif blocks and len(blocks[-1].frames) == 1 and text.strip():
            blocks[-1].message.append(text)
    for block in blocks:
        for number, text in enumerate(block.message):
            if block.type is None and (found := _RUBY_TYPE.match(text)):
                block.type, block.message[number] = found["type"], found["message"]
    built = [block.build() for block in blocks]
    return built[0].caused_by(built[1:]) if built and built[0].type else None
