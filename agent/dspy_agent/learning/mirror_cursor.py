"""How far a workspace has sent and read ``agent.learning``: one small file, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.log_mark import START, LogMark
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular

NAME: Final = "mirror.json"
_VERSION: Final = 1
_MOST_BYTES: Final = 1 << 20


class Cursor:
    """What the file ``path`` says of ``topic`` (its cluster's address and its name).

    One that is lost, damaged, or of another topic begins anew: all is sent and read again, and each event
    counts once, by its id.

    Attributes:
        sent: up to here the broker has confirmed the log's lines.
        read: where to go on in each partition.
    """

    def __init__(self, path: Path, topic: str) -> None:
        self._path = path
        self._topic = topic
        self.sent: LogMark = START
        self.read: dict[int, int] = {}
        try:
            self._load()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.sent, self.read = START, {}

    def save(self, sent: LogMark | None = None, read: Mapping[int, int] | None = None) -> None:
        """Move on, on disk. What is left out, or as it was, stays.

        Raises:
            OSError: it can't be written.
        """
        sent = self.sent if sent is None else sent
        read = {**self.read, **(read or {})}
        if (sent, read) == (self.sent, self.read):
            return
        said = {"version": _VERSION, "topic": self._topic, "sent": asdict(sent), "read": read}
        write_atomic(self._path, [json.dumps(said).encode(), b"\n"])
        self.sent, self.read = sent, read

    def _load(self) -> None:
        with open_regular(self._path, follow=False) as file:
            said: dict[str, Any] = json.loads(file.read(_MOST_BYTES))
        if said["version"] != _VERSION or said["topic"] != self._topic:
            return
        log = said["sent"]
        self.sent = LogMark(_number(log["offset"]), str(log["head"]), str(log["tail"]))
        self.read = {int(partition): _number(offset) for partition, offset in said["read"].items()}


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("no offset")
    return value
