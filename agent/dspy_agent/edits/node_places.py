"""Where the nodes of a Python file lie in its text, and how code is put beside them."""

from __future__ import annotations

import ast
import re
from typing import Final, NamedTuple

_INNER: Final = re.compile(r"^(?:class|def|async def|if|for|with|try)\b.*:[ \t\r]*\n([ \t]+)", re.MULTILINE)


class Change(NamedTuple):
    """What stands from ``start`` to ``end`` (characters of the file) becomes ``new``.

    It is of the lines of ``node``, and ``cost`` ranks behind the likeliest. ``guessed``: no code of the file
    says it. With ``instead`` it only asks whether something can be done there: what is done is one of these.
    """

    node: ast.AST
    start: int
    end: int
    new: str
    cost: float
    guessed: bool = False
    instead: tuple[str, ...] = ()


class NodePlaces:
    """Places in characters, where ast counts bytes. ``unit``: what a block is indented by."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = text.split("\n")
        inner = _INNER.search(text)
        self.unit = inner[1] if inner else "    "
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Return where a node begins."""
        return self._at(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Return where a node ends."""
        return self._at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def between(self, left: ast.expr, right: ast.expr, word: str) -> int | None:
        """Return where ``word`` stands between two nodes."""
        first, last = self.end(left), self.start(right)
        at = self.text[first:last].find(word)
        return None if at < 0 else first + at

    def code(self, node: ast.expr | ast.stmt) -> str:
        """Return a node as its author wrote it, without its indentation; an expression on one line."""
        text = self.of(node).replace("\r\n", "\n")
        if "\n" not in text:
            return text
        try:
            if isinstance(node, ast.stmt):
                indent = self.indent(node) or ""
                text = text.replace(f"\n{indent}", "\n")
                if ast.dump(ast.parse(text).body[0]) == ast.dump(node):
                    return text
            return ast.unparse(node)
        except (SyntaxError, RecursionError):
            return ""

    def indent(self, node: ast.stmt) -> str | None:
        """Return what stands before a statement, or None if that is not space only."""
        before = self._lines[node.lineno - 1].encode("utf-8", "surrogatepass")[: node.col_offset]
        return before.decode("utf-8", "surrogatepass") if not before.strip() else None

    def before(self, code: str, indent: str) -> str:
        """Return ``code`` as lines before a statement, put where the statement begins."""
        return f"{code}\n".replace("\n", self._newline + indent)

    def behind(self, code: str, indent: str) -> str:
        """Return ``code`` as lines behind a statement, put where the statement ends."""
        return f"\n{code}".replace("\n", self._newline + indent)

    def line_of(self, at: int) -> int:
        """Return the line of a character, from 1."""
        return self.text.count("\n", 0, at) + 1

    def _at(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        if not text.isascii():
            column = len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "surrogatepass"))
        return self._starts[line - 1] + column


def is_constant(node: ast.expr, kind: type) -> bool:
    """Return whether ``node`` is a literal of just this kind."""
    return isinstance(node, ast.Constant) and type(node.value) is kind
