"""Adds up what speaks for each symbol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from dspy_agent.edits.results import Located
from dspy_agent.edits.units import Units
from dspy_agent_core.code.structure import Symbol

_REASONS: Final = 4


@dataclass(slots=True)
class _Entry:
    symbol: Symbol
    doubt: float = 1.0  # product of what each reason leaves open
    reasons: list[tuple[float, str]] = field(default_factory=list)


class Board:
    """Reasons for symbols, as weights of 0 to 1 that count as if they were independent."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._entries: dict[tuple[str, str, int], _Entry] = {}

    def add_line(self, path: str, line: int, weight: float, reason: str) -> None:
        """Count ``weight`` for what is to be edited to change a line, if there is something."""
        symbol = self._units.at(path, line)
        if symbol is not None:
            self.add(path, symbol, weight, reason)

    def add(self, path: str, symbol: Symbol, weight: float, reason: str) -> None:
        """Count ``weight`` for a symbol; the same reason counts once."""
        entry = self._entries.setdefault((path, symbol.qualified, symbol.line), _Entry(symbol))
        if all(said != reason for _, said in entry.reasons):
            entry.doubt *= 1.0 - min(max(weight, 0.0), 0.99)
            entry.reasons.append((weight, reason))

    def temper(self, path: str, symbol: Symbol, factor: float) -> None:
        """Count everything that speaks for a symbol by ``factor`` only."""
        entry = self._entries.get((path, symbol.qualified, symbol.line))
        if entry is not None:
            entry.doubt = 1.0 - factor * (1.0 - entry.doubt)

    def entries(self) -> list[tuple[str, Symbol]]:
        """Return the symbols that something speaks for."""
        return [(path, entry.symbol) for (path, _, _), entry in self._entries.items()]

    def ranked(self, limit: int) -> list[Located]:
        """Return the symbols, likeliest first; the first has score 1."""
        order = sorted(self._entries.items(), key=lambda item: (item[1].doubt, item[0]))
        best = 1.0 - order[0][1].doubt if order else 1.0
        return [
            Located(
                path,
                name,
                entry.symbol.line,
                entry.symbol.end_line,
                round((1.0 - entry.doubt) / best, 4) if best else 0.0,
                tuple(reason for _, reason in sorted(entry.reasons, key=lambda pair: -pair[0])[:_REASONS]),
            )
            for (path, name, _), entry in order[:limit]
        ]
