"""The JSON schema of a signature's output fields: tight, so that a small model can neither stray nor run on.

References are inlined and what a grammar makes nothing of (titles, defaults) is left out. A list without a
limit of its own gets one: a small model may go on listing until its answer is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final

if TYPE_CHECKING:
    import dspy

Schema = Mapping[str, Any]

MOST_ITEMS: Final = 12
_KEPT: Final = (
    *("type", "enum", "const", "description"),
    *("minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"),
)
_DEPTH: Final = 8


def answer_schema(signature: type[dspy.Signature]) -> dict[str, Any]:
    """Return the schema of an object with the output fields of ``signature``."""
    fields = {name: field_schema(field) for name, field in signature.output_fields.items()}
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


def field_schema(field: Any) -> dict[str, Any]:
    """Return the schema of one field, the field's constraints included."""
    from dspy import Reasoning

    if field.annotation is Reasoning:
        return {"type": "string"}
    kind = kind_of(field)
    try:
        return _schema_of(kind)
    except TypeError:  # its constraints can't be told apart
        return _schema_of.__wrapped__(kind)


@lru_cache(64)
def _schema_of(kind: Any) -> dict[str, Any]:
    """Return the schema of a type: asked for in each step of a conversation, and 10 ms to make."""
    from pydantic import PydanticUserError, TypeAdapter

    try:
        whole = TypeAdapter(kind).json_schema()
    except PydanticUserError:  # a type that JSON does not have: any value may come
        return {}
    return _tight(whole, whole.get("$defs", {}), _DEPTH)


def kind_of(field: Any) -> Any:
    """Return the field's type with its constraints."""
    kind = field.annotation
    for limit in field.metadata:
        kind = Annotated[kind, limit]
    return kind


def _tight(schema: Schema, named: Schema, depth: int) -> dict[str, Any]:
    if depth == 0:
        return {}
    if "$ref" in schema:
        return _tight(named.get(schema["$ref"].rpartition("/")[2], {}), named, depth - 1)
    tight = {key: schema[key] for key in _KEPT if key in schema}
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if key in schema:
            inner = [_tight(one, named, depth - 1) for one in schema[key]]
            tight["anyOf" if key == "oneOf" else key] = inner
    if "properties" in schema:
        fields = {name: _tight(one, named, depth - 1) for name, one in schema["properties"].items()}
        tight |= {"properties": fields, "required": [*fields], "additionalProperties": False}
    elif isinstance(schema.get("additionalProperties"), Mapping):
        tight["additionalProperties"] = _tight(schema["additionalProperties"], named, depth - 1)
    if tight.get("type") == "array":
        tight.setdefault("maxItems", MOST_ITEMS)
        if "prefixItems" not in tight:
            tight["items"] = _tight(schema.get("items", {}), named, depth - 1)
    return tight


def in_words(schema: Schema) -> str:
    """Return the shape in few words, for the prompt: ``list of {path: text, risk: low | high}``."""
    if "enum" in schema or "const" in schema:
        return " | ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(in_words(one) for one in schema["anyOf"]))
    if "properties" in schema:
        fields = (f"{name}: {_described(one)}" for name, one in schema["properties"].items())
        return "{" + ", ".join(fields) + "}"
    if schema.get("type") == "array":
        most = f"at most {schema['maxItems']} " if "maxItems" in schema else ""
        return f"list of {most}{in_words(schema.get('items', {}))}"
    return _WORDS.get(str(schema.get("type")), "value")


_WORDS: Final = {
    "string": "text",
    "boolean": "true | false",
    "integer": "whole number",
    "number": "number",
    "null": "null",
    "object": "object",
}


def _described(schema: Schema) -> str:
    told = schema.get("description")
    return f"{in_words(schema)} ({told})" if told else in_words(schema)
