"""Framing: channels and websocket frames, however the bytes are cut up."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF

from dspy_agent.cluster import channels, pump
from dspy_agent.cluster.channels import Exited, NotRun
from dspy_agent.cluster.pump import Lost, Pump
from dspy_agent.cluster.wire import Disconnected, Wire


class Handshaken:
    """What ``create_websocket`` returns, around one end of a socket pair."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def getheaders(self) -> dict[str, str]:
        return {"sec-websocket-protocol": channels.V5}

    def shutdown(self) -> None:
        self.sock.close()


@contextlib.contextmanager
def pair() -> Iterator[tuple[Wire, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(Handshaken(ours)), theirs


def frame(data: bytes, opcode: int = ABNF.OPCODE_BINARY, fin: int = 1) -> bytes:
    return bytes(ABNF(fin, 0, 0, 0, opcode, 0, data).format())


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_messages_survive_any_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream, got, position, turn = b"".join(map(frame, messages)), [], 0, 0
    with pair() as (wire, server):
        while position < len(stream):
            size = cuts[turn % len(cuts)]
            server.sendall(stream[position : position + size])
            position, turn = position + size, turn + 1
            while (message := wire.receive()) is not None:
                got.append(message)
    assert got == messages


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_fragments_make_one_message_and_pings_between_are_answered(parts: list[bytes]) -> None:
    with pair() as (wire, server):
        for index, part in enumerate(parts):
            opcode = ABNF.OPCODE_CONT if index else ABNF.OPCODE_BINARY
            server.sendall(frame(part, opcode, int(index == len(parts) - 1)) + frame(b"hi", ABNF.OPCODE_PING))
        assert wire.receive() == b"".join(parts)
        assert wire.receive() is None
        wire.flush()
        answer = server.recv(65536)
        assert answer[0] == 0x80 | ABNF.OPCODE_PONG
        assert len(answer) == len(parts) * (2 + 4 + 2)


def test_a_close_frame_says_why() -> None:
    with pair() as (wire, server):
        server.sendall(frame((1001).to_bytes(2, "big") + b"going away", ABNF.OPCODE_CLOSE))
        with pytest.raises(Disconnected, match=r"1001: going away"):
            wire.receive()


def test_an_end_without_goodbye_is_a_cut() -> None:
    with pair() as (wire, server):
        server.close()
        with pytest.raises(Disconnected, match="cut"):
            wire.receive()


def test_garbage_ends_the_connection_and_not_the_program() -> None:
    with pair() as (wire, server):
        server.sendall(b"\xff" * 64)
        with pytest.raises(Disconnected):
            wire.receive()


@given(st.binary(max_size=200))
def test_any_status_is_understood_or_shown(payload: bytes) -> None:
    assert isinstance(channels.parse_status(payload), Exited | NotRun)


KEYS = st.sampled_from(["status", "reason", "details", "causes", "message"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@given(JSON)
def test_any_json_status_is_understood_or_shown(value: Any) -> None:
    assert isinstance(channels.parse_status(json.dumps(value).encode()), Exited | NotRun)


@given(st.integers(1, 255))
def test_exit_codes(code: int) -> None:
    cause = {"reason": "ExitCode", "message": str(code)}
    status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
    assert channels.parse_status(json.dumps(status).encode()) == Exited(code)


def run_pump(wire: Wire) -> Any:
    read, write = os.pipe()
    try:
        return Pump(wire, stdin=None, stdout=write, stderr=write, wake=None, warn=lambda text: None).run()
    finally:
        os.close(read)
        os.close(write)


def test_a_silent_connection_is_pinged_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "PING_SECONDS", 0.05)
    monkeypatch.setattr(pump, "SILENCE_SECONDS", 0.2)
    with pair() as (wire, server):
        ended = run_pump(wire)
        assert isinstance(ended, Lost)
        assert "no answer" in ended.why
        assert server.recv(6)[0] == 0x80 | ABNF.OPCODE_PING


def test_a_server_that_does_not_close_after_the_status_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pump, "CLOSE_SECONDS", 0.05)
    with pair() as (wire, server):
        server.sendall(frame(b"\x03" + json.dumps({"status": "Success"}).encode()))
        assert run_pump(wire) == Exited(0)
