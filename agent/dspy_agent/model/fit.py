"""Makes a JSON value fit a schema: clipped, converted, its bad items left out; or says that it can't be."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

from dspy_agent.model.data import whole
from dspy_agent.model.schema import Schema

_YES: Final = frozenset(("true", "yes", "y", "1", "on"))
_NO: Final = frozenset(("false", "no", "n", "0", "off", "none", ""))
_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_BULLET: Final = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


def fit(schema: Schema, value: Any) -> Any:
    """Return ``value`` as ``schema`` wants it.

    Raises:
        ValueError: nothing in it can be taken for that.
    """
    if "enum" in schema or "const" in schema:
        return _choice(schema.get("enum", [schema.get("const")]), value)
    if "anyOf" in schema:
        return _any(schema["anyOf"], value)
    for part in schema.get("allOf", ()):
        value = fit(part, value)
    kind = _FITS.get(str(schema.get("type")))
    return kind(schema, value) if kind else value


def blank(schema: Schema) -> Any:
    """Return the emptiest value that fits ``schema``.

    Raises:
        ValueError: there is none that says nothing.
    """
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        raise ValueError("a choice")
    if "anyOf" in schema:
        nothing = [one for one in schema["anyOf"] if one.get("type") == "null"]
        return blank((nothing or schema["anyOf"])[0])
    kind = schema.get("type")
    if kind == "object":
        return {name: blank(one) for name, one in schema.get("properties", {}).items()}
    if kind == "array" and not schema.get("minItems") and "prefixItems" not in schema:
        return []
    if kind == "string" and not schema.get("minLength"):
        return ""
    if kind in ("integer", "number"):
        return _clamped(schema, 0)
    if kind in ("boolean", "null"):
        return False if kind == "boolean" else None
    raise ValueError("nothing is blank here")


def _choice(choices: list[Any], value: Any) -> Any:
    for choice in choices:
        if choice == value and type(choice) is type(value):
            return choice
    said = _plain(value)
    named = {_plain(choice): choice for choice in choices}
    if said in named:
        return named[said]
    meant = [choice for word, choice in named.items() if word and re.search(rf"\b{re.escape(word)}\b", said)]
    if len(meant) == 1:
        return meant[0]
    raise ValueError("none of the choices")


def _plain(value: Any) -> str:
    return str(value)[:500].strip(" \t\r\n\"'`.*").casefold()


def _any(kinds: list[Schema], value: Any) -> Any:
    if value is None or _plain(value) in ("null", "none"):
        for kind in kinds:
            if kind.get("type") == "null":
                return None
    for kind in sorted(kinds, key=lambda kind: _likeness(kind, value), reverse=True):
        try:
            return fit(kind, value)
        except ValueError:
            continue
    raise ValueError("none of the kinds")


def _likeness(kind: Schema, value: Any) -> int:
    """Return how well ``value`` is of the kind as it is: objects by their names."""
    if kind.get("type") != _TYPES.get(type(value)):
        return 0
    if not isinstance(value, dict):
        return 1
    names = kind.get("properties", value).keys()
    return 1000 + len(names & value.keys()) - len(names ^ value.keys())


def _string(schema: Schema, value: Any) -> str:
    if value is None:
        raise ValueError("no text")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = whole(text)  # escapes may have been cut
    if len(text) < schema.get("minLength", 0):
        raise ValueError("too short")
    return text[: schema.get("maxLength")]


def _boolean(schema: Schema, value: Any) -> bool:
    word = _plain(value)
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError("neither true nor false")


def _integer(schema: Schema, value: Any) -> int:
    return int(_clamped(schema, round(_read(value))))


def _number(schema: Schema, value: Any) -> float:
    return float(_clamped(schema, _read(value)))


def _read(value: Any) -> float:
    if isinstance(value, str):
        found = _NUMBER.search(value)
        value = float(found[0]) if found else None
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e18:
        raise ValueError("no number")
    return value


def _clamped(schema: Schema, number: float) -> float:
    least, most = float(schema.get("minimum", number)), float(schema.get("maximum", number))
    return min(max(number, least), most)


def _array(schema: Schema, value: Any) -> list[Any]:
    if isinstance(value, str):
        value = _listed(value)
    elif value is None:
        value = []
    elif not isinstance(value, list | tuple):
        value = [value]
    if "prefixItems" in schema:
        return [fit(kind, one) for kind, one in zip(schema["prefixItems"], value, strict=True)]
    fitted: list[Any] = []
    for one in value:
        if len(fitted) == schema.get("maxItems", len(value)):
            break
        try:
            fitted.append(fit(schema.get("items", {}), one))
        except ValueError:
            continue
    if len(fitted) < schema.get("minItems", 0):
        raise ValueError("too few items")
    return fitted


def _listed(text: str) -> list[Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        lines = (_BULLET.sub("", line).strip() for line in text.splitlines())
        return [line for line in lines if line]
    return read if isinstance(read, list) else [read]


def _object(schema: Schema, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except RecursionError:
            raise ValueError("no object") from None
    if isinstance(value, list):
        value = next((one for one in value if isinstance(one, dict)), None)
    if not isinstance(value, dict):
        raise ValueError("no object")
    fields = schema.get("properties")
    if fields is None:
        kind = schema.get("additionalProperties")
        return {str(key): fit(kind, one) if isinstance(kind, dict) else one for key, one in value.items()}
    return {name: _field(kind, value, name) for name, kind in fields.items()}


def _field(kind: Schema, value: dict[str, Any], name: str) -> Any:
    if name not in value:
        return blank(kind)
    try:
        return fit(kind, value[name])
    except ValueError:
        if "const" in kind:
            raise  # it is an object of another kind
        return blank(kind)


def _null(schema: Schema, value: Any) -> None:
    if value is not None and _plain(value) not in ("null", "none", ""):
        raise ValueError("something")


_FITS: Final[dict[str, Callable[[Schema, Any], Any]]] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "array": _array,
    "object": _object,
    "null": _null,
}
_TYPES: Final = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
