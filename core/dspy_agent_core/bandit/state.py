"""The form of a saved state: JSON whose digest tells damage at any byte from a newer version.

Numbers are kept to the bit. A state is one object ``{"schema_version", "digest", "state"}``; this head stays
as it is in later versions, so that an older program knows a newer state for what it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dspy_agent_core.bandit.prior import Floats
from dspy_agent_core.errors import WorkspaceError

SCHEMA_VERSION: Final = 1
MOST_BYTES: Final = 64 << 20
_HEAD: Final = re.compile(rb'\{"schema_version":([0-9]{1,9}),"digest":"([0-9a-f]{32})","state":')

_NEXT: Final = {
    "damaged": "Run `dspy-agent rl reset`, or let the next session rebuild it from the event log.",
    "newer": "Update dspy-agent; or run `dspy-agent rl reset` to set the state aside and start anew.",
}


class StateError(WorkspaceError):
    """A saved state can't be used: it is ``damaged``, or written by a ``newer`` version."""

    def __init__(self, kind: Literal["damaged", "newer"], message: str) -> None:
        code = "StateDamaged" if kind == "damaged" else "StateNewer"
        super().__init__(message, code=code, next=_NEXT[kind])
        self.kind = kind


def seal(state: Mapping[str, Any]) -> bytes:
    """Return the file that holds ``state`` (JSON data): the same bytes for equal states."""
    text = _dumps(state)
    digest = _digest(SCHEMA_VERSION, text).encode()
    return b'{"schema_version":%d,"digest":"%s","state":' % (SCHEMA_VERSION, digest) + text + b"}\n"


def unseal(data: bytes) -> dict[str, Any]:
    """Return the state in a file.

    Raises:
        StateError: it is damaged, or of a newer version.
    """
    data = data.rstrip()
    head = _HEAD.match(data) if len(data) <= MOST_BYTES else None
    if head is None or not data.endswith(b"}"):
        raise damaged()
    version, text = int(head[1]), memoryview(data)[head.end() : -1]
    if head[2].decode() != _digest(version, text):
        raise damaged()
    if version != SCHEMA_VERSION:
        raise StateError(
            "newer", f"The learning state has version {version}; this one knows {SCHEMA_VERSION}."
        )
    try:
        state = json.loads(bytes(text))
    except (ValueError, RecursionError):
        raise damaged() from None
    if not isinstance(state, dict):
        raise damaged()
    return state


def damaged() -> StateError:
    """Return the error of a state that can't be what was written."""
    return StateError("damaged", "The learning state is damaged.")


def pack(array: npt.NDArray[Any]) -> str:
    """Return the bits of ``array`` as text."""
    return base64.b64encode(
        np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    ).decode()


def unpack(text: str, dtype: str, *shape: int) -> npt.NDArray[Any]:
    """Return the array whose bits are ``text``.

    Raises:
        ValueError: they are not those of an array of that shape.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    return np.frombuffer(data, dtype=np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def unpack_finite(text: str, *shape: int) -> Floats:
    """Return the array of finite numbers whose bits are ``text``; see ``unpack``."""
    array: Floats = unpack(text, "f8", *shape)
    if not np.isfinite(array).all():
        raise ValueError("not finite")
    return array


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def _digest(version: int, text: bytes | memoryview) -> str:
    digest = hashlib.blake2b(b"%d\n" % version, digest_size=16)
    digest.update(text)
    return digest.hexdigest()
