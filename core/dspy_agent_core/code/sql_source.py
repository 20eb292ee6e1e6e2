"""The structure of SQL: what its CREATE statements make.

Dialects differ in everything but the heads of these statements, so that a scan finds more than a grammar.
"""

from __future__ import annotations

import bisect
import re

from dspy_agent_core.code.comments import Comments
from dspy_agent_core.code.structure import FileStructure, Symbol, one_line

_PART = r'(?:"[^"\n]{1,128}"|`[^`\n]{1,128}`|\[[^\]\n]{1,128}\]|[\w$#@]{1,128})'
_MODIFIERS = (
    "or|replace|alter|global|local|temp|temporary|unlogged|external|materialized|recursive|foreign|virtual"
    "|editionable|noneditionable|algorithm|sql|security|definer|invoker|aggregate|constraint|force"
)
_KINDS = {
    "table": "table",
    "view": "view",
    "function": "function",
    "procedure": "function",
    "proc": "function",
    "trigger": "function",
    "event": "function",
    "macro": "function",
    "type": "type",
    "domain": "type",
    "schema": "module",
    "package": "module",
}
_CREATE = re.compile(
    rf"\bcreate\s+(?:(?:{_MODIFIERS})(?:\s*=\s*[^\s]{{1,80}})?\s+){{0,8}}({'|'.join(_KINDS)})\s+"
    rf"(?:body\s+)?(?:if\s+not\s+exists\s+)?({_PART}(?:\s*\.\s*{_PART}){{0,3}})",
    re.IGNORECASE,
)
_OPAQUE = re.compile(
    r"--[^\n]*|/\*(?:.*?\*/|.*)|'[^']*(?:'|\Z)|(?P<quote>\$[A-Za-z_]?\w{0,30}\$)(?:.*?(?P=quote)|.*)",
    re.DOTALL,
)
_BEGIN = re.compile(r"\bbegin\b", re.IGNORECASE)
_END = re.compile(r"\bend\b[^;\n]{0,80};?", re.IGNORECASE)
_VISIBLE = re.compile(r"[^\n]")


def parse_sql(text: str) -> FileStructure:
    """Return what the CREATE statements in ``text`` define."""
    shown = _OPAQUE.sub(lambda match: _VISIBLE.sub(" ", match.group()), text)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    comments = Comments(text.encode("utf-8", "replace").split(b"\n"), "sql")
    heads = list(_CREATE.finditer(shown))
    symbols: list[Symbol] = []
    for index, head in enumerate(heads):
        limit = heads[index + 1].start() if index + 1 < len(heads) else len(text)
        row = bisect.bisect_right(starts, head.start()) - 1
        end = _statement_end(shown, head, limit)
        parts = [part.strip('"`[] ') for part in re.findall(_PART, head.group(2))]
        above = comments.above(row)
        symbols.append(
            Symbol(
                name=parts[-1],
                qualified=".".join(parts),
                kind=_KINDS[head.group(1).lower()],
                line=row + 1,
                end_line=max(bisect.bisect_right(starts, end - 1) - 1, row) + 1,
                signature=_signature(text[head.start() : min(end, head.end() + 400)], head),
                docstring=above[0] if above else None,
                docstring_lines=(above[1] + 1, above[2] + 1) if above else None,
            )
        )
    taken = {symbol.docstring_lines[0] - 1 for symbol in symbols if symbol.docstring_lines}
    return FileStructure("sql", symbols, docstring=comments.at_top(taken))


def _statement_end(shown: str, head: re.Match[str], limit: int) -> int:
    """Return where the statement ends, no later than ``limit``."""
    semicolon = shown.find(";", head.end(), limit)
    end = semicolon + 1 if semicolon >= 0 else limit
    if _KINDS[head.group(1).lower()] in ("function", "module") and _BEGIN.search(shown, head.end(), limit):
        ends = [match.end() for match in _END.finditer(shown, head.end(), limit)]
        end = max([end, *ends[-1:]])
    while end > head.end() and shown[end - 1].isspace():
        end -= 1
    return end


def _signature(statement: str, head: re.Match[str]) -> str:
    if head.group(1).lower() in ("table", "view", "type", "domain", "schema"):
        return one_line(head.group())
    return one_line(re.split(r"\b(?:as|begin|language|is)\b", statement, maxsplit=1, flags=re.IGNORECASE)[0])
