"""How a program in a pod ends when it fails: one sentence where the kubelet and the operator see it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from dspy_agent_core.contracts.cluster import Termination

TERMINATION_LOG: Final = "/dev/termination-log"


class Failed(Exception):
    """The program can't go on. ``reason`` is one of the contract's reasons."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.termination = Termination(reason, message)


def leave(termination: Termination, path: Path) -> None:
    """Write ``termination`` to ``path``; say on stderr if that can't be done."""
    try:
        path.write_text(termination.dumps(), encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"could not write {path}: {error}\n")


def end_with(failure: Failed) -> NoReturn:
    """Leave the reason in the container's termination message and exit with 1."""
    leave(failure.termination, Path(os.environ.get("DSPY_TERMINATION_LOG", TERMINATION_LOG)))
    sys.stderr.write(f"{failure.termination.reason}: {failure.termination.message}\n")
    raise SystemExit(1)
