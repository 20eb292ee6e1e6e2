"""The forms of trace of which each line is known by its own words, and how one begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dspy_agent_core.logs.traces import boxed, crashes, diagnostics, scripting, syntax
from dspy_agent_core.logs.traces.model import Trace


@dataclass(frozen=True, slots=True)
class Kind:
    """A form of trace.

    Args:
        begins: whether a line begins one.
        inside: a line that can only be part of one.
        parse: what it says.
        message: lines of any words follow the first line, until one that is ``inside``.
        blanks: there are blank lines in it.
    """

    begins: Callable[[str], bool]
    inside: re.Pattern[str]
    parse: Callable[[list[str]], Trace | None]
    message: bool = False
    blanks: bool = False


_NEVER: Final = re.compile(r"(?!)")
_WHAT: Final = re.compile(r"\s+what\(\): ")

KINDS: Final[dict[str, Kind]] = {
    "boxed": Kind(boxed.is_boxed, boxed.BOXED_MORE, boxed.parse_boxed, blanks=True),
    "php": Kind(scripting.is_php, scripting.PHP_MORE, scripting.parse_php, message=True),
    "perl": Kind(scripting.is_perl, scripting.PERL_MORE, scripting.parse_perl),
    "shell": Kind(scripting.is_shell, _NEVER, scripting.parse_shell),
    "lua": Kind(scripting.is_lua, scripting.LUA_MORE, scripting.parse_lua),
    "elixir": Kind(scripting.is_elixir, scripting.ELIXIR_MORE, scripting.parse_elixir, message=True),
    "terminate": Kind(crashes.is_terminate, _WHAT, crashes.parse_terminate),
    "assertion": Kind(crashes.is_assertion, _NEVER, crashes.parse_assertion),
    "sanitizer": Kind(crashes.is_sanitizer, crashes.SANITIZER_MORE, crashes.parse_sanitizer, blanks=True),
    "valgrind": Kind(crashes.is_valgrind, crashes.VALGRIND_MORE, crashes.parse_valgrind),
    "fault": Kind(crashes.is_fault, crashes.FAULT_MORE, crashes.parse_fault, blanks=True),
    "jvm crash": Kind(crashes.is_jvm_crash, crashes.JVM_MORE, crashes.parse_jvm_crash),
    "kernel": Kind(crashes.is_kernel, crashes.KERNEL_MORE, crashes.parse_kernel),
    "compiler": Kind(diagnostics.is_compiler, diagnostics.COMPILER_MORE, diagnostics.parse_compiler),
    "go test": Kind(diagnostics.is_go_test, diagnostics.GO_TEST_MORE, diagnostics.parse_go_test),
    "race": Kind(diagnostics.is_race, diagnostics.RACE_MORE, diagnostics.parse_race, blanks=True),
    "gin": Kind(crashes.is_gin, crashes.GIN_MORE, crashes.parse_gin, message=True, blanks=True),
    "tap": Kind(diagnostics.is_tap, diagnostics.TAP_MORE, diagnostics.parse_tap, blanks=True),
    "jest": Kind(diagnostics.is_jest, _NEVER, diagnostics.parse_jest, blanks=True),
}

# What can begin with any word: a part of its first line.
_ANYWHERE: Final = (
    ("error", ("compiler",)),
    (" line ", ("php", "perl", "shell")),
    (".go:", ("compiler",)),
    (".lua:", ("lua",)),
    ("Assertion ", ("assertion",)),
    ("Sanitizer: ", ("sanitizer",)),
    ("[object] (", ("php",)),
    ("PHP message: ", ("php",)),
    ("panic recovered:", ("gin",)),
    (" not found", ("shell",)),
)
# The other kinds, by the first letter of their first line.
_BEGINNINGS: Final[dict[str, tuple[str, ...]]] = {
    "*": ("elixir",), "t": ("terminate",), "l": ("terminate",), "=": ("valgrind",), "F": ("fault", "php"),
    "W": ("fault", "race"), "D": ("race",), "P": ("php",),
    "U": ("php", "kernel"), "N": ("php",), "#": ("jvm crash",),
    "[": ("compiler", "kernel"), "-": ("go test",), "n": ("tap",), "●": ("jest",),
    "B": ("kernel",), "O": ("kernel",),
    "k": ("kernel",), "g": ("kernel",), "K": ("kernel",),
}  # fmt: skip


def known_by_words(text: str) -> str | None:
    """Return the kind, a key of ``KINDS``, that ``text`` begins, or None."""
    bare = text.lstrip(" ") if text[:1] == " " else text
    if not bare:
        return None
    for name in _BEGINNINGS.get(bare[0], ()):
        if KINDS[name].begins(text):
            return name
    for hint, names in _ANYWHERE:
        if hint in text:
            for name in names:
                if KINDS[name].begins(text):
                    return name
    return "boxed" if "Traceback (" in text and boxed.is_boxed(text) else None


def trace_kind(text: str, *, quiet: bool = False) -> str | None:
    """Return the kind of trace that ``text`` starts, or None. ``quiet``: its level is below warning."""
    first = text[:1]
    if "Traceback (most recent call last)" in text:
        return "boxed" if boxed.is_boxed(text) else "python"
    if 'File "' in text and (frame := syntax.PY_FRAME.match(text)) and frame["function"] is None:
        return "python"
    if not first:
        return None
    if first in " \t":
        return known_by_words(text) if text.lstrip(" ").startswith(("● ", "not ok ", "--- FAIL")) else None
    if (first == "E" and syntax.PYTEST_ERROR.match(text)) or (
        ".py:" in text and syntax.PYTEST_SHORT.match(text)
    ):
        return "pytest"
    if (first in "pf" and text.startswith(("panic: ", "fatal error: "))) or "panic serving " in text:
        return "go"
    if first == "t" and syntax.RUST_HEAD.match(text):
        return "rust"
    if first == "g" and text.startswith("goroutine ") and syntax.GO_MORE.match(text):
        return "go"
    if ":in " in text and (syntax.RUBY_HEAD.match(text) or syntax.RUBY_PLAIN.match(text)):
        return "ruby"
    if " " not in text and text[-1].isdigit() and syntax.NODE_WHERE.match(text):
        return "node"
    if text.endswith(" Promise {") and text.startswith("Unhandled"):
        return "head"
    if not quiet and (known := known_by_words(text)):
        return known
    if "RemoteTraceback:" in text and syntax.PY_REMOTE.match(text):
        return "python"
    if not _may_be_type(text.partition(" ")[0]) or not syntax.HEAD.match(text):
        return None
    return "head"


def _may_be_type(word: str) -> bool:
    """Return whether ``syntax.HEAD`` may match a line whose first word is ``word``."""
    if word.isalpha():
        return word.endswith(syntax.TYPE_ENDS) or word in ("Uncaught", "Unhandled")
    return not word.islower() and (word[:1].isalpha() or word[:1] in ("[", "_", "$"))


def is_frame(text: str) -> bool:
    """Return whether ``text`` is, without doubt, a line from the inside of a trace."""
    if syntax.JVM_MORE.match(text):
        return True
    return text[:1].isspace() and bool(
        syntax.AT_FRAME.match(text)
        or syntax.RUBY_FROM.match(text)
        or syntax.RUBY_PLAIN.match(text)
        or syntax.PY_FRAME.match(text)
        or syntax.GO_PLACE.match(text)
        or diagnostics.RUSTC_PLACE.match(text)
    )
