"""Python tracebacks in the dress of Rich (boxes) and of IPython (arrows)."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.model import Block, RawFrame, Trace

_RICH_FRAME = re.compile(r"[│|] (?P<path>\S.*?):(?P<line>\d+) in (?P<function>\S+) *[│|]? *$")
_RICH_HEAD = re.compile(r" *[╭+][─-]+.* ?Traceback \(most recent call last\)")
_IPYTHON_HEAD = re.compile(r"(?P<type>[\w.]+) +Traceback \(most recent call last\)$")
_IPYTHON_FRAME = re.compile(
    r"(?:File (?P<path>\S.*?):(?P<line>\d+)(?:, in (?P<function>[^\n(]+).*)?|(?P<cell>(?:Cell"
    r"|Input) In ?\[\d+\]), (?:line (?P<at>\d+)|in .*))$"
)
_FINAL = syntax.PY_FINAL.pattern
BOXED_MORE = re.compile(
    r" *[│╭╰]|(?:File \S.*:\d+|(?:Cell|Input) In ?\[)|-+> ?\d+ |\s+\d+ |\s+\.\.\.$|\s+[(\[]?\.\.\.|-{20,}$"
    rf"|(?:During handling|The above exception)|{_FINAL}",
    re.S,
)


def is_boxed(text: str) -> bool:
    """Return whether ``text`` begins a traceback of Rich or IPython."""
    return bool(_RICH_HEAD.match(text) or _IPYTHON_HEAD.match(text))


def parse_boxed(texts: list[str]) -> Trace | None:
    """Return the exception that the traceback ends with; those before it are its causes."""
    blocks: list[Block] = []
    finished, margin = True, 0
    for line in texts:
        text = line[margin:] if line[:margin].isspace() else line
        if is_boxed(text):
            margin += len(text) - len(text.lstrip(" "))
            blocks.append(Block(None, [], []))
            finished = False
        elif not blocks:
            continue
        elif found := _RICH_FRAME.match(text):
            blocks[-1].frames.append(RawFrame(found["path"], int(found["line"][:9]), found["function"]))
        elif found := _IPYTHON_FRAME.match(text):
            line = found["line"] or found["at"]
            blocks[-1].frames.append(
                RawFrame(found["path"] or found["cell"], int(line[:9]) if line else None, found["function"])
            )
        elif syntax.PY_CHAIN.match(text) or not text.strip():
            finished = finished or bool(blocks[-1].type)
        elif not finished and not text[0].isspace() and (final := syntax.PY_FINAL.match(text)):
            blocks[-1].type, blocks[-1].message = final["type"], [final["message"] or ""]
        elif not finished and blocks[-1].type:
            blocks[-1].message.append(text)
    built = [block.build(innermost_last=True) for block in blocks if block.type or block.frames]
    return built[-1].caused_by(built[-2::-1]) if built else None
