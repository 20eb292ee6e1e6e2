"""Traces with ``at`` lines: the JVM, .NET and Node."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.model import Block, RawFrame, Trace

_LINK = re.compile(
    r"\s*(?:(?P<link>Caused by: |Suppressed: |---> (?:\(Inner Exception #\d+\) )?))(?P<rest>.*)", re.S
)
# Names that do not end like an exception's: with a package, or where only a name can stand.
_DOTTED = re.compile(r"(?P<type>(?:[\w$]+\.)+[\w$]+)(?:: (?P<message>.*))?$", re.S)
_AFTER_LINK = re.compile(r"(?P<type>(?:[\w$]+\.)*[\w$]+)(?:: (?P<message>.*))?$", re.S)
_DOTNET_FRAME = re.compile(
    r"\s+at (?P<call>[^\n(]+?) ?\([^\n]*?\)(?: \[0x[0-9a-f]+\])?(?: in (?:<[^>]*>:0|(?P<path>.+?):"
    r"(?:line )?(?P<line>\d+)))?\s*$"
)
_INNER = re.compile(r" ---> (?=(?:[A-Za-z_][\w`]*\.)+[A-Z]\w*)")
NODE_FRAME = re.compile(
    r"\s+at (?:(?P<call>.+?) \()?(?P<path>(?:file://)?(?:[A-Za-z]:)?[^\s():][^():]*|node:[\w/.]+):"
    r"(?P<line>\d+):\d+\)?"
)
_NODE_INNER = re.compile(
    r"\s+(?:\[cause\]: |\[errors\]: \[ ?)?(?P<head>[A-Z]\w*(?:Error|Exception)?(?: \[\w+\])?"
    r"(?:: .*)?)$",
    re.S,
)
_REJECTED = re.compile(r"\s*<rejected> (?P<head>.+)", re.S)  # a promise, as Node's inspector shows it
_CODE = re.compile(r"\s*[\^~]+\s*$")


def parse(texts: list[str]) -> Trace | None:
    """Return the outermost exception of a JVM or .NET trace, or None if ``texts`` is none."""
    reader = _Reader()
    for text in texts:
        if reader.blocks and text.startswith(syntax.MONO_AGAIN):
            break
        reader.read(text)
    if reader.blocks:
        _without_logger(reader.blocks)
    found = [block.build() for block in reader.blocks]
    if not found or not any(trace.frames for trace in found):
        return None
    return found[0].caused_by(found[1:])


def _without_logger(blocks: list[Block]) -> None:
    """Take ``logger.Name: words: `` off where it was read as the type of the first exception."""
    first, *causes = blocks
    if first.type is None or first.type.endswith(syntax.TYPE_ENDS) or not first.message:
        return
    head = syntax.EMBEDDED.search(first.message[0])
    if head and head.start() and "." in head["type"] and all(head["type"] != cause.type for cause in causes):
        first.type, first.message[0] = head["type"], head["message"] or ""


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._stack: list[Block] = []  # .NET prints the frames of inner exceptions first
        self._in_message = True

    def read(self, text: str) -> None:
        if link := _LINK.match(text):
            self._begin(link["rest"], link["link"])
        elif text.lstrip().startswith("--- End of inner"):
            if len(self._stack) > 1:
                self._stack.pop()
        elif frame := _frame(text):
            if not self._stack:
                self._begin("")
            self._stack[-1].frames.append(frame)
            self._in_message = False
        elif syntax.JVM_MORE.match(text):
            self._in_message = False
        elif self._in_message:
            self._words(text)

    def _words(self, text: str) -> None:
        unnamed = len(self.blocks) == 1 and self.blocks[0].type is None
        text = text.strip() if unnamed else text
        head = syntax.HEAD.match(text)
        if not self._stack:
            self._begin(text)
        elif head and unnamed:
            self.blocks.clear()  # only words stood above it
            self._begin(text)
        else:
            self._stack[-1].message.append(text)

    def _begin(self, text: str, link: str = "") -> None:
        first, *inner = _INNER.split(text) if " ---> " in text else [text]
        self._open(first, link)
        for words in inner:  # .NET Framework and Mono have the causes on the same line
            self._open(words, "---> ")

    def _open(self, text: str, link: str) -> None:
        head = syntax.HEAD.match(text) or syntax.EMBEDDED.search(text)
        head = head or (_AFTER_LINK if link else _DOTTED).match(text)
        block = Block(head["type"] if head else None, [(head["message"] or "") if head else text], [])
        self.blocks.append(block)
        self._stack = [*self._stack, block] if link.startswith("--->") else [block]
        self._in_message = True


def _frame(text: str) -> RawFrame | None:
    if not syntax.AT_FRAME.match(text):
        return None
    if jvm := syntax.JVM_FRAME.match(text):
        where = re.match(r"([\w$.-]+\.(?:java|kt|scala|groovy|clj)):?(\d*)$", jvm["where"])
        if where or jvm["where"] in ("Native Method", "Unknown Source"):
            return _jvm(jvm["call"], where)
    if (dotnet := _DOTNET_FRAME.match(text)) and not NODE_FRAME.match(text):
        line = int(dotnet["line"][:9]) if dotnet["line"] else None
        return RawFrame(
            dotnet["path"] or dotnet["call"].rpartition(".")[0].replace(".", "/"), line, dotnet["call"]
        )
    return None


def _jvm(call: str, where: re.Match[str] | None) -> RawFrame:
    owner, _, method = call.rpartition(".")
    package, _, name = owner.rpartition(".")
    file = where[1] if where else name.split("$")[0] + ".java"
    path = f"{package.replace('.', '/')}/{file}" if package else file
    return RawFrame(
        path, int(where[2][:9]) if where and where[2] else None, f"{name}.{method}" if name else method
    )


def parse_node(texts: list[str]) -> Trace | None:
    """Return the exception that Node (or a browser) printed, or None if ``texts`` is none."""
    thrown, start = _thrown_at(texts)
    blocks: list[Block] = []
    in_message = False
    for text in texts[start:]:
        if frame := NODE_FRAME.match(text):
            if not blocks:
                return None
            if in_message and blocks[-1].type is None:
                _name(blocks[-1])
            call = frame["call"].removeprefix("async ").removeprefix("new ") if frame["call"] else None
            path = frame["path"].removeprefix("file://").removeprefix("async ")
            blocks[-1].frames.append(RawFrame(path, int(frame["line"][:9]), call))
            in_message = False
        elif (rejected := _REJECTED.match(text)) and not any(block.frames for block in blocks):
            blocks = [_node_head(rejected["head"], bare=None)]
            in_message = True
        elif blocks and syntax.AT_FRAME.match(text):
            in_message = False  # a frame without a place
        elif not blocks and text.strip():
            blocks.append(_node_head(text, bare="Uncaught" if thrown else None))
            in_message = True
        elif blocks and (inner := _NODE_INNER.match(text)) and (not in_message or "[cause]" in text):
            in_message = False
            blocks.append(_node_head(inner["head"], bare=None))
        elif in_message and syntax.NODE_TAIL.match(text):
            in_message = False
            if blocks[-1].type is None:
                _name(blocks[-1])
        elif in_message and text.strip():
            blocks[-1].message.append(text)
    if not blocks or not (thrown or any(block.frames for block in blocks)):
        return None
    if thrown:
        last = blocks[0].frames
        last.insert(0 if blocks[0].type == "SyntaxError" else len(last), thrown)
    built = [block.build() for block in blocks]
    return built[0].caused_by(built[1:])


def _name(block: Block) -> None:
    """Find the head of the error among the words above its frames: test runners put more there."""
    for number in range(len(block.message) - 1, 0, -1):
        text = block.message[number].strip()
        if syntax.HEAD.match(text) and not text.startswith(("Caused by", "[cause]")):
            named = _node_head(text, None)
            block.type, block.message = named.type, [*named.message, *block.message[number + 1 :]]
            return


def _node_head(text: str, bare: str | None) -> Block:
    head = syntax.HEAD.match(text) or syntax.EMBEDDED.search(text)
    if head is None and (
        named := re.match(r"\[?(?P<type>[A-Z]\w*)(?: \[\w+\])?(?:: (?P<message>.*))$", text, re.S)
    ):
        head = named
    if head is None:
        return Block(bare, [text], [])
    message = (head["message"] or "").removesuffix(" {")
    message = message.removesuffix("]") if text.startswith("[") else message
    return Block(head["type"], [message], [])


def _thrown_at(texts: list[str]) -> tuple[RawFrame | None, int]:
    """Return the place that Node prints above the code that threw, and where its message starts."""
    for number, text in enumerate(texts):
        if where := syntax.NODE_WHERE.match(text):
            carets = [n for n in range(number + 1, min(number + 8, len(texts))) if _CODE.match(texts[n])]
            start = carets[0] + 1 if carets else number + 1
            if not carets:  # blanks stand for it at the end of the code
                below = range(number + 2, min(number + 8, len(texts)))
                start = next((n for n in below if not texts[n - 1].strip() and texts[n].strip()), start)
            path = where["path"].removeprefix("file://")
            return RawFrame(path, int(where["line"][:9]), None), start
    return None, 0
