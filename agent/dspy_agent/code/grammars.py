"""The only place that imports tree-sitter: source text in, structure out."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dspy_agent.code.queries import ANNOTATIONS, COMMENTS, QUERIES, WRAPPERS
from dspy_agent_core.code.structure import FileStructure, Import, Symbol, one_line

_GRAMMARS = {
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
}
_NAME_NODES = frozenset(
    (
        "identifier",
        "field_identifier",
        "type_identifier",
        "qualified_identifier",
        "operator_name",
        "destructor_name",
        "namespace_identifier",
        "nested_namespace_specifier",
    )
)
_ONE_LINE_HEADS = frozenset(("class", "module", "method", "singleton_method"))  # Ruby's
_COMMENT_MARKS = re.compile(r"^\s*(?:/\*+|\*/|\*(?!/)|//[/!]?|#+)?\s?|\s*\*+/\s*$", re.MULTILINE)


@dataclass(slots=True)
class _Found:
    node: Any
    kind: str
    name: str


@lru_cache(None)
def _query(language: str) -> tuple[Any, Any]:
    import tree_sitter

    module, function = _GRAMMARS.get(language, (f"tree_sitter_{language}", "language"))
    grammar = tree_sitter.Language(getattr(importlib.import_module(module), function)())
    return tree_sitter.Parser(grammar), tree_sitter.Query(grammar, QUERIES[language])


def parse_source(text: str, language: str) -> FileStructure:
    """Return the structure of ``text``; ``language`` is a key of ``QUERIES``."""
    import tree_sitter

    parser, query = _query(language)
    tree = parser.parse(text.encode("utf-8", "replace"))
    structure = FileStructure(language, broken=tree.root_node.has_error)
    definitions: dict[tuple[int, int], _Found] = {}
    for _, captures in tree_sitter.QueryCursor(query).matches(tree.root_node):
        if "import" in captures:
            node = captures["import"][0]
            module = _text(captures["module"][0] if "module" in captures else node)
            structure.imports.append(Import(_clean_module(module), node.start_point[0] + 1))
            continue
        name_node = captures.pop("name")[0]
        receiver = captures.pop("receiver", None)
        ((kind, (node, *_)),) = captures.items()
        name = _name_of(name_node, language)
        if receiver:
            name = f"{_receiver_type(_text(receiver[0]))}.{name}"
        if name:
            definitions[(node.start_byte, node.end_byte)] = _Found(node, kind.removesuffix("_symbol"), name)
    structure.symbols.extend(
        _symbols(sorted(definitions.items(), key=lambda item: (item[0][0], -item[0][1])))
    )
    return structure


def _symbols(definitions: list[tuple[tuple[int, int], _Found]]) -> list[Symbol]:
    symbols: list[Symbol] = []
    enclosing: list[tuple[int, str, str]] = []  # end, qualified name, kind
    for (start, end), found in definitions:
        while enclosing and enclosing[-1][0] <= start:
            enclosing.pop()
        qualified = f"{enclosing[-1][1]}.{found.name}" if enclosing else found.name
        kind = found.kind
        in_type = bool(enclosing) and enclosing[-1][2] in ("class", "struct", "scope", "trait")
        if kind == "function" and (in_type or "." in found.name):
            kind = "method"
        enclosing.append((end, qualified, found.kind))
        if kind != "scope":
            symbols.append(_symbol(found, qualified, kind))
    return symbols


def _symbol(found: _Found, qualified: str, kind: str) -> Symbol:
    outer = found.node
    while outer.parent is not None and outer.parent.type in WRAPPERS:
        outer = outer.parent
    body = found.node.child_by_field_name("body")
    value = found.node.child_by_field_name("value")
    if body is None and value is not None:
        body = value.child_by_field_name("body")
    source = outer.text or b""
    head = source[: body.start_byte - outer.start_byte] if body is not None else source
    if outer.type == "decorated_definition":
        head = head[found.node.start_byte - outer.start_byte :]
    head = head.partition(b"\n")[0] if found.node.type in _ONE_LINE_HEADS else head
    first = outer
    while (previous := first.prev_named_sibling) is not None and previous.type in ANNOTATIONS:
        first = previous
    return Symbol(
        name=qualified.rpartition(".")[2],
        qualified=qualified,
        kind=kind,
        line=first.start_point[0] + 1,
        end_line=outer.end_point[0] + (outer.end_point[1] > 0),
        signature=one_line(head.decode("utf-8", "replace")).rstrip("{;:= "),
        docstring=_comment_above(first),
    )


def _comment_above(node: Any) -> str | None:
    lines: list[str] = []
    row = node.start_point[0]
    while (node := node.prev_named_sibling) is not None and node.type in COMMENTS:
        end = node.end_point[0] - (node.end_point[1] == 0)
        if end != row - 1 and node.end_point[0] != row - 1:
            break
        row = node.start_point[0]
        lines.insert(0, _COMMENT_MARKS.sub("", _text(node)))
    return "\n".join(lines).strip() or None


def _name_of(node: Any, language: str) -> str:
    if language in ("c", "cpp"):
        while node is not None and node.type not in _NAME_NODES:
            inner = node.child_by_field_name("declarator")
            node = inner or next((child for child in node.named_children if "declarator" in child.type), None)
    if node is None:
        return ""
    name = re.sub(r"<.*>", "", _text(node), flags=re.DOTALL)
    return ".".join(part.strip() for part in name.split("::") if part.strip())


def _receiver_type(receiver: str) -> str:
    words = re.findall(r"\w+", receiver.partition("[")[0])
    return words[-1] if words else ""


def _clean_module(text: str) -> str:
    text = re.sub(r"^import\s+(?:static\s+)?", "", text.strip())
    return one_line(text.rstrip(";").strip().strip("\"'`<>"))


def _text(node: Any) -> str:
    return (node.text or b"").decode("utf-8", "replace")
