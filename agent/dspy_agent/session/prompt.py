"""The prompt on a terminal: line editing, history and completion by prompt_toolkit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.shortcuts.prompt import PromptSession

from dspy_agent.session.completion import completions
from dspy_agent.session.signals import Ended
from dspy_agent.session.state import history_file


class WorkspaceCompleter(Completer):
    """Completes by what the workspace and the verbs offer."""

    def __init__(self, verbs: tuple[str, ...], workspace: Path) -> None:
        self._verbs = verbs
        self._workspace = workspace

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what may come at the cursor."""
        for text, start in completions(document.text_before_cursor, self._verbs, self._workspace):
            yield Completion(text, start_position=start)


class Prompt:
    """Reads lines from the terminal."""

    def __init__(self, workspace: Path, verbs: tuple[str, ...]) -> None:
        path = history_file()
        history: History = FileHistory(str(path)) if path else InMemoryHistory()
        self._session: PromptSession[str] = PromptSession(
            f"{workspace.name or workspace}> ",
            history=history,
            completer=WorkspaceCompleter(verbs, workspace),
            complete_while_typing=False,
        )

    def read(self) -> str:
        """Return the next line.

        Raises:
            EOFError: on Ctrl-D.
            KeyboardInterrupt: on Ctrl-C.
            Ended: on a signal that ends the session.
        """
        return self._session.prompt()

    def end(self, ended: Ended) -> bool:
        """Make ``read`` raise ``ended``; return whether it is reading. To be called by a signal handler."""
        app: Any = self._session.app
        if not app.is_running or app.loop is None:
            return False

        def leave() -> None:
            if app.is_running and not app.is_done:
                app.exit(exception=ended)

        app.loop.call_soon_threadsafe(leave)
        return True
