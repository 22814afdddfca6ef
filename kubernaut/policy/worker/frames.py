"""How client and worker talk: length-prefixed frames of a JSON header and raw texts, over a Unix stream socket.

A frame is 4 bytes of length, 4 bytes of header length, the header (JSON, UTF-8), then the texts, whose sizes the
header lists: an input is turned into JSON once, by the client, and never quoted again. Standard library only, since the
worker imports it.
"""

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

PROTOCOL = 3
"""Raised with every change of a frame; both sides say theirs in the hello."""

MAX_FRAME_BYTES = 64 << 20
"""64 MiB: a chunk of inputs, or a plan, is far below."""

_LENGTHS = struct.Struct("!II")


class FrameError(Exception):
    """The other side sent what is no frame."""


class Frame(NamedTuple):
    """One message.

    Attributes
    ----------
    header : dict
        With `kind`.
    texts : list of str
    """

    header: dict[str, Any]
    texts: list[str]


def send_frame(connection: socket.socket, header: dict[str, Any], texts: Sequence[str] = ()) -> None:
    """Send one message; raises OSError when the other side is gone."""
    encoded = [text.encode() for text in texts]
    head = json.dumps({**header, "sizes": [len(one) for one in encoded]}, separators=(",", ":")).encode()
    total = 4 + len(head) + sum(map(len, encoded))
    if total > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {total} bytes is larger than {MAX_FRAME_BYTES}")
    connection.sendall(b"".join((_LENGTHS.pack(total, len(head)), head, *encoded)))


def receive_frame(connection: socket.socket) -> Frame | None:
    """Wait for one message; None when the other side has closed.

    Raises
    ------
    FrameError
        What came is no frame, or the other side went away in the middle of one.
    TimeoutError
        The socket's own time limit passed.
    """
    lengths = _exactly(connection, _LENGTHS.size, may_end=True)
    if lengths is None:
        return None
    total, head_size = _LENGTHS.unpack(lengths)
    if total > MAX_FRAME_BYTES or head_size > total - 4:
        raise FrameError("the length of a frame is out of bounds")
    body = _exactly(connection, total - 4, may_end=False) or b""
    try:
        header = json.loads(body[:head_size])
        sizes = header["sizes"]
        texts = []
        start = head_size
        for size in sizes:
            texts.append(body[start : start + size].decode())
            start += size
    except (ValueError, KeyError, TypeError) as error:
        raise FrameError(f"a frame cannot be read: {error}") from error
    if start != len(body):
        raise FrameError("a frame's sizes do not add up")
    return Frame(header, texts)


def _exactly(connection: socket.socket, size: int, *, may_end: bool) -> bytes | None:
    parts: list[bytes] = []
    missing = size
    while missing:
        part = connection.recv(min(missing, 1 << 20))
        if not part:
            if may_end and missing == size:
                return None
            raise FrameError("the connection ended in the middle of a frame")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
