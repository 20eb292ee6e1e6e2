"""Offers to pull a model that an Ollama does not have: a user at a terminal is asked, nobody else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from dspy_agent.model.settings import ModelSettings
from dspy_agent.tools.terminal_line import in_place
from dspy_agent_core.errors import ModelError

_MIB: Final = 1 << 20
_SECONDS_WITHOUT_NEWS: Final = 120.0
_UPDATES: Final = 1 << 17


def pull_if_wanted(
    settings: ModelSettings, error: ModelError, progress: Callable[[str], None] | None
) -> bool:
    """Ask whether to pull the model, and pull it. False: nobody is there to be asked, or it is not wanted.

    Raises:
        ModelError: it can't be pulled.
    """
    if settings.server != "ollama" or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"{error.message}\nPull it now? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        return False
    _pull(settings, progress or in_place)
    sys.stderr.write("\n")
    return True


def _pull(settings: ModelSettings, progress: Callable[[str], None]) -> None:
    from dspy_agent.model.connection import Connection
    from dspy_agent.model.ollama import agent_error, client

    connection = Connection(settings, _SECONDS_WITHOUT_NEWS, _UPDATES, late=True)
    shown = ""
    try:
        with client(settings, connection) as asked:
            for part in asked.pull(settings.name, stream=True):
                text = f"{settings.name}: {part.status}"
                if part.total:
                    done = part.completed or 0
                    text += f" {100 * done // part.total} % of {part.total / _MIB:,.0f} MiB"
                if text != shown:
                    progress(text)
                    shown = text
    except Exception as error:
        raise agent_error(connection, error, begun=False) from None
