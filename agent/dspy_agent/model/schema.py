"""The JSON schema of a signature's output fields: tight, so that a small model can't run on or stray.

References are inlined and what a grammar makes nothing of (titles, defaults) is left out. A text or a list
without a limit of its own gets one: without it, a small model may repeat itself until its answer is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import dspy

MOST_ITEMS: Final = 12
_KEPT: Final = (
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "minItems",
    "maxItems", "minLength", "maxLength", "minimum", "maximum", "description",
)  # fmt: skip
_DEPTH: Final = 8


def answer_schema(signature: type[dspy.Signature]) -> dict[str, Any]:
    """Return the schema of an object with the output fields of ``signature``."""
    properties: dict[str, Any] = {}
    for name, field in signature.output_fields.items():
        properties[name] = field_schema(field)
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def field_schema(field: Any) -> dict[str, Any]:
    """Return the schema of one field, constraints of the field included."""
    from typing import Annotated

    from pydantic import TypeAdapter

    kind = field.annotation
    for limit in field.metadata:
        kind = Annotated[kind, limit]
    whole = TypeAdapter(kind).json_schema()
    return _tight(whole, whole.get("$defs", {}), _DEPTH)


def _tight(schema: Mapping[str, Any], named: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth == 0:
        return {}
    if "$ref" in schema:
        return _tight(named.get(schema["$ref"].rpartition("/")[2], {}), named, depth - 1)
    tight = {key: schema[key] for key in _KEPT if key in schema}
    if "properties" in tight:
        tight["properties"] = {
            name: _tight(inner, named, depth - 1) for name, inner in schema["properties"].items()
        }
        tight |= {"required": [*tight["properties"]], "additionalProperties": False}
    if "anyOf" in tight:
        tight["anyOf"] = [_tight(inner, named, depth - 1) for inner in schema["anyOf"]]
    if tight.get("type") == "array":
        tight["items"] = _tight(schema.get("items", {}), named, depth - 1)
        tight.setdefault("maxItems", MOST_ITEMS)
    return tight
