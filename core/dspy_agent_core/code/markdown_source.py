"""The structure of Markdown, by a scan of its lines: headings, and the files that it links to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dspy_agent_core.code.structure import FileStructure, Import, Symbol, one_line

SEPARATOR = " > "
_LONGEST = 120
_WIDEST = 2000  # a line longer than that is no heading
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_CLOSING = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_SETEXT = re.compile(r" {0,3}(?:(=+)|(-+))[ \t]*$")
_PARAGRAPH = re.compile(r" {0,3}(?![-*+>|#=]\s|[-*_=`~|>#]{3}|\d+[.)]\s)\S")
_FENCE = re.compile(r"\s{0,12}(?:[-*+>]\s{1,4})?(`{3,}|~{3,})")
_LINK = re.compile(r"\]\(<?([^)\s>#?]+)")
_LINK_TEXT = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKUP = re.compile(r"[`*]+|\s*\{#[\w-]+\}\s*$|</?\w[^<>]*>")


@dataclass(slots=True)
class _Heading:
    level: int
    name: str
    line: int
    end: int


def parse_markdown(text: str) -> FileStructure:
    """Return the sections of ``text``, each as long as to the next heading of its level."""
    found = FileStructure("markdown")
    lines = text.split("\n")
    count = len(lines) - (not lines[-1])
    headings: list[_Heading] = []
    for number, line, heading in _outside_code(lines):
        if heading is not None:
            headings.append(_Heading(*heading, count))
        elif "](" in line:
            targets = (match.group(1) for match in _LINK.finditer(line))
            found.imports.extend(Import(one_line(target), number) for target in targets if _is_file(target))
    path: list[_Heading] = []
    qualified: list[str] = []
    for item in headings:
        while path and path[-1].level >= item.level:
            path.pop().end = item.line - 1
        path.append(item)
        qualified.append(SEPARATOR.join(outer.name for outer in path))
    for item, name in zip(headings, qualified, strict=True):
        found.symbols.append(
            Symbol(item.name, name, "section", item.line, max(item.end, item.line), item.name)
        )
    return found


def _outside_code(lines: list[str]) -> Iterator[tuple[int, str, tuple[int, str, int] | None]]:
    """Yield (number, line, its heading as level, name and line) of the lines outside of code blocks."""
    fence = ""
    first = _after_front_matter(lines)
    before = ""
    for number, line in enumerate(lines[first:], first + 1):
        line = line.rstrip("\r")
        mark = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence:
            if mark and mark.group(1).startswith(fence) and not line[mark.end() :].strip():
                fence = ""
            before = ""
            continue
        if mark:
            fence, before = mark.group(1), ""
            continue
        heading = _heading(line, before, number) if len(line) <= _WIDEST else None
        before = line if heading is None else ""
        yield number, line, heading


def _heading(line: str, before: str, number: int) -> tuple[int, str, int] | None:
    if "#" in line[:4] and (atx := _ATX.match(line)):
        name = _plain(_CLOSING.sub("", atx.group(2) or ""))
        return (len(atx.group(1)), name, number) if name else None
    if before and line.lstrip(" ")[:1] in ("=", "-") and (underline := _SETEXT.match(line)):
        name = _plain(before) if len(before) <= _WIDEST and _PARAGRAPH.match(before) else ""
        return (1 if underline.group(1) else 2, name, number - 1) if name else None
    return None


def _after_front_matter(lines: list[str]) -> int:
    if lines[0].rstrip() != "---":
        return 0
    end = next((n for n, line in enumerate(lines[1:200], 1) if line.rstrip() in ("---", "...")), None)
    return 0 if end is None else end + 1


def _plain(text: str) -> str:
    return one_line(_MARKUP.sub("", _LINK_TEXT.sub(r"\1", text)), _LONGEST)


def _is_file(target: str) -> bool:
    return ":" not in target and not target.startswith(("//", "#"))
