"""The form of a sample: a small source, and what is to be found in it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """``symbols``: a line each, as ``first-last kind qualified``; the rest for some of them."""

    language: str
    text: str
    symbols: str
    imports: list[str] = field(default_factory=list)
    signatures: dict[str, str] = field(default_factory=dict)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    docs: dict[str, tuple[str, tuple[int, int]]] = field(default_factory=dict)
    docstring: str | None = None
