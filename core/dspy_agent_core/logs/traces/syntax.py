"""The line patterns of traces that both the joiner and the parsers need."""

from __future__ import annotations

import re

PY_HEADER = re.compile(r"Traceback \(most recent call last\):")
PY_FRAME = re.compile(r'\s*File "(?P<path>[^"\n]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?\s*$')
PY_REPEATED = re.compile(r"\s*\[Previous line repeated \d+ more times?\]")
PY_CHAIN = re.compile(
    r"(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):"
)
# `KeyError: 'x'`, `pkg.mod.Error`, `__main__.f.<locals>.E: x`: a capital or a dot tells it from prose.
PY_FINAL = re.compile(
    r"(?P<type>(?:[A-Za-z_]\w*\.|<locals>\.)*[A-Z]\w*|(?:[A-Za-z_]\w*\.|<locals>\.)+[A-Za-z_]\w*)"
    r"(?:: (?P<message>.*)|:? ?)$",
    re.S,
)
# `my_error: x`: only behind frames can a small letter begin a type.
PY_SMALL_FINAL = re.compile(r"(?P<type>[a-z_]\w*): (?P<message>.*)$", re.S)
# Comes before the quoted traceback of another process.
PY_REMOTE = re.compile(r"(?:multiprocessing\.pool\.|concurrent\.futures\.process\._)RemoteTraceback: ?$")
PY_GROUP_RULE = re.compile(r"\s*\+(?:-\+)?-{8,}")

HEAD_TYPE = (
    r"(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*"
    r"(?:Error|Exception|Throwable|Failure|Fault|Warning|Interrupt|Exit|Panic|Abort)"
)
HEAD = re.compile(
    rf"""(?:Exception\ in\ thread\ "[^"]*"\ |Uncaught\ (?:\(in\ promise\)\ )?|Unhandled\ exception\.\ |\[)?
    (?P<type>{HEAD_TYPE}|(?:[a-z][\w$]*\.)+[A-Z][\w$.]*(?=:|$)|(?<=exception\.\ )[\w.]+|(?<="\ )[\w.$]+
    |Error|Exception)
    (?:\ \[[\w-]+\])?(?:\ \(0x[0-9A-Fa-f]+\))?(?::\ ?(?P<message>.*)|\]?(?:\ \{{)?$)""",
    re.VERBOSE | re.S,
)
EMBEDDED = re.compile(rf"(?<![\w.])(?P<type>{HEAD_TYPE})(?::(?: (?P<message>.*)|$)|(?=[\s,;)\]]|$))", re.S)

AT_FRAME = re.compile(r"\s+at (?=\S)")
JVM_FRAME = re.compile(r"\s+at (?:[\w.\-]*(?:@[\w.\-]+)?/)*(?P<call>[\w.$<>\-]+)\((?P<where>[^()]*)\)")
JVM_MORE = re.compile(r"\s*(?:Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames omitted))")
DOTNET_MORE = re.compile(r"\s*(?:---> |--- End of )")
NODE_WHERE = re.compile(
    r"(?P<path>(?:file://|/|[A-Za-z]:[\\/]|\.{0,2}/|node:)?[^\s:][^\s]*\.[cm]?[jt]sx?|node:[\w/.]+):(?P<line>\d+)$"
)
NODE_TAIL = re.compile(r"\s*(?:\[(?:cause|errors)\]: |\}|\]|Node\.js v\d|\(Use `node )")
GO_HEAD = re.compile(r"(?:panic: |fatal error: )")
GO_MORE = re.compile(
    r"goroutine \d+ \[|\s+\S.*:\d+(?: \+0x[0-9a-f]+)?$|created by |\[signal "
    r"|exit status \d+$|\t*panic: |runtime\.goexit|\[recovered\]"
)
GO_PLACE = re.compile(r"goroutine \d+ \[|\t\S+\.go:\d+")
GO_CALL = re.compile(r"[\w./*()\[\]\-·$~%]+\(.*\)$")
RUST_HEAD = re.compile(r"thread '[^']*'(?: \(\d+\))? panicked at ")
RUST_MORE = re.compile(r"note: |stack backtrace:|\s+\d+:\s|\s+at ")
RUBY_HEAD = re.compile(
    r"(?P<path>[^\s:][^:\n]*):(?P<line>\d+):in [`'](?P<function>[^'\n]+)': (?P<message>.*)", re.S
)
RUBY_FROM = re.compile(r"\s+(?:\d+: )?from (?P<path>[^:\n]+):(?P<line>\d+):in [`'](?P<function>[^'\n]+)'")
PYTEST_ERROR = re.compile(r"E   +(?P<text>.*)")
PYTEST_WHERE = re.compile(r"(?P<path>[^\s:]+\.py):(?P<line>\d+):(?: (?P<type>[\w.]*))?$")
PYTEST_SHORT = re.compile(r"(?P<path>[^\s:]+\.py):(?P<line>\d+): in (?P<function>\S+)$")
PYTEST_DEF = re.compile(r">?\s*(?:async )?def (?P<function>\w+)\(")
PYTEST_SECTION = re.compile(r"([=_])\1\1+ .+ \1\1+$")


def trace_kind(text: str) -> str | None:
    """Return the kind of trace that ``text`` starts, or None."""
    if "Traceback (most recent call last):" in text or (
        (frame := PY_FRAME.match(text)) and frame["function"] is None
    ):
        return "python"
    first = text[:1]
    if first in " \t" or not first:
        return None
    if (text.startswith("E   ") and PYTEST_ERROR.match(text)) or (
        ".py:" in text and PYTEST_SHORT.match(text)
    ):
        return "pytest"
    if text.startswith(("panic: ", "fatal error: ")):
        return "go"
    if text.startswith("thread '") and RUST_HEAD.match(text):
        return "rust"
    if text.startswith("goroutine ") and GO_MORE.match(text):
        return "go"
    if ":in " in text and RUBY_HEAD.match(text):
        return "ruby"
    if text[-1].isdigit() and NODE_WHERE.match(text):
        return "node"
    if not HEAD.match(text):
        return None
    return "python" if PY_REMOTE.match(text) else "head"


def is_frame(text: str) -> bool:
    """Return whether ``text`` is, without doubt, a line from the inside of a trace."""
    if JVM_MORE.match(text):
        return True
    return text[:1].isspace() and bool(AT_FRAME.match(text) or RUBY_FROM.match(text) or PY_FRAME.match(text))
