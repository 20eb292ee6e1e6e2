"""How the index's arrays lie in a file: NumPy arrays and a little JSON, mapped into memory as they are.

    magic (8 bytes) · length and CRC-32 of the head (u32 each) · head (JSON) · arrays, 64-byte aligned

The head names each array's type, shape, place and CRC-32, so that a damaged file is told from a sound one.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"DSPYIDX\x01"
_ALIGN: Final = 64
_LENGTHS: Final = struct.Struct("<II")
_KINDS: Final = "biuf"

Arrays = dict[str, NDArray[Any]]


class CorruptIndex(ValueError):
    """The bytes are not what was written: cut short, damaged, or of another format."""


def pack(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> list[bytes | memoryview]:
    """Return the file's content, in pieces to write one after the other.

    Args:
        meta: what JSON can hold.
        arrays: of bool, integer or float types.
    """
    entries: list[list[Any]] = []
    bodies: list[bytes | memoryview] = []
    at = 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array).reshape(array.shape)
        flat = data.reshape(-1).view(np.uint8).data if data.size else memoryview(b"")
        entries.append([name, data.dtype.str, list(data.shape), at, zlib.crc32(flat)])
        bodies += [flat, bytes(-flat.nbytes % _ALIGN)]
        at += flat.nbytes + -flat.nbytes % _ALIGN
    head = json.dumps({"meta": dict(meta), "arrays": entries}, separators=(",", ":")).encode()
    start = len(MAGIC) + _LENGTHS.size + len(head)
    return [MAGIC, _LENGTHS.pack(len(head), zlib.crc32(head)), head, bytes(-start % _ALIGN), *bodies]


def unpack(data: bytes | memoryview) -> tuple[dict[str, Any], Arrays]:
    """Return the JSON and the arrays (views into ``data``, read-only) of a file's content.

    Raises:
        CorruptIndex: if any byte is not as it was written.
    """
    view = memoryview(data)
    fixed = len(MAGIC) + _LENGTHS.size
    if len(view) < fixed or bytes(view[: len(MAGIC)]) != MAGIC:
        raise CorruptIndex("it is no index file, or one of another version")
    length, checksum = _LENGTHS.unpack(view[len(MAGIC) : fixed])
    head = view[fixed : fixed + length]
    if len(head) != length or zlib.crc32(head) != checksum:
        raise CorruptIndex("its head is damaged")
    found = json.loads(bytes(head))
    start = fixed + length + -(fixed + length) % _ALIGN
    arrays = {entry[0]: _array(view, start, entry) for entry in found["arrays"]}
    end = max([start, *(start + entry[3] + arrays[entry[0]].nbytes for entry in found["arrays"])])
    if len(view) != end + (-(end - start) % _ALIGN) or any(view[fixed + length : start]):
        raise CorruptIndex("its length is wrong")
    return found["meta"], arrays


def _array(view: memoryview, start: int, entry: list[Any]) -> NDArray[Any]:
    name, kind, shape, at, checksum = entry
    dtype = np.dtype(kind)
    size = math.prod(shape) * dtype.itemsize
    body = view[start + at : start + at + size]
    if dtype.kind not in _KINDS or len(body) != size or zlib.crc32(body) != checksum:
        raise CorruptIndex(f"its array {name!r} is damaged")
    if any(view[start + at + size : start + at + size + -size % _ALIGN]):
        raise CorruptIndex(f"there is something behind its array {name!r}")
    array = np.frombuffer(body, dtype).reshape(shape)
    array.flags.writeable = False
    return array


def pack_texts(texts: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return the bytes of all ``texts`` and where each begins (and the last ends): (total,), (n + 1,)."""
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    starts = np.zeros(len(encoded) + 1, np.uint32)
    np.cumsum([len(item) for item in encoded], out=starts[1:], dtype=np.uint32)
    return np.frombuffer(b"".join(encoded), np.uint8), starts


def text_at(blob: NDArray[np.uint8], starts: NDArray[np.uint32], index: int) -> str:
    """Return one of the texts that :func:`pack_texts` packed."""
    return bytes(blob[int(starts[index]) : int(starts[index + 1])]).decode("utf-8", "surrogateescape")


def all_texts(blob: NDArray[np.uint8], starts: NDArray[np.uint32]) -> list[str]:
    """Return the texts that :func:`pack_texts` packed."""
    data, places = blob.tobytes(), starts.tolist()
    return [data[low:high].decode("utf-8", "surrogateescape") for low, high in pairwise(places)]
