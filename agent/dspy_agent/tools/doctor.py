"""``doctor``: what is missing here, and the command that mends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from dspy_agent.doctor import cluster, machine, sandbox, search, servers, streams
from dspy_agent.doctor.model import MISSING, OK, WARN, Check, Report
from dspy_agent.tools.arguments import DoctorArguments
from dspy_agent.tools.base import ToolContext

_DEADLINE: Final = 8.0
_MARKS: Final = {OK: ("ok", "green"), WARN: ("warn", "yellow"), MISSING: ("missing", "bold red")}


def run(arguments: DoctorArguments, context: ToolContext) -> Report:
    """Run all checks side by side; one that does not answer in time is told as such."""
    probes: list[tuple[str, Callable[[], list[Check]]]] = [
        ("python", machine.python),
        ("programs", machine.programs),
        ("terminal", machine.terminal),
        ("workspace", lambda: machine.workspace(context.workspace)),
        ("logs", lambda: machine.logs(context.workspace, context.logs)),
        ("index", lambda: search.index(context.workspace)),
        ("vectors", lambda: search.vectors(context.workspace)),
        ("sandbox", sandbox.sandbox),
        ("model", lambda: servers.model(context.workspace)),
        ("cluster", cluster.cluster),
        ("kafka", streams.kafka),
        ("router", streams.router),
    ]
    answers: dict[str, list[Check]] = {}
    # Daemon threads: a check that hangs in a system call must not keep the program from ending.
    threads = [
        threading.Thread(target=_answer, args=(name, probe, answers), daemon=True) for name, probe in probes
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + _DEADLINE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no answer within {_DEADLINE:.0f} s"
    return Report(
        [
            check
            for name, _ in probes
            for check in answers.get(name) or ([] if name in answers else [Check(name, WARN, late)])
        ]
    )


def _answer(name: str, probe: Callable[[], list[Check]], answers: dict[str, list[Check]]) -> None:
    try:
        answers[name] = probe()
    except Exception as error:  # a check that fails must not hide the others
        answers[name] = [Check(name, WARN, f"the check failed: {type(error).__name__}: {error}"[:300])]


def render(result: Report, arguments: DoctorArguments, console: Any) -> None:
    """Print one line a check, and below it what mends it."""
    from rich.text import Text

    for check in result.checks:
        word, style = _MARKS[check.status]
        console.print(Text.assemble((f"{word:8}", style), f"{check.name:12} {check.detail}"))
        if check.next and check.status != OK:
            console.print(Text(f"{'':21}next: {check.next}", style="dim"))
