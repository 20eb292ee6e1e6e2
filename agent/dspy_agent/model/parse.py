"""From what a model wrote to the values of output fields: repaired, clipped and made to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import dspy

_MOST_CHARS: Final = 200_000


def fields_of(signature: type[dspy.Signature], text: str) -> dict[str, Any]:
    """Return the output fields that can be read from ``text``; what can't be is left out."""
    said = _object(text[:_MOST_CHARS])
    values: dict[str, Any] = {}
    for name, field in signature.output_fields.items():
        if name in said:
            try:
                values[name] = _fitted(field, said[name])
            except ValueError:
                continue
    return values


def _object(text: str) -> Mapping[str, Any]:
    import json_repair

    start = text.find("{")
    if start < 0:
        return {}
    try:
        read = json_repair.loads(text[start:])
    except (ValueError, RecursionError):
        return {}
    if isinstance(read, list):
        read = next((item for item in read if isinstance(item, dict)), {})
    return read if isinstance(read, dict) else {}


def _fitted(field: Any, value: Any) -> Any:
    from typing import Annotated

    from dspy.adapters.utils import parse_value

    kind = field.annotation
    for limit in field.metadata:
        most = getattr(limit, "max_length", None)
        if most is not None and isinstance(value, str | list):
            value = value[:most]
        kind = Annotated[kind, limit]
    if field.annotation is str and not isinstance(value, str):
        import json

        value = json.dumps(value, ensure_ascii=False)
    return parse_value(value, kind if field.annotation is not str else str)
