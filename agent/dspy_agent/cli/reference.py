"""Writes docs/reference/cli.md from the program itself: ``python -m dspy_agent.cli.reference [--check]``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from dspy_agent.cli.main import app

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
HEAD = """<!-- Written by `python -m dspy_agent.cli.reference`. Change the program, not this page. -->

# Command line

Data goes to stdout, everything else to stderr. With `--json` a command prints one JSON object
(`ctx --follow`: one a line); an error is `{"error": {"code", "message", "next"}}`. `NO_COLOR` is respected.

| exit code | meaning |
|---|---|
| 0 | found, or done |
| 1 | nothing found |
| 2 | the words of the command are off |
| 3 | the workspace, a path in it, or a file can't be used |
| 4 | something that this machine should have is missing |
| 5 | the model server is absent, or its answer can't be used |
| 6 | the cluster refuses, or does not have, what was asked for |
| 70 | the output can't be written, or an error of the program itself |
| 130 | interrupted by Ctrl-C |
| 141 | the reader of the output went away |
"""


def reference() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(app)
    context = typer.Context(
        group, info_name="dspy-agent", terminal_width=90, max_content_width=90, **group.context_settings
    )
    return "\n".join([HEAD, *_sections(group, context)])


def _sections(command: Any, context: typer.Context) -> Iterator[str]:
    """Yield the help of ``command`` and of all below it, depth first."""
    yield f"## {context.command_path}\n"
    yield _block(command.get_help(context))
    for name, inner in getattr(command, "commands", {}).items():
        below = typer.Context(inner, parent=context, info_name=name, terminal_width=90, max_content_width=90)
        yield from _sections(inner, below)


def _block(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"```console\n{lines}\n```\n"


def main(words: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is current; return the exit code."""
    page = reference()
    if words == ["--check"]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        sys.stderr.write(
            "docs/reference/cli.md is out of date.\n  next: uv run python -m dspy_agent.cli.reference\n"
        )
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    for variable in [name for name in os.environ if name.startswith(("DSPY_AGENT_", "KAFKA_"))]:
        del os.environ[variable]
    sys.exit(main(sys.argv[1:]))
