"""Source files to structure, whatever their language."""

from __future__ import annotations

import os
from collections.abc import Callable

from dspy_agent.code.queries import QUERIES
from dspy_agent.workspace.files import read_text
from dspy_agent_core.code.languages import BY_NAME, language_of
from dspy_agent_core.code.markdown_source import parse_markdown
from dspy_agent_core.code.python_source import parse_python
from dspy_agent_core.code.sql_source import parse_sql
from dspy_agent_core.code.structure import FileStructure
from dspy_agent_core.code.yaml_source import parse_yaml

MAX_BYTES = 2 << 20  # larger source files are generated ones

_SCANS: dict[str, Callable[[str], FileStructure]] = {
    "markdown": parse_markdown,
    "yaml": parse_yaml,
    "sql": parse_sql,
}
PARSED = frozenset((*QUERIES, *_SCANS))

# The file names of all languages with definitions and imports, which documents don't have.
PARSED_GLOBS = tuple(glob for language in (*QUERIES, "sql") for glob in BY_NAME[language].globs)


def parse_text(text: str, language: str) -> FileStructure | None:
    """Return the structure of ``text``, or None if the language can't be parsed."""
    if language == "python" and (found := parse_python(text)) is not None:
        return found
    if (scan := _SCANS.get(language)) is not None:
        return scan(text)
    if language not in QUERIES:
        return None
    from dspy_agent.code.grammars import parse_source

    return parse_source(text, language)


def parse_file(path: str | os.PathLike[str]) -> tuple[str, FileStructure] | None:
    """Return a file's text and structure; None if it is unreadable, binary, too large or no known source."""
    language = language_of(os.fspath(path))
    if language not in PARSED:
        return None
    try:
        text = read_text(path, MAX_BYTES)
    except OSError:
        return None
    if text is None:
        return None
    structure = parse_text(text, language)
    return (text, structure) if structure is not None else None
