"""The line patterns of traces that both the joiner and the parsers need."""

from __future__ import annotations

import re

PY_HEADER = re.compile(r"Traceback \(most recent call last\):")
# loguru marks the frame that logged with `> `.
PY_FRAME = re.compile(
    r'(?:\s*|> )File "(?P<path>[^"\n]+)", line (?P<line>\d+)(?:, in (?P<function>.+?))?\s*$'
)
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
# asyncio's debug mode tells where a task was made before it tells what failed in it.
PY_CREATED = re.compile(r"source_traceback: Object created at \(most recent call last\):$")
# What logging prints where its own formatting failed.
PY_CALL_STACK = re.compile(r"Call stack:$")
PY_LOGGED = re.compile(r"(?:Message: |Arguments: )")
PY_GROUP_RULE = re.compile(r"\s*\+(?:-\+)?-{8,}")

TYPE_ENDS = (
    "Error", "Exception", "Throwable", "Failure", "Fault", "Warning", "Interrupt", "Exit", "Panic", "Abort",
)  # fmt: skip
HEAD_TYPE = rf"(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*(?:{'|'.join(TYPE_ENDS)})"
HEAD = re.compile(
    rf"""(?:Exception\ in\ thread\ "[^"]*"\ |Uncaught\ (?:\(in\ promise\)\ )?|Unhandled\ exception\.\ |\[)?
    (?P<type>{HEAD_TYPE}|(?:[a-z][\w$]*\.)+[A-Z][\w$.]*(?=:|$)|[A-Z]\w*\$[A-Z]\w*(?=:|$)
    |(?<=exception\.\ )[\w.]+|(?<="\ )[\w.$]+
    |Error|Exception)
    (?:\ \[[\w-]+\])?(?:\ \(0x[0-9A-Fa-f]+\))?(?::\ ?(?P<message>.*)|\]?(?:\ \{{)?$)""",
    re.VERBOSE | re.S,
)
OWN_CLASS = re.compile(r"(?:[\w$]+\.)*[A-Z][a-z0-9]+[A-Z]\w*(?:: .*)?$", re.S)  # `StockGone: shop`
EMBEDDED = re.compile(
    rf"(?<![\w.])(?<!::)(?P<type>{HEAD_TYPE})(?::(?: (?P<message>.*)|$)|(?=[\s,;)\]]|$))", re.S
)

