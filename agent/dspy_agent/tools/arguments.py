"""The arguments of each tool. Light on imports: the command line reads this at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

_GLOBS = Annotated[
    list[str] | None,
    typer.Option("--glob", "-g", metavar="GLOB", help="Only these files; with ! in front, not these."),
]
_TYPES = Annotated[
    list[str] | None,
    typer.Option("--type", "-t", metavar="LANGUAGE", help="Only files of this language, such as py or go."),
]


@dataclass(frozen=True, slots=True)
class LsArguments:
    """Arguments of ``ls``."""

    path: Annotated[str, typer.Argument(help="A folder, relative to the workspace.")] = "."
    all: Annotated[bool, typer.Option("--all", "-a", help="Show hidden and ignored entries too.")] = False


@dataclass(frozen=True, slots=True)
class TreeArguments:
    """Arguments of ``tree``."""

    path: Annotated[str, typer.Argument(help="A folder, relative to the workspace.")] = "."
    depth: Annotated[int, typer.Option("--depth", "-d", min=1, help="List entries down to this level.")] = 3
    max_entries: Annotated[int, typer.Option("--max-entries", min=1, help="List at most this many.")] = 500
    all: Annotated[bool, typer.Option("--all", "-a", help="Show hidden and ignored entries too.")] = False


@dataclass(frozen=True, slots=True)
class GrepArguments:
    """Arguments of ``grep``, named as ripgrep names them."""

    pattern: Annotated[str, typer.Argument(metavar="REGEX", help="What to look for, in each line.")]
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...", help="Files or folders. Default: the workspace.", show_default=False
        ),
    ] = None
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="Upper and lower case are equal.")
    ] = False
    case_sensitive: Annotated[
        bool,
        typer.Option(
            "--case-sensitive", "-s", help="They differ. Default: they differ if REGEX has a capital letter."
        ),
    ] = False
    fixed_strings: Annotated[bool, typer.Option("--fixed-strings", "-F", help="REGEX is plain text.")] = False
    word_regexp: Annotated[bool, typer.Option("--word-regexp", "-w", help="Match whole words only.")] = False
    after_context: Annotated[int, typer.Option("--after-context", "-A", min=0, help="Show lines after.")] = 0
    before_context: Annotated[
        int, typer.Option("--before-context", "-B", min=0, help="Show lines before.")
    ] = 0
    context: Annotated[int, typer.Option("--context", "-C", min=0, help="Show lines before and after.")] = 0
    globs: _GLOBS = None
    types: _TYPES = None
    hidden: Annotated[bool, typer.Option("--hidden", help="Search hidden files too.")] = False
    no_ignore: Annotated[bool, typer.Option("--no-ignore", help="Search ignored files too.")] = False
    max_count: Annotated[
        int | None, typer.Option("--max-count", "-m", min=1, help="At most this many lines of each file.")
    ] = None
    max_hits: Annotated[int, typer.Option("--max-hits", min=1, help="At most this many lines in all.")] = 1000


@dataclass(frozen=True, slots=True)
class CtxArguments:
    """Arguments of ``ctx``."""

    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="Only records from this time on: 30s, 10m, 2h, 3d, or an ISO 8601 time."
        ),
    ] = None
    level: Annotated[
        str,
        typer.Option(
            "--level",
            help="Lowest level: trace, debug, info, warning, error, critical. Exceptions always show.",
        ),
    ] = "warning"
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help="At most this many events, or as many as exceptions. Default: all exceptions and 40 others.",
            show_default=False,
        ),
    ] = None
    app: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="NAME",
            help="Only this app's logs (repeatable): those of the streams, logs/NAME/ and NAME.log.",
            show_default=False,
        ),
    ] = None
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Go on as lines come. With --json: an object a line, oldest event first."
        ),
    ] = False
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            metavar="TOKENS",
            min=1,
            help="At most about so many tokens of a language model. Exceptions always show.",
            show_default=False,
        ),
    ] = None
    all: Annotated[bool, typer.Option("--all", help="Read whole files, not only the end of large ones.")] = (
        False
    )


@dataclass(frozen=True, slots=True)
class DoctorArguments:
    """Arguments of ``doctor``."""


@dataclass(frozen=True, slots=True)
class ExtractArguments:
    """Arguments of ``extract``."""

    symbol: Annotated[
        str, typer.Argument(metavar="SYMBOL", help="A name: f, Class.method, package.module.f or path:f.")
    ]
    max_hits: Annotated[int, typer.Option("--max-hits", min=1, help="At most this many definitions.")] = 5


_WORDS = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TEXT]...", help="What to look for: words or names.", show_default=False),
]
_QUERY = Annotated[
    str | None,
    typer.Option("--query", "--q", "-q", metavar="TEXT", help="The same, as an option.", show_default=False),
]
_MAX_HITS = Annotated[int, typer.Option("--max-hits", "-n", min=1, max=1000, help="At most this many hits.")]
_LINES = Annotated[int, typer.Option("--lines", min=0, help="Print at most this many lines of each hit.")]


@dataclass(frozen=True, slots=True)
class EsearchArguments:
    """Arguments of ``esearch``."""

    words: _WORDS = None
    query: _QUERY = None
    max_hits: _MAX_HITS = 10
    lines: _LINES = 3
    globs: _GLOBS = None
    types: _TYPES = None


@dataclass(frozen=True, slots=True)
class VretrArguments(EsearchArguments):
    """Arguments of ``vretr``: those of ``esearch``, and which of its two parts search."""

    text: Annotated[bool, typer.Option("--text/--no-text", help="Search by words too.")] = True
    vectors: Annotated[bool, typer.Option("--vectors/--no-vectors", help="Search by vectors.")] = True


@dataclass(frozen=True, slots=True)
class EmbIndexArguments:
    """Arguments of ``emb-index``."""

    status: Annotated[bool, typer.Option("--status", help="Tell how many there are, make none.")] = False


@dataclass(frozen=True, slots=True)
class IntelArguments:
    """Arguments of ``intel``."""

    words: _WORDS = None
    query: _QUERY = None
    max_hits: _MAX_HITS = 20
    budget: Annotated[
        int, typer.Option("--budget", metavar="TOKENS", min=100, help="At most about so many tokens in all.")
    ] = 4000
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="PART",
            help="Leave out a kind of evidence (repeatable): graph, text, vectors or logs.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class IndexArguments:
    """Arguments of ``index``."""

    status: Annotated[bool, typer.Option("--status", help="Tell what it holds, and change nothing.")] = False
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Forget it, and read all files anew.")] = False
    follow: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, and keep it current as files change.")
    ] = False


@dataclass(frozen=True, slots=True)
class CodectxArguments:
    """Arguments of ``codectx``."""

    target: Annotated[
        str, typer.Argument(metavar="PATH|SYMBOL", help="A file, or a name such as Class.method or path:f.")
    ]
