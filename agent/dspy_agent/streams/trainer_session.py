"""The trainer as a thread of a session, where the environment names a broker and no container does it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

from dspy_agent.learning.place import make_learning_folder
from dspy_agent.streams.program import Program
from dspy_agent.streams.trainer import Trainer
from dspy_agent_core.streams.settings import (
    BOOTSTRAP_VARIABLE,
    CONFIG_VARIABLE,
    PREFIX_VARIABLE,
    stream_settings,
)

_DRAIN_SECONDS: Final = 1.0


def train(workspace: Path, steps: int, stop: threading.Event) -> None:
    """Do what ``stream trainer`` does until ``stop`` is set; its errors go to ``agent.errors`` only.

    Raises:
        AgentError: the broker refuses, or the client is not installed.
    """
    config = os.environ.get(CONFIG_VARIABLE)
    settings = stream_settings(
        os.environ.get(BOOTSTRAP_VARIABLE),
        os.environ.get(PREFIX_VARIABLE, ""),
        (),
        Path(config) if config else None,
    )
    program = _Quiet("session-trainer", settings, stop=stop)
    folder = make_learning_folder(workspace)
    try:
        Trainer(
            program, settings, workspace, folder, steps=steps, once=False, drain_seconds=_DRAIN_SECONDS
        ).run()
    finally:
        program.reports.close()


class _Quiet(Program):
    """A program that leaves signals and the terminal to the session around it."""

    def say(self, text: str) -> None:
        """Say nothing: the terminal is the session's."""
