"""Contents of files, each kept once under the SHA-256 of its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Final

from dspy_agent.checkpoints.model import Damaged
from dspy_agent.checkpoints.tree import MAX_FILE_BYTES
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular

_LEVEL: Final = 6


class Blobs:
    """The blobs in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Keep ``data`` and return its name; on disk when this returns.

        Raises:
            OSError: it can't be written.
        """
        name = hashlib.sha256(data).hexdigest()
        if not self._is_sound(name):
            place = self._place(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, [zlib.compress(data, _LEVEL)])
        return name

    def get(self, name: str) -> bytes:
        """Return the bytes that are kept under ``name``.

        Raises:
            Damaged: they are not there, or are others.
        """
        try:
            with open_regular(self._place(name), follow=False) as file:
                packed = file.read(2 * MAX_FILE_BYTES)
            unpacking = zlib.decompressobj()
            data = unpacking.decompress(packed, MAX_FILE_BYTES + 1)
        except (OSError, zlib.error) as error:
            raise Damaged(f"a content can't be read ({error})") from None
        if hashlib.sha256(data).hexdigest() != name:
            raise Damaged("a content is another one")
        return data

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield the names of all blobs and their bytes on disk."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    yield name, os.lstat(os.path.join(folder, name)).st_size

    def keep_only(self, names: Set[str]) -> None:
        """Remove all other blobs."""
        for name, _ in list(self.sizes()):
            if name not in names:
                with contextlib.suppress(OSError):
                    self._place(name).unlink()

    def _is_sound(self, name: str) -> bool:
        try:
            self.get(name)
        except Damaged:
            return False
        return True

    def _place(self, name: str) -> Path:
        return self.folder / name[:2] / name
