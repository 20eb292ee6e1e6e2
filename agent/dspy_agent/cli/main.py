"""Entry point of ``dspy-agent``: a session with no command, one-shot commands otherwise."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from dspy_agent.cli import cluster, gepa, rl, stream
from dspy_agent.cli.output import close_stdout, open_missing_streams, print_error, run_and_print, unexpected
from dspy_agent.cli.tool_commands import LogsOption, WorkspaceOption, add_tools
from dspy_agent.cli.usage import as_usage_error
from dspy_agent.tools.base import Tool, ToolContext
from dspy_agent.tools.registry import TOOLS
from dspy_agent.tools.think_arguments import Approval, ApprovalOption
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.errors import AgentError

INTERRUPTED = 130

app = typer.Typer(
    name="dspy-agent",
    help="A coding agent that lives beside your code and logs. With no command: an interactive session.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _run_tool(tool: Tool, arguments: Any, workspace: Path, logs: tuple[Path, ...], as_json: bool) -> int:
    context = ToolContext(open_workspace(workspace), logs)
    return run_and_print(tool, arguments, context, as_json=as_json)


add_tools(app, TOOLS, _run_tool)
cluster.register(app)
stream.register(app)
gepa.register(app)
rl.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"dspy-agent {version('dspy-agent')}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start_session(
    context: typer.Context,
    workspace: WorkspaceOption = Path(),
    logs: LogsOption = None,
    approval: ApprovalOption = Approval.MANUAL,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> int:
    """Open the session if no command is named."""
    if context.invoked_subcommand is not None:
        return 0
    folder = open_workspace(workspace)
    from dspy_agent.session.repl import run

    return run(folder, tuple(logs or ()), approval)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(words: list[str]) -> int:
    """Run the command in ``words`` and return its exit code."""
    open_missing_streams()
    for output in (sys.stdout, sys.stderr):
        output.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    as_json = "--json" in words[: words.index("--") if "--" in words else None]
    if as_json:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        code = app(args=words, prog_name="dspy-agent", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return close_stdout()
    except (KeyboardInterrupt, typer.Abort):
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the prompt comes below the terminal's ^C
        return INTERRUPTED
    except TyperException as error:
        return print_error(as_usage_error(error), as_json=as_json)
    except AgentError as error:
        return print_error(error, as_json=as_json)
    except Exception as error:
        traceback.print_exc()
        help = "Report it with what stands above."
        return print_error(unexpected("dspy-agent", error, help), as_json=as_json)
    return code if isinstance(code, int) else 0
