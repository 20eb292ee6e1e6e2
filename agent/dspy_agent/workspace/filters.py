"""Which files are meant: globs and languages as users write them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from dspy_agent.workspace.gitignore import parse_rules
from dspy_agent.workspace.globs import BadGlob
from dspy_agent.workspace.ignore import Filters, Ignores
from dspy_agent_core.code.languages import BY_NAME
from dspy_agent_core.errors import UsageError


def parse_filters(
    globs: Sequence[str], types: Sequence[str], *, hidden: bool = False, no_ignore: bool = False
) -> tuple[Filters, tuple[str, ...]]:
    """Return the filters that ``-g`` and ``-t`` ask for, and the file name globs of the languages.

    Raises:
        UsageError: ``BadGlob`` or ``UnknownLanguage``.
    """
    try:
        rules = parse_rules(globs, strict=True)
    except BadGlob as error:
        raise UsageError(
            f"Bad glob {' '.join(globs)!r}: {error}.", code="BadGlob", next="Mend it, such as -g '*.py'."
        ) from None
    type_globs = tuple(glob for name in types for glob in _type_globs(name))
    return Filters(rules, parse_rules(type_globs), hidden, no_ignore), type_globs


def path_filter(globs: Sequence[str], types: Sequence[str], base: str) -> Callable[[str], bool]:
    """Return what says of a path relative to the absolute ``base`` whether its file is meant.

    Raises:
        UsageError: ``BadGlob`` or ``UnknownLanguage``.
    """
    ignores = Ignores(base, parse_filters(globs, types, hidden=True, no_ignore=True)[0])

    def is_meant(path: str) -> bool:
        parts = path.split("/")
        whole = base
        for depth, name in enumerate(parts, 1):
            whole = os.path.join(whole, name)
            if ignores.leaves_out(None, whole, name, depth < len(parts)):
                return False
        return True

    return is_meant


def _type_globs(name: str) -> tuple[str, ...]:
    language = BY_NAME.get(name.lower())
    if language is None:
        known = " ".join(sorted(BY_NAME))
        raise UsageError(f"Unknown language {name!r}.", code="UnknownLanguage", next=f"Use one of: {known}")
    return language.globs
