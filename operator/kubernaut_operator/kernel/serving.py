"""`/healthz`, `/readyz` and `/metrics` over plain HTTP, for the kubelet and Prometheus.

`/healthz` answers 500 when the process should be restarted, `/readyz` 503 when it is not ready to work; both say why
in a line each.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

SILENCE_LIMIT_S = 10.0
"""A connection that nothing is asked on for so long is closed: each holds a thread."""

Check = Callable[[], str]
"""Gives what is wrong, or nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = SILENCE_LIMIT_S

    def handle(self) -> None:
        """Answer one request; who sends none gives up a thread of ours by that."""
        try:
            super().handle()
        except TimeoutError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing: probes come every few seconds."""


class Endpoints:
    """The process's HTTP endpoints.

    Parameters
    ----------
    port : int
        0 takes a free one.
    healthy, ready : mapping of str to Check
        By what they check.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str,
        port: int,
        healthy: Mapping[str, Check],
        ready: Mapping[str, Check],
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._checks = {
            "/healthz": (healthy, "500 Internal Server Error"),
            "/readyz": (ready, "503 Service Unavailable"),
        }
        self._server = make_server(host, port, self._answer, server_class=_Server, handler_class=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, name="endpoints", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def end(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start_response)
            return answer
        if path not in self._checks:
            return _plain(start_response, "404 Not Found", "there are /healthz, /readyz and /metrics\n")
        checks, failed = self._checks[path]
        found = {name: check() for name, check in checks.items()}
        lines = "".join(f"- {name}: {wrong}\n" if wrong else f"+ {name}\n" for name, wrong in found.items())
        return _plain(start_response, failed if any(found.values()) else "200 OK", lines or "ok\n")


def _plain(start_response: Any, status: str, text: str) -> list[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]
