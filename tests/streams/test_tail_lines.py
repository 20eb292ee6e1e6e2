"""Lines of a growing file: the same however the bytes come, in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.streams.tail_lines import LineSplitter, Piece
from dspy_agent.streams.tail_names import source_of

_BYTES = st.binary(max_size=60).map(lambda data: data.replace(b"\x07", b"\n").replace(b"\x01", b"\r\n"))


def _feed(chunks: list[bytes], limit: int = 8) -> tuple[list[Piece], LineSplitter]:
    splitter = LineSplitter(100, limit)
    return [piece for chunk in chunks for piece in splitter.feed(chunk)], splitter


@given(st.lists(_BYTES, max_size=6))
def test_lines_do_not_depend_on_how_the_bytes_come(chunks: list[bytes]) -> None:
    whole, splitter = _feed([b"".join(chunks)])
    pieces, other = _feed(chunks)
    assert pieces == whole
    assert (other.waiting, other.flush()) == (splitter.waiting, splitter.flush())


@given(st.lists(_BYTES, max_size=6))
def test_every_byte_is_in_a_line_and_ends_tell_where(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    pieces, splitter = _feed(chunks)
    if (last := splitter.flush()) is not None:
        pieces.append(last)
    start = 100
    for piece in pieces:
        said = data[start - 100 : piece.end - 100]
        body = said.removesuffix(b"\n").removesuffix(b"\r") if said.endswith(b"\n") else said
        assert body.startswith(piece.line)
        assert len(piece.line) <= 8
        if piece.cut:
            assert len(said.removesuffix(b"\n")) == len(piece.line) + piece.cut
        else:
            assert piece.line == body
        start = piece.end
    assert start == 100 + len(data)


def test_the_end_of_a_line_that_was_given_away_is_no_line() -> None:
    splitter = LineSplitter()
    assert list(splitter.feed(b"half")) == []
    assert splitter.flush() == Piece(b"half", 4)
    assert splitter.flush() is None
    assert list(splitter.feed(b"\nnext\n")) == [Piece(b"next", 10)]


def test_the_rest_of_a_line_that_was_given_away_is_the_next() -> None:
    splitter = LineSplitter()
    list(splitter.feed(b"half"))
    splitter.flush()
    assert list(splitter.feed(b" more\n")) == [Piece(b" more", 10)]


def test_a_cut_is_said_and_splits_no_character() -> None:
    (piece,) = LineSplitter(limit=4).feed("abcäöü\n".encode())
    assert piece.text == "abc … [5 more bytes]"


def test_what_is_no_utf8_is_replaced_and_a_hole_is_left_out() -> None:
    (piece,) = LineSplitter().feed(b"\0\0\0a\xffb\n")
    assert piece.text == "a\ufffdb"


_ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (f"/var/log/containers/web-7d9f-x2x4k_shop_app-{_ID}.log", "shop/web-7d9f-x2x4k/app"),
        ("/var/log/pods/shop_web-1_0b0c7c1e-7d7c-4c4e-8f0a-1f0e6a1b2c3d/app/3.log", "shop/web-1/app"),
        (f"/var/lib/docker/containers/{_ID}/{_ID}-json.log", "0123456789ab"),
        ("/srv/app.log", "node:/srv/app.log"),
        ("/srv/\udcff.log", "node:/srv/?.log"),
    ],
)
def test_the_source_is_the_container_or_the_file(path: str, source: str) -> None:
    assert source_of(path, "node") == source
