"""From what a model wrote to the values of output fields: read as JSON, repaired, or found in lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.model.fit import blank, fit
from dspy_agent.model.lenient import objects
from dspy_agent.model.schema import field_schema, kind_of

if TYPE_CHECKING:
    import dspy

_MOST_CHARS: Final = 1 << 15
_NAME: Final = re.compile(r"[^a-z0-9]")
_LINE: Final = re.compile(r"^[\s\"'*#`>-]{0,8}(\w[\w -]{0,40}?)[\s\"'*`]{0,4}[:=][\s*]*(.*)$")


def fields_of(signature: type[dspy.Signature], text: str) -> dict[str, Any]:
    """Return the output fields that can be read from ``text``; what can't be is left out."""
    fields = signature.output_fields
    said = _said(text[:_MOST_CHARS], [*fields])
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in said:
            try:
                values[name] = _typed(field, fit(field_schema(field), said[name]))
            except (ValueError, RecursionError):
                continue
    return values


def blanks_of(signature: type[dspy.Signature], missing: list[str]) -> dict[str, Any]:
    """Return empty values for the fields of ``missing`` that may be empty."""
    values: dict[str, Any] = {}
    for name in missing:
        field = signature.output_fields[name]
        try:
            values[name] = _typed(field, blank(field_schema(field)))
        except ValueError:
            continue
    return values


def _typed(field: Any, value: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind_of(field)).validate_python(value)


def _said(text: str, names: list[str]) -> Mapping[str, Any]:
    plain = {_NAME.sub("", name.lower()): name for name in names}
    for read in (*_objects(text), _lines(text)):
        keys = ((plain.get(_NAME.sub("", str(key).lower())), value) for key, value in read.items())
        said = {name: value for name, value in keys if name is not None}
        if said:
            return said
    return {names[0]: text.strip()} if len(names) == 1 and text.strip() else {}


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        yield from objects(text)
        return
    yield from (one for one in (read if isinstance(read, list) else [read]) if isinstance(one, dict))


def _lines(text: str) -> dict[str, str]:
    """Return what stands as ``name: value`` in lines; a value goes on until the next one."""
    found: dict[str, list[str]] = {}
    last: list[str] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            last = found.setdefault(match[1], [])
            last.append(match[2])
        else:
            last.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}