AT_FRAME = re.compile(r"\s+at (?=\S)")
JVM_FRAME = re.compile(r"\s+at (?:[\w.\-]*(?:@[\w.\-]+)?/)*(?P<call>[\w.$<>\-]+)\((?P<where>[^()]*)\)")
JVM_MORE = re.compile(r"\s*(?:Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames omitted))")
DOTNET_MORE = re.compile(r"\s*(?:---> |--- End of )")
MONO_AGAIN = "FATAL UNHANDLED EXCEPTION: "  # what Mono says twice
NODE_WHERE = re.compile(
    r"(?P<path>(?:file://|/|[A-Za-z]:[\\/]|\.{0,2}/|node:)?[^\s:][^\s]*\.[cm]?[jt]sx?"
    r"|node:[\w/.]+):(?P<line>\d+)$"
)
NODE_TAIL = re.compile(r"\s*(?:Emitted '|\[(?:cause|errors)\]: |\}|\]|Node\.js v\d|\(Use `node )")
GO_HEAD = re.compile(r"(?:panic: |fatal error: )")
GO_MORE = re.compile(
    r"goroutine \d+ \[|\s+\S.*:\d+(?: \+0x[0-9a-f]+)?(?: fp=.*)?$|created by |\[signal |runtime stack:$"
    r"|\.\.\.(?:\d+ frames|additional frames) elided|exit status \d+$|\t+panic: |runtime\.goexit"
    r"|\[recovered\]"
)
GO_PLACE = re.compile(r"goroutine \d+ \[|\t\S+\.go:\d+")
GO_NAME = re.compile(r"[\w./*()\[\]·$~%-]+\.[\w.*()\[\]·-]+$")  # pkg/errors and zap
GO_CALL = re.compile(r"[\w./*()\[\]\-·$~%]+\(.*\)$")
RUST_HEAD = re.compile(r"thread '[^']*'(?: \(\d+\))? panicked at ")
RUST_MORE = re.compile(r"note: |stack backtrace:|\s+\d+:\s|\s+at ")
RUST_CAUSES = re.compile(r"Caused by:$")
RUBY_HEAD = re.compile(
    r"(?P<path><internal:[^>\n]*>|(?:[A-Za-z]:)?[^\s:<\[\"'][^:\n]*):(?P<line>\d+):in [`']"
    r"(?P<function>[^'\n]+)': (?P<message>.*)",
    re.S,
)
RUBY_FROM = re.compile(
    r"\s+(?:\d+: )?from (?P<path><internal:[^>\n]*>|(?:[A-Za-z]:)?[^:\n]+):(?P<line>\d+):in [`']"
    r"(?P<function>[^'\n]+)'"
)
# A frame on a line of its own, as loggers print a backtrace.
RUBY_PLAIN = re.compile(
    r"\s*(?P<path><internal:[^>\n]*>|(?:[A-Za-z]:)?[^\s:<\[\"'][^:\n]*):(?P<line>\d+):in [`']"
    r"(?P<function>[^'\n]+)'$"
)
RUBY_TYPED = re.compile(r"(?P<message>.*?) ?\((?P<type>[A-Z]\w*(?:::[A-Z]\w*)*)\):?$", re.S)
# Rails: `ActionView::Template::Error (undefined method …):`
RUBY_NAMED = re.compile(r"(?P<type>[A-Z]\w*(?:::[A-Z]\w*)*) \((?P<message>.*)\):$", re.S)
PYTEST_ERROR = re.compile(r"E   +(?P<text>.*)")
PYTEST_WHERE = re.compile(
    r"(?P<path>[^\s:]+\.py):(?P<line>\d+)(?::(?: (?P<type>[\w.]*)(?:: .*)?| assert .*)?)?$"
)
# What pytest says of a FixtureLookupError without its name.
PYTEST_FIXTURE = re.compile(r"fixture '.*' not found$|recursive dependency involving fixture ")
PYTEST_SHORT = re.compile(r"(?P<path>[^\s:]+\.py):(?P<line>\d+): in (?P<function>\S+)$")
PYTEST_DEF = re.compile(r">?\s*(?:async )?def (?P<function>\w+)\(")
PYTEST_SECTION = re.compile(
    r"([=_])\1\1+ .+ \1\1+$|_{1,3} (?:ERROR (?:at \w+ of|collecting) .+|\S*test\S*) _{1,3}$"
)
# Lines that asyncio puts between the words of an error and its traceback, and Node below a warning.
DETAIL = re.compile(
    r"source_traceback: "
    r"|(?:future|handle|task|protocol|transport|client_session|connections|connector): [<\[]|\(Use `node "
)
# What a test runner says beforehand of the errors below: their code, their module, their number.
FORETOLD = re.compile(
    r">(?: {3}| {7,})\S|ImportError while importing test module '|collected \d+ items? / \d+ error"
)
# What a test runner or a compiler says again at its end.
RESTATED = re.compile(
    r"(?!(?:ERROR )?\S+\.py - Failed: )(?:(?:SUB)?FAILED(?:\(.*?\)|\[.*?\])? |ERROR )?"
    r"\S+\.py(?:::\S+)*(?: - .*)?$"
    r"|(?:={3,} )?(?:\d+ \w+, )*\d+ (?:failed|errors?)\b[\w, ]* in [\d.]+s\b.*$|!{3,} .* !{3,}$"
    r"|\*\*\*Test Failed\*\*\*"
    r"|FAILED \((?:failures|errors|skipped)=|\d+ errors?(?: generated)?\.?$|(?:error: )?"
    r"(?:compilation failed|aborting due to)"
    r"|Test(?:s| Suites): +.*\d+ failed|For more information about this error|"
    r"(?:==\d+== )?ERROR SUMMARY: |==\d+== For lists of"
)
