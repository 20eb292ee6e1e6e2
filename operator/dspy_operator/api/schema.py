"""From pydantic's JSON schema to the structural schema that a CustomResourceDefinition wants."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from dspy_operator.api.types import EXACTLY_ONE, RULES

# Keywords that pass as they are.
_KEEP = (
    "description",
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
    "required",
    "type",
)


def structural(model: type[BaseModel]) -> dict[str, Any]:
    """Return the structural OpenAPI v3 schema of ``model``, references resolved, defaults static."""
    schema = model.model_json_schema(by_alias=True)
    return _node(schema, schema.get("$defs", {}))


def _node(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    schema = _flat(schema, defs)
    result = {key: schema[key] for key in _KEEP if key in schema}
    result |= {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
    if schema.get("default") is not None:
        result["default"] = _without_nulls(schema["default"])
    if "exclusiveMinimum" in schema:
        result |= {"minimum": schema["exclusiveMinimum"], "exclusiveMinimum": True}
    if result.get("x-kubernetes-int-or-string"):
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    elif result.get("type") == "integer":
        result["format"] = "int64" if schema.get("maximum", 0) > 2**31 - 1 else "int32"
    if "items" in schema:
        result["items"] = _node(schema["items"], defs)
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = _node(schema["additionalProperties"], defs)
    if "properties" in schema:
        required = schema.get("required", [])
        result["properties"] = {
            name: _property(value, defs, required=name in required)
            for name, value in schema["properties"].items()
        }
    return dict(sorted(result.items()))


def _property(schema: dict[str, Any], defs: dict[str, Any], *, required: bool) -> dict[str, Any]:
    result = _node(schema, defs)
    if _is_union(result):
        # A default member would stay beside the one that `kubectl apply` adds later.
        result.pop("default", None)
    elif "$ref" in schema and not required and "default" not in result:
        result["default"] = {}  # the defaults inside fill it
    return result


def _is_union(schema: dict[str, Any]) -> bool:
    return any(item["message"].startswith(EXACTLY_ONE) for item in schema.get(RULES, ()))


def _flat(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """Resolve a reference, and drop the null of an optional field; outer keywords win."""
    if "anyOf" in schema and not schema.get("x-kubernetes-int-or-string"):
        choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        (choice,) = choices
        return _flat(_over(choice, {k: v for k, v in schema.items() if k != "anyOf"}), defs)
    if "$ref" in schema:
        target = defs[schema["$ref"].rpartition("/")[2]]
        return _flat(_over(target, {k: v for k, v in schema.items() if k != "$ref"}), defs)
    return schema


def _over(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    rules = [*inner.get("x-kubernetes-validations", []), *outer.get("x-kubernetes-validations", [])]
    return {**inner, **outer, **({"x-kubernetes-validations": rules} if rules else {})}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
