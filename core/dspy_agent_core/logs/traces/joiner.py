"""Decides, line by line, what still belongs to a trace that has begun."""

from __future__ import annotations

import re
from typing import Final

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.kinds import KINDS, trace_kind

_MAX_MESSAGE_LINES: Final = 40
_AFTER_FINAL: Final = (
    " ",
    "\t",
    "Traceback",
    "During",
    "The above",
    '"""',
    "Call stack",
    "Message:",
    "Arguments:",
)
_GROUP: Final = "  + Exception Group Tr"
_GOES_ON: Final = (":", ",", "(", "[", "{", "\\")
_INSIDE: Final = frozenset("DTCSE.-[]}N(")  # besides blanks: how lines inside of most traces begin
_INSIDE_GO: Final = frozenset("gcre.[")
_CARET = re.compile(r"\s*[\^~]+\s*$")
_MARGIN = re.compile(r" {2,}[|+]")


class OpenTrace:
    """A trace that ``text`` has begun.

    Set ``interrupted`` once a line of somebody else's came in between. ``among_words``: the lines around it
    have no header either, so a line that begins a sentence is not taken for one of the message.
    """

    __slots__ = (
        "_after_blank",
        "_after_caret",
        "_among_words",
        "_bare_calls",
        "_before_head",
        "_chained",
        "_ended",
        "_has_error",
        "_in_code",
        "_in_message",
        "_indent",
        "_known",
        "_last",
        "_message_lines",
        "_remote",
        "interrupted",
        "kind",
        "wants_final",
    )

    def __init__(self, kind: str, text: str, *, among_words: bool = False) -> None:
        self.kind = kind
        self._among_words = among_words
        self._last = text
        self._known = KINDS.get(kind)
        self.interrupted = False
        self.wants_final = kind == "python"
        self._in_message = (
            self._known.message if self._known else kind not in ("python", "node", "frames", "pytest")
        )
        self._message_lines = 0
        self._after_blank = False
        self._after_caret = False
        self._before_head = kind == "node"
        self._remote = kind == "python" and bool(syntax.PY_REMOTE.match(text))
        self._chained = self._remote
        self._in_code = self._has_error = self._ended = False
        bare = text.lstrip(" ")
        self._indent = len(text) - len(bare) if bare.startswith("Traceback") else 0
        self._bare_calls = kind == "go" and bool(syntax.GO_NAME.match(text) or text[:1] == "\t")
        self._in_message = self._in_message and not self._bare_calls
        if kind == "pytest":
            self._pytest(text)

    def takes(self, text: str, headed: bool) -> bool:
        """Return whether ``text`` belongs to this trace. ``headed``: it starts a record of its own."""
        if (self.interrupted or text.startswith(_GROUP)) and self._begins_anew(text):
            return False
        if self.kind == "pytest" and syntax.PYTEST_SECTION.match(text):
            self._ended = True
            return False
        again = self.kind in ("head", "frames") and text.startswith(syntax.MONO_AGAIN)
        if again or self._inside(text, headed):
            self._after_blank = False
            return True
        if self._known is not None and self._known.begins(text):
            return False  # the next one of its kind
        if headed or (self.interrupted and not self._is_unfinished()):
            return False
        if not text.strip():
            self._after_blank = True
            return True
        if self._after_blank and not self._has_blanks_inside():
            return False
        if self._ended or syntax.PYTEST_SECTION.match(text):
            return False
        if self._indent and not text[: self._indent].isspace():
            return False
        if self._before_head and self._after_blank and syntax.HEAD.match(text):
            self._before_head, self._in_message, self._after_blank = False, True, False
            return True
        if self._before_head:  # Node prints the code that threw, a caret, then the message
            self._in_message, self._before_head = self._after_caret, not self._after_caret
            self._after_caret, self._after_blank = bool(_CARET.match(text)), False
            return True
        if text[0] in " \t":
            return True
        if self._in_message and self._message_lines < _MAX_MESSAGE_LINES and not trace_kind(text):
            if self._among_words and self.kind != "rust" and self._begins_sentence(text):
                return False
            self._message_lines += 1
            self._last = text
            self._after_blank = False
            return True
        return False

    def _begins_anew(self, text: str) -> bool:
        """Return whether ``text`` begins another trace of the same kind."""
        if self._known is not None:
            return self._known.begins(text)
        if self.kind == "python":
            complete = not self.wants_final and not self._chained
            bare_place = text.startswith('  File "') and ", in " not in text
            return complete and (bare_place or text.startswith(_GROUP))
        return self.kind == "ruby" and not text[:1].isspace() and bool(syntax.RUBY_HEAD.match(text))

    def _begins_sentence(self, text: str) -> bool:
        return text[0].isalnum() and not text[0].islower() and not self._last.rstrip().endswith(_GOES_ON)

    def _has_blanks_inside(self) -> bool:
        if self._known is not None:
            return self._known.blanks
        return self.wants_final or self._before_head or self.kind == "pytest"

    def _is_unfinished(self) -> bool:
        """Return whether the message must still come, which nothing but its place tells."""
        if self.kind == "rust":
            return self._in_message and self._message_lines == 0
        return self._before_head

    def _inside(self, text: str, headed: bool) -> bool:
        """Return whether the line can only be part of this trace, and note what it changes."""
        if self._known is not None:
            return self._ends_message(self._known.inside.match(text))
        if self.kind == "python":
            return self._python(text, headed)
        if self.kind == "go":
            return self._go(text)
        if self.kind == "rust":
            return self._ends_message(syntax.RUST_MORE.match(text))
        if self.kind == "ruby":
            return self._ends_message(syntax.RUBY_FROM.match(text) or syntax.RUBY_PLAIN.match(text)) or (
                not headed and not self._in_message and bool(syntax.RUBY_HEAD.match(text))
            )
        if self.kind == "pytest":
            return self._pytest(text)
        if text[:1] not in _INSIDE and not text[:1].isspace() and ":in " not in text:
            return False
        if syntax.PY_CHAIN.match(text):
            self.kind = "python"
            return self._python(text, headed)
        if syntax.JVM_MORE.match(text) or syntax.DOTNET_MORE.match(text):
            self._in_message = not text.lstrip().startswith(("...", "--- End"))
            return True
        if self._in_message and ":in " in text and syntax.RUBY_PLAIN.match(text):
            self.kind = "ruby"
            return self._ends_message(True)
        if syntax.RUST_CAUSES.match(text):
            return self._ends_message(True)
        if syntax.NODE_TAIL.match(text) and (self.kind == "node" or text[0] in " }"):
            return not headed
        return self._ends_message(syntax.AT_FRAME.match(text))

    def _ends_message(self, matched: object) -> bool:
        if matched:
            self._in_message = False
        return bool(matched)

    def _go(self, text: str) -> bool:
        if self._in_message and text == self._last and text.startswith("fatal error: "):
            return True  # two threads found it at once
        if (text[:1] in _INSIDE_GO or text[:1].isspace()) and syntax.GO_MORE.match(text):
            self._in_message = False
            return True
        return not self._in_message and bool(
            (")" in text[-2:] and syntax.GO_CALL.match(text))
            or (self._bare_calls and syntax.GO_NAME.match(text))
        )

    def _pytest(self, text: str) -> bool:
        """Take short frames, then the lines of the error, then the place that long ones end with."""
        if self._ended:
            if not syntax.PY_CHAIN.match(text):
                return False
            self._ended, self._has_error, self._chained = False, False, True
            return True
        if syntax.PYTEST_ERROR.match(text):
            self._has_error = True
            return True
        if self._has_error and syntax.PYTEST_WHERE.match(text):
            self._ended = True
            return True
        if self._has_error:
            return False
        longer = self._chained and (text.startswith(("_ _ ", ">  ")) or syntax.PYTEST_WHERE.match(text))
        return bool(longer or syntax.PYTEST_SHORT.match(text))

    def _python(self, text: str, headed: bool) -> bool:
        if headed and not self.wants_final and not text.startswith(_AFTER_FINAL):
            return False
        if self._indent and text[: self._indent].isspace():
            text = text[self._indent :]
        if self._remote and text == '"""':
            return True
        inner = text.lstrip(" |+") if _MARGIN.match(text) else text
        if syntax.PY_HEADER.search(inner):
            if not self._chained and inner is text:
                return False
            self.wants_final, self._in_message, self._chained = True, False, False
            return True
        if inner is not text:
            return self._margin(text, inner)
        if syntax.PY_FRAME.match(text) or syntax.PY_REPEATED.match(text):
            self._in_code = True
            return True
        if syntax.PY_CHAIN.match(text.strip()):
            self._chained, self.wants_final = True, True
            return True
        if not self.wants_final and (syntax.PY_CALL_STACK.match(text) or syntax.PY_LOGGED.match(text)):
            self._in_message = False
            return True
        if self.wants_final and text[:1] in (" ", "\t"):
            return not headed
        if self.wants_final and self._is_final(text):
            if headed and not syntax.HEAD.match(text):
                return False
            self._in_code, self._last = False, text
            self.wants_final, self._chained = False, False
            self._in_message, self._message_lines = ":" in text, 0
            return True
        return False

    def _is_final(self, text: str) -> bool:
        small = self._in_code and not self.interrupted and syntax.PY_SMALL_FINAL.match(text)
        return bool(small or syntax.PY_FINAL.match(text) or syntax.RUBY_HEAD.match(text))

    def _margin(self, text: str, inner: str) -> bool:
        """Take a line of an exception group, which has a margin of bars."""
        if syntax.PY_GROUP_RULE.match(text):
            self.wants_final = self._in_message = "- " in text  # a rule without a number closes the group
        elif syntax.PY_FINAL.match(inner):
            self._in_message, self._message_lines = True, 0
        return True
