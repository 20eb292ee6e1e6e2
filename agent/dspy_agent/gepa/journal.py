"""What a training run has done, a line each, so that a killed one goes on where it was.

GEPA draws from a seed alone: run again, it asks the same questions in the same order, and what is written
here is answered without the model. (gepa's own state is a pickle, which runs code when it is read; and it is
written between rounds only, which take minutes with a slow model.) A line that is torn, or that this user's
program did not write for this very run, does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.log import append
from dspy_agent.modules.seal import Seal
from dspy_agent.modules.state import FOLDER
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import WorkspaceError

_MOST_BYTES: Final = 64 << 20


@contextmanager
def writing() -> Iterator[None]:
    """Tell the user where what is written in the block can't be.

    Raises:
        WorkspaceError: instead of OSError.
    """
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise WorkspaceError(
            f"What is trained can't be written: {(error.strerror or str(error)).lower()}{place}.",
            code="NotWritable",
            next=f"Make it writable, or remove what is in the way of {FOLDER}.",
        ) from None


class Journal:
    """The answers of one run, by key.

    Args:
        path: of its file. One of another run is written anew.
        run: names the run: models, seed, the instructions to begin with. Equal for one that goes on, also
            where the workspace has got another commit meanwhile: answers are kept by example.
        key: the user's.

    Raises:
        WorkspaceError: the file can't be written.
    """

    def __init__(self, path: Path, run: str, key: bytes) -> None:
        self._path = path
        self._seal = Seal(key, f"training run {run}")
        self._answers = self._read()
        self.recalled = len(self._answers)
        if not self._answers:
            with writing():
                write_atomic(path, [])

    def get(self, key: str) -> Any | None:
        """Return what was put for ``key``; None if nothing was."""
        return self._answers.get(key)

    def put(self, key: str, value: Any) -> None:
        """Write ``value`` (JSON, not None) for ``key``: on disk when this returns."""
        body = json.dumps([key, value], ensure_ascii=True, separators=(",", ":")).encode()
        with writing():
            append(self._path, [self._seal.of(body).encode() + b" " + body])
        self._answers[key] = value

    def remove(self) -> None:
        """Remove the file: the run is through."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            with open_regular(self._path, follow=False) as file:
                lines = file.read(_MOST_BYTES).split(b"\n")
        except OSError:
            return {}
        answers = {}
        for line in lines:
            seal, _, body = line.partition(b" ")
            if self._seal.fits(body, seal.decode("ascii", "replace")):
                key, value = json.loads(body)
                answers[key] = value
        return answers
