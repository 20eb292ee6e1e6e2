"""``grep``: the lines of the workspace that match a regular expression."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from dspy_agent.search.dialect import parse_pattern
from dspy_agent.search.grep import Search, read_lines
from dspy_agent.search.query import FileLines, Query, show_line
from dspy_agent.tools.arguments import GrepArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.filters import parse_filters
from dspy_agent.workspace.paths import confine, display, relative
from dspy_agent_core.contracts.results import Hit, Hits, Skipped


def run(arguments: GrepArguments, context: ToolContext) -> Hits:
    """Search, in the order of paths.

    Raises:
        UsageError: ``BadPattern``, ``BadGlob`` or ``UnknownLanguage``.
        WorkspaceError: for a path that is not in the workspace.
    """
    search = Search(make_query(arguments, os.fspath(context.workspace)))
    roots = [os.fspath(confine(context.workspace, path)) for path in arguments.paths or (".",)]
    before = arguments.before_context or arguments.context
    after = arguments.after_context or arguments.context
    hits: list[Hit] = []
    for found in search.run(roots):
        path = display(relative(context.workspace, found.path))
        hits += _hits(path, found, before, after)
        if len(hits) > arguments.max_hits:
            break
    skipped = [
        Skipped(display(relative(context.workspace, path)), reason)
        for path, reason in sorted(search.skipped.items())
    ]
    truncated = len(hits) > arguments.max_hits or None
    return Hits(hits[: arguments.max_hits], truncated=truncated, skipped=skipped or None)


def make_query(arguments: GrepArguments, base: str) -> Query:
    """Return the search that ``arguments`` ask for."""
    ignore_case = True if arguments.ignore_case else False if arguments.case_sensitive else None
    node = parse_pattern(
        arguments.pattern,
        fixed=arguments.fixed_strings,
        ignore_case=ignore_case,
        whole_words=arguments.word_regexp,
    )
    globs = tuple(arguments.globs or ())
    filters, type_globs = parse_filters(
        globs, arguments.types or (), hidden=arguments.hidden, no_ignore=arguments.no_ignore
    )
    return Query(node, base, filters, globs, type_globs, arguments.max_count, arguments.max_hits)


def _hits(path: str, found: FileLines, before: int, after: int) -> Iterator[Hit]:
    if not before and not after:
        for line in found.lines:
            yield Hit(path, line=line.number, text=line.text)
        return
    wanted = {n for line in found.lines for n in range(line.number - before, line.number + after + 1)}
    around = read_lines(found.path, wanted)

    def texts(first: int, last: int) -> list[str]:
        return [show_line(around[n]) for n in range(first, last) if n in around]

    for line in found.lines:
        yield Hit(
            path,
            line=line.number,
            text=line.text,
            before=texts(line.number - before, line.number) if before else None,
            after=texts(line.number + 1, line.number + after + 1) if after else None,
        )


def render(result: Hits, arguments: GrepArguments, console: Any) -> None:
    """Print ``path:line:text`` a line; lines of context have dashes instead, gaps a line of two dashes."""
    shown: tuple[str, int] | None = None
    with_context = arguments.context or arguments.before_context or arguments.after_context
    numbers = {(hit.path, hit.line) for hit in result.hits}
    for hit in result.hits:
        line = hit.line or 0
        first = line - len(hit.before or ())
        texts = [*(hit.before or ()), hit.text or "", *(hit.after or ())]
        if with_context and shown is not None and (shown[0] != hit.path or first > shown[1] + 1):
            console.out("--")
        for number, text in enumerate(texts, first):
            if shown is not None and shown[0] == hit.path and number <= shown[1]:
                continue
            if number != line and (hit.path, number) in numbers:
                break
            mark = ":" if number == line else "-"
            console.out(f"{hit.path}{mark}{number}{mark}{text}")
            shown = (hit.path, number)


def notes(result: Hits, arguments: GrepArguments) -> list[str]:
    """Say what was not found, not shown or not read."""
    said = []
    if not result:
        said.append(f"No line matches {arguments.pattern!r}.")
    if result.truncated:
        said.append(f"Only the first {len(result.hits)} lines are shown; see --max-hits.")
    for skipped in (result.skipped or [])[:5]:
        said.append(f"Not searched: {skipped.path} ({skipped.reason}).")
    if len(result.skipped or []) > 5:
        said.append(f"{len(result.skipped or [])} paths were not searched in all.")
    return said
