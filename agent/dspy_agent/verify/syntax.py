"""New syntax errors of a change."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

from dspy_agent.code.parse import MAX_BYTES, parse_text
from dspy_agent.code.queries import QUERIES
from dspy_agent_core.code.languages import language_of


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A syntax error in the changed file ``path``, at ``line`` where that is known."""

    path: str
    line: int | None
    message: str


def new_problem(path: str, before: bytes | None, after: bytes | None) -> SyntaxProblem | None:
    """Return the first syntax error of ``after`` if ``before`` had fewer; None too for unknown languages."""
    if after is None or len(after) > MAX_BYTES:
        return None
    language = language_of(path) or ""
    now = _errors(language, after)
    if not now or len(now) <= len(_errors(language, before or b"")):
        return None
    line, message = now[0]
    return SyntaxProblem(path, line, message)


def _errors(language: str, data: bytes) -> list[tuple[int | None, str]]:
    if language == "python":
        return _python(data)
    if (
        language in QUERIES
        and (found := parse_text(data.decode("utf-8", "replace"), language))
        and found.broken
    ):
        return [(None, "it can't be parsed")]
    return []


def _python(data: bytes) -> list[tuple[int | None, str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        return [(error.lineno or 1, error.msg)]
    except (ValueError, RecursionError, MemoryError) as error:
        return [(1, str(error) or type(error).__name__)]
    return []
