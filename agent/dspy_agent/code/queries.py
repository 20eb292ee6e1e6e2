"""What a definition and an import look like in each grammar: tree-sitter queries.

A definition's capture names its kind, ``@name`` what names it, ``@receiver`` the type it belongs to. Some are
told further by the text: ``@upper`` is a constant if its name is in upper case, ``@static`` if the text says
so, ``@prototype`` a declaration if it is in no function. ``@scope`` names what encloses others without being
a symbol. ``@outer`` opens the definition ``@inner`` one level up: an export, a decorator, a template's head.
``@base`` is what the innermost type around it inherits from, ``@doc`` its docstring, ``@annotation`` what may
open a definition without being of its signature, ``@attribute`` the same on lines above. ``@import`` is an
import and ``@module`` the text of what it imports; ``@verb`` is the function called, where a call is what
imports or includes.

No query has a text predicate: sources are parsed from chunks, where predicates have no text to look at.
"""

from __future__ import annotations

from dspy_agent.code.queries_compiled import COMPILED
from dspy_agent.code.queries_scripted import SCRIPTED

QUERIES: dict[str, str] = {**SCRIPTED, **COMPILED}

IMPORT_VERBS = frozenset(("require", "require_relative", "load", "source", "."))
BASE_VERBS = frozenset(("include", "extend", "prepend"))  # Ruby's

# Kinds whose functions are methods.
TYPES = frozenset(("class", "struct", "scope", "trait", "interface", "enum", "constant"))
# Kinds that can have bases.
HEIRS = frozenset(("class", "struct", "trait", "interface", "enum", "module", "type"))
