"""The structure of YAML: top-level keys, and Kubernetes resources by kind and name.

A scan by lines, since what teams keep in ``.yaml`` is often a template that no YAML parser takes.
"""

from __future__ import annotations

import re

from dspy_agent_core.code.comments import Comments
from dspy_agent_core.code.structure import FileStructure, Symbol, one_line

_WIDEST = 2000
_KEY = re.compile(r"""(["']?)([^\s"'#{}\[\],&*!|>%@`-][^"'#{}\[\]]{0,200}?)\1\s*:(?=\s|$)""")
_ITEM = re.compile(r"-\s+(?:name|id|alias|hosts)\s*:\s+(.+)")
_NAME = re.compile(r"(\s+)name\s*:\s+(.+)")
_FLOW_NAME = re.compile(r"metadata\s*:\s*\{.{0,200}?\bname\s*:\s*([^,}\s]+)")
# Keys whose own keys are what one looks for: compose files, workflows, API descriptions.
_GROUPS = frozenset(("services", "jobs", "paths", "tasks", "targets"))


def parse_yaml(text: str) -> FileStructure:
    """Return the sections of ``text``: a resource each, or a top-level key each."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    comments = Comments([line.encode("utf-8", "replace") for line in lines], "yaml")
    symbols: list[Symbol] = []
    start = 0
    for row in range(len(lines) + 1):
        if row == len(lines) or (lines[row].startswith("---") and not lines[row][3:4].strip("- ")):
            symbols += _document(lines, start, row, comments)
            start = row + 1
    taken = {symbol.docstring_lines[0] - 1 for symbol in symbols if symbol.docstring_lines}
    return FileStructure("yaml", symbols, docstring=comments.at_top(taken))


def _document(lines: list[str], start: int, end: int, comments: Comments) -> list[Symbol]:
    keys: list[tuple[int, str, str]] = []  # row, name, rest of the line
    for row in range(start, end):
        line = lines[row]
        if not line or line[0] in " \t#" or len(line) > _WIDEST:
            continue
        if found := _KEY.match(line):
            keys.append((row, found.group(2), line[found.end() :].strip()))
        elif found := _ITEM.match(line):
            keys.append((row, _value(found.group(1)), ""))
    named = {name: (row, value) for row, name, value in reversed(keys)}
    if "apiVersion" in named and "kind" in named:
        return _resource(lines, named, keys[0][0], _last(lines, start, end), comments)
    symbols: list[Symbol] = []
    for index, (row, name, _) in enumerate(keys):
        last = _last(lines, row, keys[index + 1][0] if index + 1 < len(keys) else end)
        symbols.append(_section(name, name, row, last, lines, comments))
        if name in _GROUPS:
            symbols += _inner(lines, name, row, last, comments)
    return symbols


def _resource(
    lines: list[str], named: dict[str, tuple[int, str]], first: int, last: int, comments: Comments
) -> list[Symbol]:
    kind, name = _value(named["kind"][1]), ""
    if "metadata" in named:
        row = named["metadata"][0]
        flow = _FLOW_NAME.match(lines[row][:_WIDEST])
        name = _value(flow.group(1)) if flow else ""
        while not name and row < last and (not lines[row + 1] or lines[row + 1][0] in " \t#"):
            row += 1
            found = _NAME.match(lines[row][:_WIDEST])
            name = _value(found.group(2)) if found and len(found.group(1)) <= 4 else ""
    if not kind:
        return []
    qualified = f"{kind}/{name}" if name and "{{" not in name else kind
    symbol = _section(name if "/" in qualified else kind, qualified, first, last, lines, comments)
    return [symbol]


def _inner(lines: list[str], group: str, row: int, last: int, comments: Comments) -> list[Symbol]:
    keys: list[tuple[int, str]] = []
    indent: int | None = None
    for number in range(row + 1, last + 1):
        line = lines[number][:_WIDEST]
        bare = line.lstrip(" ")
        if not bare or bare[0] == "#" or (indent is not None and len(line) - len(bare) != indent):
            continue
        indent = len(line) - len(bare) if indent is None else indent
        if found := _KEY.match(bare):
            keys.append((number, found.group(2)))
    ends = [number for number, _ in keys[1:]] + [last + 1]
    return [
        _section(name, f"{group}.{name}", number, _last(lines, number, end), lines, comments)
        for (number, name), end in zip(keys, ends, strict=True)
    ]


def _section(name: str, qualified: str, row: int, last: int, lines: list[str], comments: Comments) -> Symbol:
    above = comments.above(row)
    return Symbol(
        name=name,
        qualified=qualified,
        kind="section",
        line=row + 1,
        end_line=max(last, row) + 1,
        signature=one_line(lines[row][:_WIDEST]) if "/" not in qualified else qualified,
        docstring=above[0] if above else None,
        docstring_lines=(above[1] + 1, above[2] + 1) if above else None,
    )


def _last(lines: list[str], start: int, end: int) -> int:
    """Return the last row before ``end`` that is neither blank nor a comment of what follows."""
    row = end - 1
    while row > start and (not lines[row].strip() or lines[row][0] == "#"):
        row -= 1
    return row


def _value(text: str) -> str:
    return one_line(re.sub(r"\s+#.*", "", text[:200]).strip().strip("\"'"), 120)
