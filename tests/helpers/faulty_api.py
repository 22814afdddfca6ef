"""An HTTP proxy before a real API server: it keeps every write in order and makes the faults that a test asks for.

The program under test speaks plain HTTP to it, with a bearer token; the proxy speaks TLS to the API server. What it can
do to a request: hold it, answer it itself (409, 429, 500), cut the connection before or after the server carried it
out. What it can do to watches: stop relaying their bytes while the connection stays open, as a dead router does.
It knows nothing of what the requests mean.
"""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import yaml

READING = frozenset({"GET", "HEAD"})
UPSTREAM_LIMIT_S = 120.0

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade"})


class Cut(StrEnum):
    """Where a connection is cut."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is done to one request.

    Attributes
    ----------
    delay_s : float, unit s
        Before it is forwarded.
    status : int or None
        Answer so, and do not forward it.
    retry_after_s : int or None, unit s
        Of an answer of our own.
    reason : str
        Of an answer of our own; Kubernetes' word, e.g. ``Conflict``.
    cut : Cut or None
        Close the connection before the server sees the request, or after it carried it out.
    """

    delay_s: float = 0.0
    status: int | None = None
    retry_after_s: int | None = None
    reason: str = ""
    cut: Cut | None = None


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as it came.

    Attributes
    ----------
    number : int
        Place among the writes, from 0; -1 for one that only reads.
    path : str
        Without the query.
    query : mapping of str to str
    body : object
        Decoded JSON; None without a body.
    at : float, unit s
        Monotonic time of its coming.
    status : int or None
        Of the API server's answer, or ours; None while there is none.
    forwarded : bool
        Whether it reached the API server.
    answer : object
        Decoded JSON of the API server's answer to a write; None without one.
    """

    number: int
    method: str
    path: str
    query: dict[str, str]
    body: Any
    at: float
    status: int | None = None
    forwarded: bool = False
    answer: Any = None

    @property
    def writes(self) -> bool:
        """Whether it may change something; a dry run and a review are writes in form alone."""
        return self.method not in READING

    @property
    def may_change(self) -> bool:
        """Whether it would change something if it were carried out."""
        return (
            self.writes
            and self.query.get("dryRun") is None
            and not self.path.endswith(("/token", "subjectaccessreviews"))
        )

    @property
    def changes(self) -> bool:
        """Whether it reached the API server and really changed something there."""
        return self.may_change and self.forwarded and self.status is not None and self.status < http.client.BAD_REQUEST

    @property
    def watches(self) -> bool:
        """Whether it asks for a watch."""
        return self.query.get("watch") == "true"

    def __str__(self) -> str:
        return f"{self.number}: {self.method} {self.path} -> {self.status}"


@dataclass(slots=True)
class FaultyApi:
    """The proxy. Use it as a context manager.

    Attributes
    ----------
    server : str
        URL of the real API server.
    authority : Path
        Its certificate authority.
    fault_of : callable or None
        Asked for each request what is to be done to it; called on the request's own thread, so it may wait.
    answered : callable or None
        Told each request that the API server has answered, before the answer is passed on.
    requests : list of Request
        All, in order of coming.
    """

    server: str
    authority: Path
    fault_of: Callable[[Request], Fault | None] | None = None
    answered: Callable[[Request], None] | None = None
    requests: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: threading.Event = field(default_factory=threading.Event)
    _streams: int = 0
    _silent_below: int = 0
    _writes: int = 0
    _http: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._open.set()
        self._http = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        threading.Thread(target=self._http.serve_forever, name="faulty API", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._http is None:
            raise RuntimeError("the proxy has not been entered")
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def writes(self) -> list[Request]:
        """Every request that is no reading one, in order."""
        with self._lock:
            return [request for request in self.requests if request.writes]

    @property
    def changes(self) -> list[Request]:
        """Every write that the API server carried out, in order."""
        return [request for request in self.writes if request.changes]

    def pause(self) -> None:
        """Let no request through until `resume`; the connections stay open."""
        self._open.clear()

    def resume(self) -> None:
        """Let requests through again."""
        self._open.set()

    def silence_watches(self) -> None:
        """Relay no further byte of the watches that run now; their connections stay open."""
        with self._lock:
            self._silent_below = self._streams

    def kubeconfig(self, path: Path, *, token: str) -> Path:
        """Write a kubeconfig that leads to the proxy, and give its path."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "faulty", "cluster": {"server": self.url}}],
            "users": [{"name": "operator", "user": {"token": token}}],
            "contexts": [{"name": "faulty", "context": {"cluster": "faulty", "user": "operator"}}],
            "current-context": "faulty",
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path

    def _came(self, method: str, target: str, body: bytes) -> Request:
        split = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(split.query).items()}
        request = Request(
            number=-1, method=method, path=split.path, query=query, body=_decoded(body), at=time.monotonic()
        )
        with self._lock:
            if request.writes:
                request.number, self._writes = self._writes, self._writes + 1
            self.requests.append(request)
        return request

    def _stream(self) -> int:
        with self._lock:
            self._streams += 1
            return self._streams - 1

    def _silent(self, stream: int) -> bool:
        return stream < self._silent_below


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the program under test is killed in the middle of requests."""


class _Handler(BaseHTTPRequestHandler):
    api: FaultyApi
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Take one request of any method."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self._relay()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = self.api._came(self.command, self.path, body)
        self.api._open.wait()
        fault = (self.api.fault_of(request) if self.api.fault_of else None) or Fault()
        time.sleep(fault.delay_s)
        if fault.cut is Cut.BEFORE:
            self.close_connection = True
            return
        if fault.status is not None:
            self._answer_ourselves(request, fault)
            return
        upstream = self._upstream()
        try:
            request.forwarded = True
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            upstream.request(self.command, self.path, body or None, headers)
            response = upstream.getresponse()
            request.status = response.status
            if request.watches and response.status == http.client.OK:
                self._relay_stream(response)
                return
            content = response.read()
            if request.writes:
                request.answer = _decoded(content)
            if self.api.answered:
                self.api.answered(request)
            if fault.cut is Cut.AFTER:
                self.close_connection = True
                return
            self._pass_on(response, content)
        finally:
            upstream.close()

    def _upstream(self) -> http.client.HTTPSConnection:
        address = urlsplit(self.api.server)
        context = ssl.create_default_context(cafile=str(self.api.authority))
        return http.client.HTTPSConnection(
            address.hostname or "", address.port, context=context, timeout=UPSTREAM_LIMIT_S
        )

    def _pass_on(self, response: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _relay_stream(self, response: http.client.HTTPResponse) -> None:
        """Pass a watch on piece by piece; once silenced, hold the connection and pass nothing."""
        stream = self.api._stream()
        self.close_connection = True
        self.send_response_only(response.status)
        self.send_header("Content-Type", response.headers.get("Content-Type", "application/json"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := response.read1(65536):
            if self.api._silent(stream):
                continue
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        if not self.api._silent(stream):
            self.wfile.write(b"0\r\n\r\n")

    def _answer_ourselves(self, request: Request, fault: Fault) -> None:
        request.status = fault.status
        content = json.dumps(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "code": fault.status,
                "reason": fault.reason,
                "message": "a fault that a test asked for",
            }
        ).encode()
        self.send_response_only(fault.status or 500)
        self.send_header("Content-Type", "application/json")
        if fault.retry_after_s is not None:
            self.send_header("Retry-After", str(fault.retry_after_s))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _decoded(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
