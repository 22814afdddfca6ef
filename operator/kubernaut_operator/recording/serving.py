"""The history files of this pod over HTTP, read only, on the pod's own loopback address.

Nothing outside of the pod reaches that address but a port-forward, which the API server grants by the right on
``pods/portforward``: that right is the permission, and there is no other door. So neither shell nor tar is needed in
the image.

``GET /history`` lists the files, ``GET /history/<name>`` gives one, or with ``Range: bytes=FROM-TO`` a part of it. Each
replica serves what stands on its own volume, whether it leads or not.
"""

import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog

from kubernaut.errors import ApiError, InputError
from kubernaut_operator.recording.folder import File, files_of

HOST = "127.0.0.1"
ROOT = "/history"

LISTING_VERSION = 1
"""Raised when a key of the listing changes its meaning."""

SILENCE_LIMIT_S = 60.0
"""A connection that nothing is asked on for so long is closed: each holds a thread."""

_PIECE = 1 << 16
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")

_log = structlog.get_logger(__name__)


class HistoryEndpoint:
    """Serves one pod's files of history.

    Parameters
    ----------
    folder : Path
        Need not be there yet.
    pod : str
        Whose files.
    port : int
        0 takes a free one.
    cluster : callable
        Gives the cluster's UID, so that histories of two clusters are not taken for one; may raise ApiError.

    Raises
    ------
    InputError
        The port is taken.
    """

    def __init__(self, folder: Path, *, pod: str, port: int, cluster: Callable[[], str]) -> None:
        self._folder = folder
        self._pod = pod
        self._cluster = cluster
        try:
            self._server = ThreadingHTTPServer((HOST, port), self._handler())
        except OSError as error:
            raise InputError(f"--history-port {port}: {error.strerror or error}; give another one") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="history endpoint", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()
        _log.info("serving history", host=HOST, port=self.port)

    def end(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def files(self) -> list[File]:
        """List the files there are."""
        try:
            return list(files_of(self._folder, self._pod))
        except FileNotFoundError:
            return []

    def listing(self) -> dict[str, Any]:
        """Give what ``GET /history`` answers."""
        try:
            cluster = self._cluster()
        except ApiError:
            cluster = ""
        return {
            "version": LISTING_VERSION,
            "cluster": cluster,
            "pod": self._pod,
            "files": [
                {
                    "name": file.path.name,
                    "bytes": file.size,
                    "modified": datetime.fromtimestamp(file.modified_s, UTC).isoformat(),
                }
                for file in self.files()
            ],
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(_Handler):
            history = endpoint

        return Handler


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection, which may ask for many parts."""

    history: HistoryEndpoint
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_LIMIT_S

    def do_GET(self) -> None:
        """Answer with the listing, a file, or why not."""
        path = unquote(urlsplit(self.path).path)
        try:
            if path == ROOT:
                self._text(HTTPStatus.OK, json.dumps(self.history.listing()), kind="application/json")
                return
            # Only names that the listing gives: nothing else of the volume can be asked for.
            named = {f"{ROOT}/{file.path.name}": file for file in self.history.files()}
            if path not in named:
                self._text(HTTPStatus.NOT_FOUND, f"there are {ROOT} and {ROOT}/<file>, with the files that it lists\n")
                return
            self._file(named[path].path)
        except ConnectionError:
            self.close_connection = True
        except OSError as error:
            _log.warning("history could not be served", path=path, error=str(error))
            self.close_connection = True
            self._text(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error.strerror or error}\n")

    def _file(self, path: Path) -> None:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            asked = self.headers.get("Range")
            first, behind = (0, size) if asked is None else _part(asked, size)
            if first >= behind > 0 or first > size:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(HTTPStatus.OK if asked is None else HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(behind - first))
            if asked is not None:
                self.send_header("Content-Range", f"bytes {first}-{behind - 1}/{size}")
            self.end_headers()
            file.seek(first)
            left = behind - first
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                self.wfile.write(piece)
                left -= len(piece)
            # A file that was cut meanwhile: the other side sees that bytes are missing.
            self.close_connection |= left > 0

    def _text(self, status: HTTPStatus, text: str, *, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: whoever fetches asks for hundreds of parts."""


def _part(asked: str, size: int) -> tuple[int, int]:
    """Give the first byte asked for and the one behind the last; an impossible part where the header is none."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None:
        return size + 1, size
    first = int(match[1])
    return first, min(int(match[2]) + 1, size) if match[2] else size
