"""The part of ``metadata`` that the core reads, and the error for a resource that can't be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError


class InvalidSpec(ValueError):
    """The spec can't be used, which the API server should have refused; the message is for people.

    Args:
        message: one sentence that names the field.
        generation: ``metadata.generation`` of the resource.
    """

    def __init__(self, message: str, generation: int) -> None:
        super().__init__(message)
        self.generation = generation


@dataclass(frozen=True, slots=True)
class Metadata:
    """Read-only view of an object's metadata."""

    name: str
    namespace: str
    uid: str
    generation: int
    created: datetime
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Metadata:
        """Return the view of ``obj`` (a whole resource as the API server answers it)."""
        meta = obj["metadata"]
        return cls(
            name=meta["name"],
            namespace=meta["namespace"],
            uid=meta["uid"],
            generation=meta.get("generation", 0),
            created=datetime.fromisoformat(meta["creationTimestamp"]),
            annotations=meta.get("annotations") or {},
        )


def explain(error: ValidationError) -> str:
    """Return the first problem of ``error`` as one sentence that names the field."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in ("spec", *first["loc"]))
    more = error.error_count() - 1
    return f"{path}: {first['msg']}{f' (and {more} more)' if more else ''}."
