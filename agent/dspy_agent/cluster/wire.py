"""A websocket that never blocks: whole messages in, frames out, as fast as both sides can take them.

The official client's own loop blocks in a send while the server waits for us to read, so that a command
which answers more than the buffers hold would hang for ever. Its handshake and the frame parser of the
library beneath it are used as they are.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from typing import Any

from websocket import (
    ABNF,
    WebSocketConnectionClosedException,
    WebSocketException,
    continuous_frame,
    frame_buffer,
)

_RECEIVE = 65536
_LONGEST_FRAME = 16 * 2**20  # servers send 32 KiB at a time


class Disconnected(Exception):
    """The other side is gone; the text says how."""


class Wire:
    """One connected websocket, of which this object is the only user from now on."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self._socket = websocket.sock
        self._socket.setblocking(False)
        self.subprotocol: str = websocket.getheaders().get("sec-websocket-protocol", "")
        self._frames = frame_buffer(self._receive, skip_utf8_validation=True)
        self._fragments = continuous_frame(fire_cont_frame=False, skip_utf8_validation=True)
        self._outgoing: deque[bytes] = deque()
        self.outgoing_bytes = 0
        self.last_heard = time.monotonic()

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return int(self._socket.fileno())

    def has_buffered(self) -> bool:
        """Return whether decrypted bytes wait that a poll of the socket can't see."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def send(self, message: bytes) -> None:
        """Queue one binary message; ``flush`` sends it."""
        self._queue(message, ABNF.OPCODE_BINARY)

    def ping(self) -> None:
        """Queue a ping, which keeps proxies from closing an idle connection."""
        self._queue(b"", ABNF.OPCODE_PING)

    def flush(self) -> None:
        """Send what the socket takes now; if the other side is gone, ``receive`` will say so."""
        while self._outgoing:
            frame = self._outgoing[0]
            try:
                sent = self._socket.send(frame)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self._outgoing.clear()
                self.outgoing_bytes = 0
                return
            self.outgoing_bytes -= sent
            if sent == len(frame):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = frame[sent:]

    def receive(self) -> bytes | None:
        """Return the next whole message, or None if none is there yet.

        Raises:
            Disconnected: the other side is gone, or has closed the websocket.
        """
        while True:
            try:
                frame = self._frames.recv_frame()
                self._fragments.validate(frame)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None
            except WebSocketConnectionClosedException as error:
                raise Disconnected("the connection was cut") from error
            except (OSError, WebSocketException) as error:
                raise Disconnected(getattr(error, "strerror", None) or str(error)) from error
            self.last_heard = time.monotonic()
            if frame.opcode == ABNF.OPCODE_PING:
                self._queue(_bytes(frame), ABNF.OPCODE_PONG)
            elif frame.opcode == ABNF.OPCODE_CLOSE:
                raise Disconnected(_close_reason(_bytes(frame)))
            elif frame.opcode != ABNF.OPCODE_PONG:
                self._fragments.add(frame)
                if frame.fin:
                    return bytes(self._fragments.extract(frame)[1].data)

    def close(self) -> None:
        """Say goodbye if the socket takes it now, and close."""
        self._queue(b"\x03\xe8", ABNF.OPCODE_CLOSE)
        self.flush()
        self._websocket.shutdown()

    def _queue(self, data: bytes, opcode: int) -> None:
        frame = ABNF.create_frame(data, opcode).format()
        self._outgoing.append(frame)
        self.outgoing_bytes += len(frame)

    def _receive(self, size: int) -> bytes:
        if (self._frames.length or 0) > _LONGEST_FRAME:
            raise WebSocketException("the server sent what is no frame of a remote command")
        data: bytes = self._socket.recv(min(size, _RECEIVE))
        if not data:
            raise WebSocketConnectionClosedException("end of stream")
        return data


def _close_reason(payload: bytes) -> str:
    """Return the words for a close frame: a 16-bit code, then a text."""
    if len(payload) < 2:
        return "the server closed the connection"
    code, text = int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
    return f"the server closed the connection ({code}{': ' + text if text else ''})"


def _bytes(frame: ABNF) -> bytes:
    return frame.data if isinstance(frame.data, bytes) else frame.data.encode()
