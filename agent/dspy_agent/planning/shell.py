"""Reads a command line as far as a check needs it: the simple commands in it, and what joins them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_JOINS: Final = frozenset({"|", "||", "&&", "&", ";", "|&", ";;", "(", ")", "\n"})
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.S)
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
# What runs another command: its verb for that ("": none), and its options that take a value of their own.
_WRAPPERS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    name: (verb, frozenset(options.split()))
    for name, verb, options in (
        ("sudo", "", "-u --user -g --group -h --host -p --prompt -C -D --chdir -R --chroot -T -U -r -t"),
        ("doas", "", "-u -C"),
        ("env", "", "-u --unset -C --chdir"),
        ("time", "", "-f --format -o --output"),
        ("nice", "", "-n --adjustment"),
        ("nohup", "", ""),
        ("exec", "", "-a"),
        ("command", "", ""),
        ("xargs", "", "-a -d -E -I -L -n -P -s --arg-file --delimiter --max-args --max-procs --max-lines"),
        ("stdbuf", "", "-i -o -e --input --output --error"),
        ("timeout", "", "-k --kill-after -s --signal"),
        (
            "uv",
            "run",
            "-p --python -w --with --with-editable --with-requirements --extra --no-extra --group --no-group"
            " --only-group --env-file --package --index --default-index -i --index-url --extra-index-url"
            " -f --find-links -P --upgrade-package --directory --project --config-file --cache-dir --color"
            " --resolution --prerelease --python-platform --link-mode -C --config-setting",
        ),
        ("poetry", "run", "-C --directory -P --project"),
        ("pipenv", "run", ""),
        ("hatch", "run", "-e --env -p --project --data-dir --cache-dir --config"),
        ("pdm", "run", "-p --project --venv -s --site-packages"),
        ("uvx", "", "-p --python -w --with --from --with-requirements --index -i --index-url"),
        ("npx", "", "-p --package -w --workspace"),
    )
}
RUNNERS: Final = frozenset({"uv", "poetry", "pipenv", "hatch", "pdm"})
FETCHERS: Final = frozenset({"uvx", "npx"})  # get what they run from elsewhere
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
    start = _program_at(words)
    fronts, own = tuple(words[:start]), tuple(words[start:])
    return Simple(own, fronts, join, tuple(writes)) if own or fronts or writes else None


def _program_at(words: list[str]) -> int:
    """Return where the program stands that is run in the end: behind assignments, ``sudo``, ``uv run``…"""
    at = 0
    while at < len(words):
        if _ASSIGNMENT.fullmatch(words[at]):
            at += 1
            continue
        name = words[at].rpartition("/")[2]
        if name not in _WRAPPERS:
            break
        verb, valued = _WRAPPERS[name]
        behind = _behind_options(words, at + 1, valued)
        if verb and words[behind : behind + 1] == [verb]:
            behind = _behind_options(words, behind + 1, valued)
        elif verb:
            break
        behind += name == "timeout"  # its seconds
        if behind >= len(words):
            break
        at = behind
    return at


def _behind_options(words: list[str], at: int, valued: frozenset[str]) -> int:
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return at + 1
        at += 2 if words[at] in valued else 1
    return at


def _nested(line: str, found: list[Simple]) -> Iterator[str]:
    """Yield the command lines in quotes and substitutions."""
    for simple in found:
        if simple.program in _SHELLS and "-c" in simple.words[1:-1]:
            yield simple.words[simple.words.index("-c") + 1]
        if simple.program == "eval":
            yield " ".join(simple.words[1:])
    for match in re.finditer(r"\$\(([^()]*)\)|`([^`]*)`", line):
        yield match[1] or match[2] or ""
