"""The session's loop: from a terminal with a prompt, from a pipe line by line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dspy_agent.session.keeper import index_kept
from dspy_agent.session.shell import INTERRUPTED, Shell
from dspy_agent.session.signals import Ended, ends_on_signals, terminal_restored
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.registry import BY_NAME
from dspy_agent.tools.think_arguments import Approval

_THUMBS = "thumbs"  # up, or down: about the session's last step
_FAILED_FROM = 2  # exit code 1 says that a tool found nothing


def run(workspace: Path, logs: tuple[Path, ...], approval: Approval = Approval.MANUAL) -> int:
    """Run a session in ``workspace`` until ``exit``, Ctrl-D or a signal, and return its exit code.

    On a terminal that is 0. From a pipe it is 0, or 1 if a line failed (not: found nothing). After a
    signal it is 128 plus the signal's number.
    """
    from dspy_agent.cli.main import app, run_command

    def run_here(words: list[str]) -> int:
        if words[0] == _THUMBS:
            words = ["rl", _THUMBS, "--this-session", *words[1:]]
        named = [word for path in logs for word in ("--logs", str(path))]
        return run_command(["--workspace", str(workspace), *named, *words])

    shell = Shell(ToolContext(workspace, logs), _other_commands(app), run_here, approval=approval)
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            return _from_terminal(shell, workspace)
        return _from_pipe(shell)
    except Ended as ended:
        return int(ended.code or 0)


def _other_commands(app: Any) -> tuple[str, ...]:
    """Return the verbs that are no tools: those about workspaces in a cluster, groups, and thumbs."""
    names = [info.name or getattr(info.callback, "__name__", "") for info in app.registered_commands]
    names += [info.typer_instance.info.name for info in app.registered_groups]
    return tuple(dict.fromkeys(name for name in (*names, _THUMBS) if name and name not in BY_NAME))


def _from_terminal(shell: Shell, workspace: Path) -> int:
    from dspy_agent.learning.background import learning_kept
    from dspy_agent.session.prompt import Prompt

    prompt = Prompt(workspace, shell.verbs)
    sys.stderr.write(f"dspy-agent in {workspace}: help lists the verbs, Ctrl-D ends.\n")
    with (
        terminal_restored(),
        index_kept(workspace),
        learning_kept(workspace),
        ends_on_signals(prompt.end),
    ):
        while True:
            try:
                if shell.execute(prompt.read()) is None:
                    return 0
            except KeyboardInterrupt:  # at the prompt, or once more while the first is being told
                continue
            except EOFError:
                return 0


def _from_pipe(shell: Shell) -> int:
    code = 0
    with ends_on_signals(lambda ended: False):
        while raw := sys.stdin.buffer.readline():
            result = shell.execute(raw.decode("utf-8", "replace"))
            if result is None:
                break
            if result >= _FAILED_FROM:
                code = 1
            sys.stdout.flush()
            if result == INTERRUPTED:
                return result
    return code
