"""PHP, Perl, shells, Lua and Elixir: traces whose every line is known by its own words."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces.model import RawFrame, Trace

_MAX_PHP = 50_000
_PHP_TYPE = r"[A-Za-z_\\][\w\\]*"
_PHP_KIND = r"(?:PHP )?(?P<kind>(?:Recoverable )?[Ff]atal error|Parse error|Warning|Notice|Deprecated): +"
_PHP_UNCAUGHT = re.compile(
    r"(?:Uncaught |^Next |(?<![\w\\])(?=(?:[\w\\]*(?:Exception|Error)|\w+\\[\w\\]+)"
    r"(?:: .{0,4000}?)? in \S{1,400}:\d+\nStack trace:\n))"
    rf"(?P<type>{_PHP_TYPE})(?:: (?P<message>.{{0,4000}}?))?"
    r" in (?P<path>\S{1,400}?):(?P<line>\d+)$",
    re.S | re.M,
)
_PHP_OBJECT = re.compile(
    rf"\[(?:previous exception|object)\] \((?P<type>{_PHP_TYPE})\(code: [^)]{{0,40}}\): "
    rf"(?P<message>.{{0,4000}}?)"
    r" at (?P<path>\S{1,400}?):(?P<line>\d+)\)",
    re.S,
)
_PHP_PLACED = re.compile(rf"{_PHP_KIND}(?P<message>.*) in (?P<path>\S+) on line (?P<line>\d+)$", re.S)
_PHP_HEAD = re.compile(rf"(?:.{{0,300}}?PHP message: )?{_PHP_KIND}(?:Uncaught |.* on line \d+$)")
_PHP_FRAME = re.compile(
    r"#\d+ (?:(?P<path>[^\n]+?)\((?P<line>\d+)\): |\[internal function\]: )(?P<call>[^\n(]+)"
)
PHP_MORE = re.compile(
    r"Stack trace:$|#\d+ |  thrown in |Next [A-Z\\]|\[stacktrace\]|\[previous exception\] |\"\} *$"
)

_PERL = re.compile(
    r"(?P<message>\S.*?) at (?P<path>(?=-e |[^\s:]{0,400}[./])[^\s:]{1,400}) line (?P<line>\d+)"
    r"(?:, <[^>]*> "
    r"(?:line|chunk) \d+)?\.$"
)
_PERL_FRAME = re.compile(
    r"\s+(?:(?P<call>[\w:]+)\(.*\)|eval \{\.\.\.\}|require \S+) called at (?P<path>\S+) line (?P<line>\d+)"
)
PERL_MORE = re.compile(r"\t\S.* called at \S+ line \d+")

_SHELL = re.compile(
    r"(?P<path>(?=[^\s:]{0,400}[./])[^\s:]{1,400}): (?:line (?P<line>\d+)|(?P<short>\d+)"
    r"(?=: .*not found$)): "
    r"(?P<message>.+)$"
)

_LUA = re.compile(r"(?:\S*lua\S*: )?(?P<path>[^\s:]+\.lua):(?P<line>\d+): (?P<message>.*)$")
_LUA_FRAME = re.compile(
    r"\s+(?P<path>[^\s:\[\]]+):(?P<line>\d+): in (?:(?P<main>main chunk)|.*?'(?P<call>[^']+)'|.*)$"
)
LUA_MORE = re.compile(r"stack traceback:$|\t(?:\[C\]: |\S+:\d+: |\.\.\.)")

_ELIXIR = re.compile(
    r"\*\* \((?P<type>[A-Z][\w.]*|exit|throw|EXIT from #PID<[\d.]+>)\)(?: (?P<message>.*))?$", re.S
)
_ELIXIR_FRAME = re.compile(
    r"\s+(?:\([\w.]+ [\w.+-]+\) )?(?P<path>[\w./-]+\.(?:exs?|erl|eex|heex)):(?P<line>\d+): (?P<call>.+)$"
)
ELIXIR_MORE = re.compile(
    rf"{_ELIXIR_FRAME.pattern}|    \([\w.]+ [\w.+-]+\) |Function: |    Args: |Last message|State: "
)


def is_php(text: str) -> bool:
    """Return whether ``text`` begins a PHP error."""
    return bool(_PHP_HEAD.match(text) or _PHP_OBJECT.search(text))


def parse_php(texts: list[str]) -> Trace | None:
    """Return the exception nobody caught, with those it came from; or the error PHP itself reports."""
    whole = "\n".join(texts)[:_MAX_PHP]
    logged = _PHP_OBJECT.search(whole)
    heads = list((_PHP_OBJECT if logged else _PHP_UNCAUGHT).finditer(whole))
    if not heads:
        placed = _PHP_PLACED.search(texts[0])
        if placed is None:
            return None
        kind = "ParseError" if placed["kind"].startswith("Parse") else placed["kind"]
        return Trace(kind, placed["message"].strip(), (_frame(placed, None),))
    found = []
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        end = following.start() if following else len(whole)
        calls = list(_PHP_FRAME.finditer(whole, head.end(), end))
        # A line of PHP's trace names the place of a call and the function called.
        names = [call["call"] for call in calls]
        frames = [_frame(head, names[0] if names else None)]
        for number, call in enumerate(calls):
            if call["path"]:
                frames.append(_frame(call, names[number + 1] if number + 1 < len(names) else None))
        found.append(Trace(head["type"], (head["message"] or "").strip(), tuple(frames)))
    if not logged:
        found.reverse()  # `Next` is the one thrown later
    return found[0].caused_by(found[1:])


def is_perl(text: str) -> bool:
    """Return whether ``text`` is what ``die`` and ``warn`` print."""
    return bool(_PERL.match(text))


def parse_perl(texts: list[str]) -> Trace | None:
    """Return the message and place of ``die``, with the callers that Carp adds."""
    head = _PERL.match(texts[0])
    if head is None:
        return None
    calls = [found for text in texts[1:] if (found := _PERL_FRAME.match(text))]
    names = [call["call"] for call in calls]
    frames = [_frame(place, name) for place, name in zip([head, *calls], [*names, None], strict=True)]
    return Trace(None, head["message"], tuple(frames))


def is_shell(text: str) -> bool:
    """Return whether ``text`` is an error that a shell tells of a script."""
    return _SHELL.match(text) is not None


def parse_shell(texts: list[str]) -> Trace | None:
    """Return the error of a shell script and its line."""
    found = _SHELL.match(texts[0])
    if found is None:
        return None
    frame = RawFrame(found["path"], int((found["line"] or found["short"])[:9]), None)
    return Trace(None, found["message"], (frame,))


def is_lua(text: str) -> bool:
    """Return whether ``text`` begins a Lua error."""
    return _LUA.match(text) is not None


def parse_lua(texts: list[str]) -> Trace | None:
    """Return the error of a Lua program."""
    head = _LUA.match(texts[0])
    if head is None:
        return None
    frames = [
        _frame(found, "main chunk" if found["main"] else found["call"])
        for text in texts[1:]
        if (found := _LUA_FRAME.match(text))
    ]
    here = _frame(head, None)
    return Trace(
        None, head["message"], tuple(frames) if frames and frames[0].line == here.line else (here, *frames)
    )


def is_elixir(text: str) -> bool:
    """Return whether ``text`` begins an exception of Elixir."""
    return _ELIXIR.match(text) is not None


def parse_elixir(texts: list[str]) -> Trace | None:
    """Return the exception of an Elixir program."""
    start = next((n for n, text in enumerate(texts) if _ELIXIR.match(text)), None)
    if start is None:
        return None
    head = _ELIXIR.match(texts[start])
    message, frames = [(head["message"] or "") if head else ""], []
    for text in texts[start + 1 :]:
        if found := _ELIXIR_FRAME.match(text):
            frames.append(_frame(found, found["call"]))
        elif not frames and not ELIXIR_MORE.match(text):
            message.append(text)
    return Trace(head["type"] if head else None, "\n".join(message).strip(), tuple(frames))


def _frame(found: re.Match[str], function: str | None) -> RawFrame:
    return RawFrame(found["path"], int(found["line"][:9]), function)
