"""From a tool's result to what the model sees of it, and what a person sees of it while it goes on."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.style import Style

from dspy_agent.model.data import as_data
from dspy_agent.planning.evidence import hit_lines
from dspy_agent.tools.base import Tool
from dspy_agent.tools.console import visible
from dspy_agent_core.contracts.results import Hits, LogContext

if TYPE_CHECKING:
    from dspy_agent.loop.act import Done

_SEARCHES: Final = ("esearch", "intel", "vretr")
_WIDTH: Final = 160
_MOST_RENDERED: Final = 200_000
_MOST_PLACES: Final = 6


class _Plain(Console):
    """A console that keeps what is printed, without styles and links."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=_WIDTH, color_system=None, highlight=False, soft_wrap=True)

    def link(self, path: str, line: int | None = None) -> Style:
        return Style.null()

    def text(self) -> str:
        assert isinstance(self.file, io.StringIO)  # noqa: S101
        return self.file.getvalue()[:_MOST_RENDERED]


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of a step: as ``text``, ``data`` for the model with its ``tokens``, and places."""

    text: str
    data: str
    tokens: int
    places: tuple[str, ...]
    digest: str


def observe(
    number: int, command: str, done: Done, characters: int, count: Callable[[str], int]
) -> Observation:
    """Return the observation of what was ``done``, cut to ``characters`` and marked as data."""
    text = done.text
    kept = _both_ends(visible(text).strip(), characters)
    data = f"[{number}] {command}\n{as_data(kept, characters + 50, 'seen')}"
    return Observation(
        text, data, count(data), done.places, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    )


def rendered(tool: Tool, result: Any, arguments: Any) -> str:
    """Return what the tool prints of ``result``, and its notes; of searches only what a model needs."""
    if tool.name in _SEARCHES and result:
        return "\n".join(hit_lines(result.hits))
    console = _Plain()
    tool.load_render()(result, arguments, console)
    return "\n".join([console.text().rstrip(), *tool.load_notes()(result, arguments)]).strip()


def places_of(result: Any) -> tuple[str, ...]:
    """Return the first places that ``result`` shows, as ``path:line``."""
    return tuple(dict.fromkeys(place for place in _places(result) if place))[:_MOST_PLACES]


def _places(result: Any) -> Iterator[str]:
    if isinstance(result, Hits):
        for hit in result.hits:
            yield f"{hit.path}:{hit.line}" if hit.line else hit.path
    elif isinstance(result, LogContext):
        for event in result.events:
            if event.frame is not None and event.frame.line:
                yield f"{event.frame.path}:{event.frame.line}"
    elif path := getattr(result, "path", None):
        symbol = getattr(result, "symbol", None)
        line = getattr(symbol, "line", None)
        yield f"{path}:{line}" if line else str(path)


def _both_ends(text: str, characters: int) -> str:
    """Return the beginning of ``text`` and its last lines: what failed stands at the end of an output."""
    if len(text) <= characters:
        return text
    tail = text[-characters // 4 :].partition("\n")[2]
    head = text[: characters - len(tail)].rpartition("\n")[0] or text[: characters - len(tail)]
    return f"{head}\n[… {len(text) - len(head) - len(tail)} characters left out]\n{tail}"
