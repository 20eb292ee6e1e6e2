"""The channels of a remote command: what ``v5.channel.k8s.io`` (and v4) put in each websocket message.

Pure: bytes in, bytes and values out. A message is one byte for the channel, then the data as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
ERROR: Final = 3
RESIZE: Final = 4
CLOSE: Final = 255  # v5 only: the next byte names the channel that ends here

V5: Final = "v5.channel.k8s.io"


@dataclass(frozen=True, slots=True)
class Exited:
    """The remote command ran and ended with ``code``."""

    code: int


@dataclass(frozen=True, slots=True)
class NotRun:
    """The cluster could not run the command; ``message`` is the container runtime's or the kubelet's."""

    reason: str
    message: str


def stdin(data: bytes) -> bytes:
    """Return the message that carries ``data`` to the command's standard input."""
    return bytes((STDIN,)) + data


def end_of_stdin() -> bytes:
    """Return the v5 message that ends the command's standard input and leaves the rest open."""
    return bytes((CLOSE, STDIN))


def resize(columns: int, rows: int) -> bytes:
    """Return the message that sets the size of the remote terminal."""
    return bytes((RESIZE,)) + json.dumps({"Width": columns, "Height": rows}).encode()


def parse_status(payload: bytes) -> Exited | NotRun:
    """Return what the error channel's ``Status`` says of the command's end."""
    try:
        status = json.loads(payload)
    except ValueError:
        return NotRun("Unknown", payload.decode("utf-8", "replace").strip() or "no reason was given")
    if not isinstance(status, dict):
        return NotRun("Unknown", str(status))
    if status.get("status") == "Success":
        return Exited(0)
    reason, message = str(status.get("reason") or "Unknown"), str(status.get("message") or "")
    if reason == "NonZeroExitCode":
        code = _exit_code(status.get("details"))
        if code is not None:
            return Exited(code)
    return NotRun(reason, message)


def _exit_code(details: object) -> int | None:
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else []:
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            try:
                return int(str(cause.get("message")))
            except ValueError:
                return None
    return None
