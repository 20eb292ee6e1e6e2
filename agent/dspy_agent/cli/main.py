"""Entry point of ``dspy-agent``: a session with no arguments, one-shot commands otherwise."""

from __future__ import annotations

import typer

from dspy_agent.cli.tool_commands import make_command
from dspy_agent.tools.registry import TOOLS

app = typer.Typer(
    name="dspy-agent",
    help="A coding agent that lives beside your code and logs.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
)
for tool in TOOLS:
    app.command(tool.name, help=tool.summary, epilog="\n\n".join(tool.examples))(make_command(tool))


def main() -> None:
    """Run the command line."""
    app()
