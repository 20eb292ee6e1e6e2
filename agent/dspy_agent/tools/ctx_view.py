"""How ``ctx`` shows events to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.style import Style
from rich.text import Text

from dspy_agent.logs.gather import FILLED, ONLY_THE_END
from dspy_agent.tools.amounts import count
from dspy_agent.tools.console import visible
from dspy_agent_core.logs.readable import one_line

if TYPE_CHECKING:
    from dspy_agent.tools.arguments import CtxArguments
    from dspy_agent.tools.console import ResultConsole
    from dspy_agent_core.contracts.results import LogContext, LogEvent

_STYLES: Final = {"critical": "bold red", "error": "red", "warning": "yellow"}
_INDENT: Final = 16
_MOST_LINES: Final = 3  # of a message on a terminal
_MOST_UNREAD: Final = 5


def render(result: LogContext, arguments: CtxArguments, console: ResultConsole) -> None:
    """Print each event: one line with what and where, its causes, its time."""
    for event in result.events:
        head = Text(f"{event.level.upper():8} {event.count:>4}×  ", style=_STYLES.get(event.level, ""))
        lines = _headline(event, console)
        if not (arguments.follow and event.before):  # a repeated one was told in full before
            lines += [Text(visible(f"caused by {one_line(cause)}"), "dim") for cause in event.cause or ()]
            lines += [Text(visible(span), "dim") for span in _span(event)]
        for number, line in enumerate(lines):
            console.print((head if number == 0 else Text(" " * _INDENT)) + line)


def _headline(event: LogEvent, console: ResultConsole) -> list[Text]:
    what = Text()
    if event.before is not None:
        what.append("(new) " if event.before == 0 else f"(was {event.before:,}) ", "bold")
    if event.app:
        what.append(f"[{visible(event.app)}] ", "cyan")
    message = one_line(event.message)
    named = f"{event.type}: {message}" if event.type and message else event.type or message
    what.append(visible(named))
    place = _place(event, console)
    width = console.width - _INDENT if console.is_terminal else None
    if place is None:
        return _cut(what, width, console)
    if width is None or what.cell_len + 3 + place.cell_len <= width:
        return [what + Text("   ") + place]
    return [*_cut(what, width, console), place]


def _place(event: LogEvent, console: ResultConsole) -> Text | None:
    frame = event.frame
    if frame is None:
        return None
    line = "" if frame.line is None else f":{frame.line}"
    text = Text("at ")
    text.append(visible(f"{frame.path}{line}"), Style(bold=True) + console.link(frame.path, frame.line))
    text.append(visible(f" in {frame.function}") if frame.function else "")
    return text


def _cut(text: Text, width: int | None, console: ResultConsole) -> list[Text]:
    """Return ``text`` in lines of ``width``; what is too long for a few of them ends in an ellipsis."""
    if width is None or text.cell_len <= width:
        return [text]
    lines = list(text.wrap(console, max(20, width)))
    if len(lines) > _MOST_LINES:
        lines = lines[:_MOST_LINES]
        lines[-1].truncate(max(20, width) - 1)
        lines[-1].append("…")
    return lines


def _span(event: LogEvent) -> list[str]:
    first, last = event.first, event.last
    if not last:
        return []
    if not first or first == last:
        return [last]
    return [f"{first} … {last[11:] if first[:11] == last[:11] else last}"]


def notes(result: LogContext, arguments: CtxArguments) -> list[str]:
    """Say what was hidden, what was not read, and that clean logs are clean."""
    goes_on = arguments.follow and result.files is None  # what follows the first answer
    where = "" if goes_on else _where(result)
    said = []
    if where and not result.events:
        empty = "The logs are empty." if not result.lines_read else None
        said.append(empty or f"Nothing at {arguments.level} or above in {where}.")
    elif result.apps == [] and not result.unread and not goes_on:
        said.append("The router has no contexts yet.")
    hidden = [f"{count(h.lines, 'line')} hidden by {h.rule}" for h in result.hidden]
    if hidden and where:
        said.append(f"{where}; " + ", ".join(hidden))
    unread = result.unread or ()
    for item in unread[:_MOST_UNREAD]:
        size = f"{item.bytes:,} bytes of " if item.bytes else ""
        said.append(visible(f"not read: {size}{item.path}: {item.why}"))
    if len(unread) > _MOST_UNREAD:
        said.append(f"not read: {len(unread) - _MOST_UNREAD} more")
    if any(item.why in (ONLY_THE_END, FILLED) for item in unread):
        said.append("ctx --all reads whole files.")
    return said


def _where(result: LogContext) -> str:
    """Return what was read, such as ``12 lines of 2 files and web``; nothing if nothing was."""
    files = [count(len(result.files), "file")] if result.files else []
    apps = result.apps or []
    shown = [*files, *apps[:5], *(["others"] if len(apps) > 5 else [])]
    if not shown:
        return ""
    listed = ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
    return f"{count(result.lines_read, 'line')} of {listed}"
