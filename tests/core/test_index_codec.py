"""The file format of the index: what was written comes back, and anything else is told, never believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dspy_agent_core.index.codec import Arrays, CorruptIndex, all_texts, pack, pack_texts, text_at, unpack

TYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int64", "float32", "float64")


@st.composite
def arrays(draw: st.DrawFn) -> Arrays:
    found: dict[str, NDArray[Any]] = {}
    for name in draw(st.lists(st.text(max_size=5), max_size=4, unique=True)):
        shape = tuple(draw(st.lists(st.integers(0, 9), max_size=3)))
        size = int(np.prod(shape)) * np.dtype(kind := draw(st.sampled_from(TYPES))).itemsize
        data = draw(st.binary(min_size=size, max_size=size))
        found[name] = np.frombuffer(bytes(b & 1 for b in data) if kind == "bool" else data, kind).reshape(
            shape
        )
    return found


META = st.dictionaries(
    st.text(max_size=5),
    st.one_of(st.integers(), st.text(max_size=9), st.lists(st.booleans(), max_size=3)),
    max_size=3,
)


def packed(meta: dict[str, Any], content: Arrays) -> bytes:
    return b"".join(pack(meta, content))


@given(META, arrays())
def test_what_was_packed_comes_back(meta: dict[str, Any], content: Arrays) -> None:
    found_meta, found = unpack(packed(meta, content))
    assert found_meta == meta
    assert list(found) == list(content)
    for name, array in content.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
        assert not found[name].flags.writeable


@given(META, arrays(), st.data())
def test_any_damage_is_told(meta: dict[str, Any], content: Arrays, data: st.DataObject) -> None:
    whole = packed(meta, content)
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= data.draw(st.integers(1, 255))
    more = data.draw(st.binary(min_size=1, max_size=70))
    for damaged in (bytes(flipped), whole[:at], whole + more, more + whole, whole[:at] + more + whole[at:]):
        with pytest.raises(CorruptIndex):
            unpack(damaged)


def test_every_byte_and_every_cut() -> None:
    whole = packed(
        {"a": [1, "b"]}, {"x": np.arange(9, dtype=np.uint16), "y": np.zeros((0, 3)), "": np.ones(2)}
    )
    for at in range(len(whole)):
        with pytest.raises(CorruptIndex):
            unpack(whole[:at])
        for bit in (1, 128):
            with pytest.raises(CorruptIndex):
                unpack(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])


@given(st.binary(max_size=300))
def test_foreign_bytes(data: bytes) -> None:
    for start in (b"", b"DSPYIDX\x01", b"DSPYIDX\x02"):
        with pytest.raises(CorruptIndex):
            unpack(start + data)


@given(
    st.lists(st.one_of(st.text(), st.binary(max_size=9).map(lambda b: b.decode("utf-8", "surrogateescape"))))
)
def test_texts_come_back(texts: list[str]) -> None:
    blob, starts = pack_texts(texts)
    assert all_texts(blob, starts) == texts
    assert [text_at(blob, starts, number) for number in range(len(texts))] == texts


def test_pieces_are_views() -> None:
    big = np.arange(1000, dtype=np.uint64)
    assert any(
        isinstance(piece, memoryview) and np.shares_memory(np.asarray(piece), big)
        for piece in pack({}, {"x": big})
    )
