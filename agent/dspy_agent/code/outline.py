"""From the matches of a query to the symbols and imports of a file.

Everything is decided from byte ranges in one sweep over the source: asking a node for its parent or its
sibling costs a walk over the children before it, and makes long files quadratic.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from dspy_agent.code.heads import Heads
from dspy_agent.code.imports import imports_of
from dspy_agent.code.names import base_name, declares_function, docstring_in, name_of, receiver_type
from dspy_agent.code.queries import BASE_VERBS, HEIRS, IMPORT_VERBS, TYPES
from dspy_agent_core.code.comments import Comments
from dspy_agent_core.code.structure import FileStructure, Symbol

MAX_DEPTH = 40  # of definitions within definitions; also bounds the length of qualified names
_RANK = {"scope": 2, "type": 1, "constant": 1, "declaration": 1}  # of one node, the lowest is kept
_NEAR = 2000
_LISTED = frozenset(("type_definition", "const_spec", "var_spec", "field_declaration", "const_declaration"))


@dataclass(slots=True)
class _Found:
    """A definition; ``qualified`` and ``kind`` are final once the sweep has passed it."""

    node: Any
    kind: str
    name: str
    start: int
    end: int
    qualified: str = ""
    bases: list[str] = field(default_factory=list)
    doc: Any = None


class Outline:
    """Collects the matches of one file."""

    def __init__(self, source: bytes, language: str) -> None:
        self._source = source
        self._language = language
        self._found: dict[tuple[int, int], _Found] = {}
        self._marks: list[
            tuple[int, Any, bool]
        ] = []  # bases and docstrings: where, what, whether a docstring
        self._heads = Heads(source, language)
        self._structure = FileStructure(language)

    def add(self, captures: dict[str, list[Any]]) -> None:
        """Take in one match of a query."""
        name_node = captures.pop("name", None)
        if name_node is not None:
            self._define(name_node[0], captures)
        elif "import" in captures:
            self._import(captures)
        elif "inner" in captures:
            self._heads.outer[captures["inner"][0].id] = captures["outer"][0]
        elif "base" in captures:
            if "verb" not in captures or self._text(captures["verb"][0]) in BASE_VERBS:
                self._marks += [(node.start_byte, node, False) for node in captures["base"]]
        elif "doc" in captures:
            self._marks.append((captures["doc"][0].start_byte, captures["doc"][0], True))
        elif "annotation" in captures:
            self._heads.annotate(captures["annotation"][0], above=False)
        else:
            self._heads.annotate(captures["attribute"][0], above=True)

    def structure(self, *, broken: bool) -> FileStructure:
        """Return what was found, in the order of the source."""
        found = self._structure
        comments = Comments(self._heads.lines, self._language)
        found.symbols.extend(self._symbol(item, comments) for item in self._sweep())
        found.imports.sort(key=lambda item: item.line)
        taken = {item.docstring_lines[0] - 1 for item in found.symbols if item.docstring_lines}
        docstring = comments.at_top(taken)
        return replace(found, docstring=docstring, broken=broken)

    def _text(self, node: Any) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _import(self, captures: dict[str, list[Any]]) -> None:
        if "verb" in captures and self._text(captures["verb"][0]) not in IMPORT_VERBS:
            return
        node = captures["import"][0]
        module = self._text(captures["module"][0]) if "module" in captures else ""
        line = node.start_point[0] + 1
        self._structure.imports.extend(imports_of(self._language, self._text(node), module, line))

    def _define(self, name_node: Any, captures: dict[str, list[Any]]) -> None:
        receiver = captures.pop("receiver", None)
        ((kind, (node, *_)),) = captures.items()
        start, end, named = node.start_byte, node.end_byte, name_node.start_byte
        name = name_of(self._source, name_node, self._language)
        if receiver:
            name = f"{receiver_type(self._text(receiver[0]))}.{name}"
        kind = self._kind(kind, name, name_node, self._source[max(start, named - _NEAR) : named])
        if not name or not kind:
            return
        known = self._found.get((start, end))
        if known is not None and known.kind == kind == "constant":  # several share one declaration
            start = named
        elif known is not None and not receiver and _RANK.get(kind, 0) >= _RANK.get(known.kind, 0):
            return
        self._found[(start, end)] = _Found(node, kind, name, start, end)

    def _kind(self, kind: str, name: str, name_node: Any, before: bytes) -> str:
        """Return the kind that the capture ``kind`` means, "" if none; ``before``: what precedes the name."""
        if kind == "upper":
            return "constant" if len(name) > 1 and name.isupper() else ""
        if kind == "static":
            return "constant" if b"static" in before else ""
        if kind == "prototype":
            return "declaration" if declares_function(name_node) else ""
        if kind == "class" and self._language == "kotlin":
            words = before[-40:].split()
            return "interface" if b"interface" in words else "enum" if b"enum" in words else "class"
        return kind.removesuffix("_symbol")

    def _sweep(self) -> list[_Found]:
        """Settle the qualified names, kinds and bases, and return what is a symbol."""
        symbols: list[_Found] = []
        scopes: list[_Found] = []
        enclosing: list[_Found] = []
        events: list[tuple[int, int, Any, bool]] = [
            (item.start, -item.end, item, False) for item in self._found.values()
        ]
        events += [(start, 0, node, is_doc) for start, node, is_doc in self._marks]
        for start, _, item, is_doc in sorted(events, key=lambda event: event[:2]):
            while enclosing and enclosing[-1].end <= start:
                enclosing.pop()
            if not isinstance(item, _Found):
                if enclosing:
                    self._mark(enclosing[-1], item, is_doc)
            elif symbols and self._is_named_again(item, symbols[-1]):
                continue
            elif len(enclosing) < MAX_DEPTH and self._place(item, enclosing):
                (scopes if item.kind == "scope" else symbols).append(item)
                if item.node.type not in _LISTED:
                    enclosing.append(item)
        self._give_bases(scopes, symbols)
        return symbols

    def _is_named_again(self, item: _Found, before: _Found) -> bool:
        """Say whether ``item`` is the struct in ``typedef struct x {…} x``."""
        return before.node.type == "type_definition" and item.name == before.name and item.end <= before.end

    def _place(self, item: _Found, enclosing: list[_Found]) -> bool:
        outer = enclosing[-1] if enclosing else None
        if item.kind == "declaration" and any(found.kind in ("function", "method") for found in enclosing):
            return False
        if item.kind == "function" and ((outer and outer.kind in TYPES) or "." in item.name):
            item.kind = "method"
        item.qualified = f"{outer.qualified}.{item.name}" if outer else item.name
        return True

    def _mark(self, item: _Found, node: Any, is_doc: bool) -> None:
        if is_doc:
            item.doc = item.doc or node
        elif (
            (item.kind in HEIRS or item.kind == "scope")
            and (base := base_name(self._text(node)))
            and base not in item.bases
        ):
            item.bases.append(base)

    def _give_bases(self, scopes: list[_Found], symbols: list[_Found]) -> None:
        """What a scope inherits, its type does: Rust's ``impl Trait for Type``."""
        types = {item.qualified: item for item in reversed(symbols) if item.kind in HEIRS}
        for scope in scopes:
            if scope.bases and (target := types.get(scope.qualified)):
                target.bases += [base for base in scope.bases if base not in target.bases]

    def _symbol(self, item: _Found, comments: Comments) -> Symbol:
        head = self._heads.head(item.node, item.kind, item.name, item.start)
        docstring, lines = None, None
        if item.doc is not None:
            docstring = docstring_in(self._text(item.doc))
            lines = (item.doc.start_point[0] + 1, item.doc.end_point[0] + 1)
        elif head.alone and (above := comments.above(head.row)):
            docstring, lines = above[0], (above[1] + 1, above[2] + 1)
        return Symbol(
            name=item.qualified.rpartition(".")[2],
            qualified=item.qualified,
            kind=item.kind,
            line=head.row + 1,
            end_line=max(head.end_row, head.row) + 1,
            signature=head.signature,
            docstring=docstring,
            bases=tuple(item.bases),
            docstring_lines=lines if docstring else None,
        )
