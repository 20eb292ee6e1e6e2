"""Reads a command line as far as a check needs it: the simple commands in it, and what joins them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_JOINS: Final = frozenset({"|", "||", "&&", "&", ";", "|&", ";;", "(", ")", "\n"})
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.S)
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_FRONTS: Final = frozenset(
    {"sudo", "doas", "env", "time", "nice", "nohup", "exec", "command", "xargs", "stdbuf"}
)
_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command: its words from the program on, what stood before it, and the join before that.

    ``writes`` are the files that it is redirected into.
    """

    words: tuple[str, ...]
    fronts: tuple[str, ...] = ()
    join: str = ""
    writes: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""


def simple_commands(line: str, depth: int = 0) -> list[Simple] | None:
    """Return the simple commands of ``line``, those in ``sh -c '…'`` and ``$(…)`` too; None if it is none."""
    lexer = shlex.shlex(line.replace("\n", " ; "), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        return None
    found = [simple for join, part in _parts(tokens) if (simple := _simple(join, part))]
    inner: list[Simple] = []
    for text in _nested(line, found) if depth < _DEPTH else ():
        below = simple_commands(text, depth + 1)
        if below is None:
            return None
        inner += below
    return [*found, *inner]


def _parts(tokens: list[str]) -> Iterator[tuple[str, list[str]]]:
    join, part = "", list[str]()
    for token in tokens:
        if token in _JOINS:
            yield join, part
            join, part = token, []
        else:
            part.append(token)
    yield join, part


def _simple(join: str, tokens: list[str]) -> Simple | None:
    words: list[str] = []
    writes: list[str] = []
    rest = iter(tokens)
    for token in rest:
        if re.fullmatch(r"[<>&]+", token):
            target = next(rest, "")
            if ">" in token and not (target.isdigit() or target in ("/dev/null", "-")):
                writes.append(target)
        else:
            words.append(token)
    start = 0
    while start < len(words) and (_ASSIGNMENT.fullmatch(words[start]) or words[start] in _FRONTS):
        start += 1
    if start < len(words) and words[start] == "timeout":
        start += 2
    fronts, own = tuple(words[:start]), tuple(words[start:])
    return Simple(own, fronts, join, tuple(writes)) if own or fronts or writes else None


def _nested(line: str, found: list[Simple]) -> Iterator[str]:
    """Yield the command lines in quotes and substitutions."""
    for simple in found:
        if simple.program in _SHELLS and "-c" in simple.words[1:-1]:
            yield simple.words[simple.words.index("-c") + 1]
        if simple.program == "eval":
            yield " ".join(simple.words[1:])
    for match in re.finditer(r"\$\(([^()]*)\)|`([^`]*)`", line):
        yield match[1] or match[2] or ""
