"""Where a definition starts and ends, what opens it, and the one line that is its signature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dspy_agent_core.code.structure import one_line

_LONGEST = 2000
_VALUES = {
    "variable_declarator": "value",
    "pair": "value",
    "public_field_definition": "value",
    "field_definition": "value",
    "assignment_expression": "right",
}
_BODIES = frozenset(("function_body", "class_body", "enum_class_body"))
_ONE_LINE_HEADS = frozenset(("class", "module", "method", "singleton_method"))  # Ruby's
_GROUPED = frozenset(("type_spec", "type_alias", "const_spec", "var_spec", "variable_declarator"))
_KEYWORDS = re.compile(rb"[\w\s]*")


@dataclass(frozen=True, slots=True)
class Head:
    """``row`` and ``end_row`` count from 0; ``alone``: nothing else stands before it on its line."""

    row: int
    end_row: int
    alone: bool
    signature: str


class Heads:
    """Finds the heads in one source; ``outer`` is what opens a node (by its id) one level up."""

    def __init__(self, source: bytes, language: str) -> None:
        self._source = source
        self._language = language
        self.lines = source.split(b"\n")
        self.outer: dict[int, Any] = {}
        self._annotations: dict[int, int] = {}  # byte where one starts → where it ends
        self._above: dict[int, int] = {}  # row where one that fills its lines ends → where it starts

    def annotate(self, node: Any, *, above: bool) -> None:
        """Take note of an annotation within a definition or ``above`` it."""
        self._annotations[node.start_byte] = node.end_byte
        if above:
            (first, column), (last, end) = node.start_point, node.end_point
            if not self.lines[first][:column].strip() and not self.lines[last][end : end + 100].strip():
                self._above[last] = first

    def head(self, node: Any, kind: str, name: str, start: int) -> Head:
        """Return the head of the definition ``node``; ``start``: the byte where its own text starts."""
        outer, prefix = self._outermost(node)
        row, column = outer.start_point
        end_row, end_column = outer.end_point
        indent = len(self.lines[row]) - len(self.lines[row].lstrip()) if column < _LONGEST else -1
        while (above := self._above.get(row - 1)) is not None:
            row = above
        text = self._head_text(node, outer, kind, start)
        return Head(
            row=row,
            end_row=end_row if end_column else end_row - 1,
            alone=column == indent,
            signature=one_line(prefix + text.decode("utf-8", "replace")),
        )

    def _outermost(self, node: Any) -> tuple[Any, str]:
        """Return what opens ``node``, and the keyword that it shares with its siblings."""
        outer = node
        while (wider := self.outer.get(outer.id)) is not None:
            before = self._source[wider.start_byte : min(outer.start_byte, wider.start_byte + _LONGEST)]
            if outer.type in _GROUPED and not _KEYWORDS.fullmatch(before):
                word = before.split(None, 1)[0] if before else b""
                return outer, word.decode("ascii", "replace").rstrip("(") + " "
            outer = wider
        return outer, ""

    def _head_text(self, node: Any, outer: Any, kind: str, start: int) -> bytes:
        begin = start if outer.type == "decorated_definition" or start > node.start_byte else outer.start_byte
        while (after := self._annotations.get(begin)) is not None:
            begin = after
            while self._source[begin : begin + 1].isspace():
                begin += 1
        body = self._body(node)
        end = body.start_byte if body is not None else outer.end_byte
        text = self._source[begin : min(max(begin, end), begin + _LONGEST)]
        if kind in ("constant", "macro") or node.type in _ONE_LINE_HEADS:
            text = text.strip().partition(b"\n")[0].rstrip(b"\\\r ")
            if self._language == "ruby" and body is None and kind == "method":
                text = text.partition(b";")[0]
            elif node.type == "macro_definition":
                text = text.partition(b"{")[0]
        elif kind in ("struct", "interface", "enum") and body is None:
            text, brace, rest = text.partition(b"{")
            if brace and node.type == "type_definition":
                text += rest.rpartition(b"}")[2]
        return text.rstrip().removesuffix(b"=>").rstrip(b"{;:= \t\r\n,")

    def _body(self, node: Any) -> Any:
        if (named := _VALUES.get(node.type)) is not None:
            value = node.child_by_field_name(named)
            return value.child_by_field_name("body") if value is not None else None
        body = node.child_by_field_name("body")
        if body is None and self._language == "kotlin" and node.named_child_count:
            last = node.named_child(node.named_child_count - 1)
            return last if last.type in _BODIES else None
        if body is None and self._language == "csharp" and node.type == "property_declaration":
            return node.child_by_field_name("accessors") or node.child_by_field_name("value")
        return body
