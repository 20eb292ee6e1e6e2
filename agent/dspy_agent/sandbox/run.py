"""Runs a command in the best sandbox that this machine allows."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from dspy_agent.sandbox.environment import HOME, scrubbed, secret_places
from dspy_agent.sandbox.later import settings_kept
from dspy_agent.sandbox.levels import level
from dspy_agent.sandbox.program import program
from dspy_agent.sandbox.supervise import supervise
from dspy_agent_core.errors import AgentError, WorkspaceError

_TMP_BYTES: Final = 1 << 29
_LIMITS: Final = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 1 << 29}
_PROCESSES: Final = {"RLIMIT_NPROC": 4096}  # of this user in this user namespace


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command.

    ``code``: its exit code, negative for the signal that ended it, None if it ran out of time
    (``timed_out``). ``output``: stdout and stderr as they came; ``cut``: its middle is left out.
    ``how``: the kind of sandbox.
    """

    argv: tuple[str, ...]
    code: int | None
    output: str
    timed_out: bool
    cut: bool
    seconds: float
    how: str


def run_sandboxed(
    argv: Sequence[str],
    *,
    workspace: Path,
    cwd: Path,
    seconds: float,
    max_output: int = 200_000,
    writable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run ``argv`` without network; all that it started has ended when this returns.

    Args:
        argv: the command; a program that is not found gives code 127.
        workspace: a folder it may read (from ``open_workspace``).
        cwd: where it runs.
        seconds: after them it is ended.
        max_output: in bytes; the middle of more is left out.
        writable: folders it may write; apart from them only a private ``/tmp``.
        env: variables it gets on top of a scrubbed environment.

    Raises:
        MissingRequirement: this machine allows no sandbox, and ``DSPY_AGENT_SANDBOX`` is not ``off``.
        WorkspaceError: one of the folders is not there.
    """
    how = level()
    own_tmp = None if _is_apart(how) else tempfile.mkdtemp(prefix="dspy-agent-")
    tmp = own_tmp or "/tmp"  # noqa: S108  a private one
    try:
        spec = _spec(how, workspace, cwd, [*writable, *([Path(own_tmp)] if own_tmp else [])], tmp)
        environ = scrubbed(os.environ, tmp, env or {})
        with settings_kept([] if _is_apart(how) else spec["writable"]):
            outcome = supervise(partial(program, spec, argv), environ, seconds, max_output)
    except OSError as error:
        raise _failed(str(error)) from None
    finally:
        if own_tmp:
            shutil.rmtree(own_tmp, ignore_errors=True)
    report = outcome.report or {}
    if "error" in report or (not outcome.timed_out and "code" not in report):
        raise _failed(str(report.get("error", outcome.output.text()[-300:])))
    return Ran(
        tuple(argv),
        None if outcome.timed_out else int(report["code"]),
        outcome.output.text(),
        outcome.timed_out,
        outcome.output.cut,
        outcome.seconds,
        how,
    )


def _spec(how: str, workspace: Path, cwd: Path, writable: Sequence[Path], tmp: str) -> dict[str, Any]:
    places = [_folder(path) for path in writable]
    readable = [
        path
        for path in {_folder(workspace), _folder(cwd), *_toolchain()}
        if not any(map(Path(path).is_relative_to, places))
    ]
    return {
        "how": how,
        "caller": os.getpid(),
        "cwd": _folder(cwd),
        "writable": places,
        "readable": sorted({*readable, *_closed(places)}),
        "hidden": secret_places(os.environ),
        "folders": [f"{tmp}/{HOME}"],
        "tmp_bytes": _TMP_BYTES,
        "limits": {**_LIMITS, **(_PROCESSES if _is_apart(how) else {}), "RLIMIT_DATA": _memory()},
    }


def _is_apart(how: str) -> bool:
    """Return whether the command has mounts, processes and a network of its own."""
    return how in ("namespaces", "bubblewrap")


def _closed(writable: Sequence[str]) -> list[str]:
    """Return what can't be written even there: git's hooks and settings run outside, later, as the user."""
    return [
        entry.path
        for folder in writable
        for entry in os.scandir(folder)
        if (entry.name == ".git" or entry.name.startswith(".dspy_")) and not entry.is_symlink()
    ]


def _toolchain() -> set[str]:
    """Return where the Python that runs this lies: it must be seen even if that is in a temporary folder."""
    return {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}


def _memory() -> int:
    """Return the bytes that one process may have: half of the machine's."""
    return max(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2, 1 << 30)


def _folder(path: Path) -> str:
    found = os.path.realpath(path)
    if not os.path.isdir(found):
        raise WorkspaceError(
            f"There is no folder {path}.", code="PathNotFound", next="Name one that is there."
        )
    return found


def _failed(why: str) -> AgentError:
    return AgentError(
        f"The sandbox can't be set up: {why}.",
        code="SandboxFailed",
        next="See what this machine allows with: dspy-agent doctor",
    )
