"""Names out of the text that names: without type arguments, joined by dots."""

from __future__ import annotations

import inspect
import re
from typing import Any

MAX_NAME = 200
_NAME_NODES = frozenset(
    (
        "identifier",
        "field_identifier",
        "type_identifier",
        "qualified_identifier",
        "operator_name",
        "operator_cast",
        "destructor_name",
        "namespace_identifier",
        "nested_namespace_specifier",
        "template_function",
        "template_method",
    )
)
_INNER_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>")
_OPERATOR = re.compile(r"\boperator\b")
_EXPORTS = re.compile(r"^(?:module\.exports|exports|this)(?:\.|$)")
_PATH = re.compile(r"[^\W\d][\w.:]*")
_RUST_NOISE = re.compile(r"'\w+|\b(?:dyn|mut|const|impl|for)\b")
_BASE = re.compile(r"[\w.$:\\]+")


def name_of(source: bytes, node: Any, language: str) -> str:
    """Return the name that ``node`` gives; "" for none."""
    if language in ("c", "cpp"):
        node = _named(node)
        if node is None:
            return ""
    start = node.start_byte
    text = source[start : min(node.end_byte, start + MAX_NAME)].decode("utf-8", "replace")
    if language in ("c", "cpp"):
        return _declared(text) if "operator" in text else _dotted(without_type_arguments(text))
    if language in ("javascript", "typescript", "tsx"):
        text = _EXPORTS.sub("", text.strip("\"'`")).replace(".prototype.", ".")
        return "" if text.endswith(".prototype") else text
    if language == "rust" and not text.isidentifier():
        found = _PATH.search(_RUST_NOISE.sub("", without_type_arguments(text)))
        text = found.group() if found else ""
    return _dotted(without_type_arguments(text))


def declares_function(node: Any) -> bool:
    """Say whether a C declarator declares a function, not a pointer to one."""
    while node is not None and node.type != "function_declarator":
        if node.type not in ("pointer_declarator", "reference_declarator"):
            return False
        node = node.child_by_field_name("declarator") or _declarator(node)
    inner = node.child_by_field_name("declarator") if node is not None else None
    return inner is not None and inner.type in _NAME_NODES


def _named(node: Any) -> Any:
    while node is not None and node.type not in _NAME_NODES:
        node = node.child_by_field_name("declarator") or _declarator(node)
    return node


def _declared(text: str) -> str:
    """Return the name in ``text``, of an operator perhaps."""
    head, operator, tail = text.rpartition("operator") if _OPERATOR.search(text) else (text, "", "")
    name = _dotted(without_type_arguments(head))
    tail = " ".join(tail.partition("(")[0].split()) if tail.lstrip()[:1].isalpha() else "".join(tail.split())
    space = " " if tail[:1].isalpha() else ""
    return f"{name}{'.' if name and operator else ''}{operator}{space}{tail}"


def _declarator(node: Any) -> Any:
    return next((child for child in node.named_children if "declarator" in child.type), None)


def without_type_arguments(text: str) -> str:
    """Return ``text`` without what stands between angle brackets."""
    while "<" in text:
        shorter = _INNER_TYPE_ARGUMENTS.sub("", text)
        if shorter == text:
            break
        text = shorter
    return text


def _dotted(text: str) -> str:
    return (
        ".".join(part.strip() for part in text.split("::") if part.strip()) if "::" in text else text.strip()
    )


def receiver_type(receiver: str) -> str:
    """Return the type of the receiver of a Go method or a Kotlin extension."""
    words = re.findall(r"\w+", without_type_arguments(receiver[:MAX_NAME]).partition("[")[0])
    return words[-1] if words else ""


def base_name(text: str) -> str | None:
    """Return the name in the text of a base: without type arguments, call, pointer or delegate."""
    text = without_type_arguments(text[:MAX_NAME]).partition("(")[0].partition("[")[0]
    text = "".join(text.partition(" by ")[0].split()).lstrip("*&\\:")
    return text if _BASE.fullmatch(text) else None


def docstring_in(literal: str) -> str | None:
    """Return the text of the Python string ``literal``, from source that can't be evaluated."""
    text = literal.lstrip("rRuUbBfF")
    for quotes in ('"""', "'''", '"', "'"):
        if text.startswith(quotes):
            return inspect.cleandoc(text.removeprefix(quotes).removesuffix(quotes)) or None
    return None
