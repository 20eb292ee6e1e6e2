"""Carries out one line of a session: a verb of the command line, or a task in plain words."""

from __future__ import annotations

import difflib
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from dspy_agent.cli.output import print_error, run_and_print, unexpected
from dspy_agent.cli.parsing import Help, Parsed, parse
from dspy_agent.session.plain import is_plain
from dspy_agent.session.talking import Talking
from dspy_agent.session.task import run_task
from dspy_agent.suggest.request import Suggester
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.registry import BY_NAME, TOOLS
from dspy_agent.tools.think_arguments import Approval, ChatArguments
from dspy_agent_core.errors import AgentError, UsageError

EXIT_WORDS: Final = ("exit", "quit")
INTERRUPTED: Final = 130


class Shell:
    """Runs lines in one workspace.

    Args:
        context: the workspace, and the logs that the session was started with.
        commands: further verbs (those about clusters), and what runs their words.
        suggester: suggests the tool for a task in plain words; without a model it is the one that runs.
        approval: who lets a model change files or run commands.
    """

    def __init__(
        self,
        context: ToolContext,
        commands: tuple[str, ...] = (),
        run_command: Callable[[list[str]], int] | None = None,
        suggester: Suggester | None = None,
        approval: Approval = Approval.MANUAL,
    ) -> None:
        self._context = context
        self._commands = commands
        self._run_command = run_command
        self._suggester = suggester
        self._approval = approval
        self._talking: Talking | None = None

    @property
    def verbs(self) -> tuple[str, ...]:
        """All first words that are no task."""
        return (*BY_NAME, *self._commands, "help", *EXIT_WORDS)

    def execute(self, line: str) -> int | None:
        """Carry out ``line``: its exit code, or None if it ends the session.

        Whatever a tool raises is told and returned as a code; only signals and a broken output pass.
        """
        line = line.strip().removeprefix("dspy-agent ")
        if not line:
            return 0
        if line in EXIT_WORDS:
            return None
        try:
            return self._dispatch(line)
        except AgentError as error:
            return print_error(error, as_json=_wants_json(line))
        except KeyboardInterrupt:
            sys.stderr.write("interrupted\n")
            return INTERRUPTED
        except BrokenPipeError:
            raise
        except Exception as error:
            help = "Run it as one command (dspy-agent …) to see where, and report it."
            return print_error(unexpected(line.split(None, 1)[0], error, help), as_json=_wants_json(line))

    def _dispatch(self, line: str) -> int:
        first = line.split(None, 1)[0]
        if first == "help" or line == "?":
            return self._help(line.split()[1:])
        if first not in self.verbs:
            self._hint(first)
            return self._task(line)
        words = _split(line)
        if is_plain(words, self._context.workspace):
            return self._task(line)
        if first in self._commands and self._run_command is not None:
            return self._run_command(words)
        parsed = parse(words)
        if isinstance(parsed, Help):
            sys.stdout.write(parsed.text)
            return 0
        context = self._context
        if any(word == "--logs" or word.startswith("--logs=") for word in words):
            context = replace(context, logs=parsed.logs)
        arguments = self._approved(parsed, words)
        if self._suggester is not None:
            self._suggester.used(parsed.tool.name)
        return run_and_print(parsed.tool, arguments, context, as_json=parsed.as_json, source="session")

    def _task(self, line: str) -> int:
        suggester = self._suggesting()
        if self._talking is None:
            self._talking = Talking(self._context, suggester, self._approval)
        code = self._talking.talk(line)
        return run_task(line, self._context, suggester) if code is None else code

    def _suggesting(self) -> Suggester:
        """Return what suggests: loaded with the first task, since a session of verbs needs none."""
        if self._suggester is None:
            from dspy_agent.suggest.bandit import BanditSuggester

            self._suggester = BanditSuggester()
        return self._suggester

    def _approved(self, parsed: Parsed, words: list[str]) -> Any:
        """Return the arguments, with the session's approval where the words of ``chat`` name none."""
        named = any(word.partition("=")[0] == "--approval" for word in words)
        if isinstance(parsed.arguments, ChatArguments) and not named:
            return replace(parsed.arguments, approval=self._approval)
        return parsed.arguments

    def _hint(self, first: str) -> None:
        near = difflib.get_close_matches(first, self.verbs, 1, cutoff=0.75)
        if near:
            sys.stderr.write(
                f"{first!r} is no verb (did you mean {near[0]}?): taken as a task in plain words\n"
            )

    def _help(self, words: list[str]) -> int:
        if words:
            if words[0] in self._commands and self._run_command is not None:
                return self._run_command([words[0], "--help"])
            parsed = parse([words[0], "--help"])
            sys.stdout.write(parsed.text if isinstance(parsed, Help) else "")
            return 0
        lines = [f"  {tool.name:<12} {tool.summary}" for tool in TOOLS]
        if self._commands:
            lines.append(f"  {'also':<12} {', '.join(self._commands)}")
        lines += [
            f"  {'help [VERB]':<12} This list, or the options of a verb.",
            f"  {'exit':<12} End the session (also: Ctrl-D).",
            "Anything else is a task in plain words: the agent suggests a tool, a model (where there is one)",
            "chooses, and what they show is summed up. What changes files is asked first (--approval).",
            "Ctrl-C stops what runs; Tab completes verbs, options and paths.",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        return 0


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(
            f"The quotes of this line don't match ({error}).",
            code="BadQuotes",
            next="Close the quote, or put a backslash before a single one.",
        ) from None


def _wants_json(line: str) -> bool:
    return "--json" in line.split()
