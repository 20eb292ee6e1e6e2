"""What a conversation learns by itself: a command that failed, and the one that then worked."""

from __future__ import annotations

from pathlib import Path

from dspy_agent import memory
from dspy_agent.loop.act import Done


class Lessons:
    """Watches the commands that ran."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._failed: list[tuple[str, str]] = []

    def ran(self, command: str, done: Done) -> None:
        """Note what came of a command."""
        if done.tool.name != "run" or done.error:
            return
        line = command.removeprefix("run ").strip("'\"")
        code = getattr(done.result, "code", None)
        if code:
            self._failed.append((line, f"exit code {code}"))
        elif code == 0:
            for other, why in self._failed:
                if other != line and other.split()[0] in (line.split()[0], *line.split()):
                    memory.learn(
                        self._workspace,
                        "worked",
                        f"`{line}` works here; `{other}` did not ({why})",
                        source="run",
                    )
            self._failed.clear()
