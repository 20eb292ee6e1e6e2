"""The console that results are printed on."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rich.console import Console
from rich.style import Style

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class ResultConsole(Console):
    """A console that knows where the relative paths of a result lie.

    Args:
        workspace: that folder.
    """

    def __init__(self, workspace: Path) -> None:
        super().__init__(highlight=False, soft_wrap=True)
        self._workspace = workspace

    def on_broken_pipe(self) -> None:
        """Pass it on: rich would exit with the code that means "nothing found"."""
        raise BrokenPipeError

    def link(self, path: str, line: int | None = None) -> Style:
        """Return the style of a hyperlink (OSC 8) to a place; it shows on a terminal only."""
        if not self.is_terminal or path.startswith("<"):
            return Style.null()
        target = quote(str(self._workspace / path), safe="/:\\")
        return Style(link=f"file://{socket.gethostname()}{target}" + (f"#{line}" if line else ""))


def visible(text: str) -> str:
    """Return ``text`` with control characters written out: what a log holds must not drive a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
