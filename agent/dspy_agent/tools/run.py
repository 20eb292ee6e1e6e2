"""``run``: a command in the sandbox: without network, with the workspace as the only place it may write."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.console import visible
from dspy_agent.tools.think_arguments import RunArguments
from dspy_agent_core.errors import UsageError

_MOST_OUTPUT: Final = 200_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answer of ``run``. ``code`` is left out where it ran out of time. False unless it ended well."""

    command: str
    code: int | None
    output: str
    timed_out: bool
    cut: bool
    seconds: float
    sandbox: str

    def __bool__(self) -> bool:
        return self.code == 0


def run(arguments: RunArguments, context: ToolContext) -> Outcome:
    """Run the command.

    Raises:
        UsageError: ``NoCommand``.
        MissingRequirement: no sandbox can be had.
    """
    from dspy_agent.sandbox.run import run_sandboxed

    words = list(arguments.command)
    if not any(word.strip() for word in words):
        raise UsageError("There is no command.", code="NoCommand", next="Try: dspy-agent run 'make test'")
    done = run_sandboxed(
        _argv(words),
        workspace=context.workspace,
        cwd=context.workspace,
        seconds=arguments.seconds,
        max_output=_MOST_OUTPUT,
        writable=(context.workspace,),
    )
    command = words[0] if len(words) == 1 else shlex.join(words)
    return Outcome(
        command, done.code, done.output, done.timed_out, done.cut, round(done.seconds, 3), done.how
    )


def _argv(words: Sequence[str]) -> list[str]:
    """Return what is started: a single word with more than a name in it is a line for the shell."""
    return ["/bin/sh", "-c", words[0]] if len(words) == 1 else list(words)


def render(result: Outcome, arguments: RunArguments, console: Any) -> None:
    """Print the output, then how it ended."""
    if result.output:
        console.out(visible(result.output.rstrip("\n")))
    ended = "ran out of time" if result.timed_out else f"exit code {result.code}"
    console.out(f"[{ended}, {result.seconds:.1f} s, sandbox: {result.sandbox}]", style="dim")


def notes(result: Outcome, arguments: RunArguments) -> list[str]:
    """Say what is not shown, and what may be wrong."""
    said = ["The middle of the output is left out."] if result.cut else []
    if result.code == 127:
        said.append("There is no such program in the sandbox.")
    return said
