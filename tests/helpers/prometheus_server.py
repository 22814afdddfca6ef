"""Debian's Prometheus: what it is started with, when it answers, what it is asked.

One place for the cluster's own Prometheus (`tests/cluster/telemetry.py`) and for tests that start one beside themselves.
It always gets a port and a folder of its own, so a Prometheus that the machine already runs on 9090 is not met.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

PROGRAMS = ("prometheus", "promtool")
_READY_LIMIT_S = 30.0
_POLL_S = 0.1


class PrometheusUnavailableError(Exception):
    """There is no Prometheus here, or it did not start; the text says why."""


def prometheus_missing() -> list[str]:
    """Name which of Prometheus's programs this machine lacks; Debian's package `prometheus` brings both."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def require_prometheus() -> None:
    """Skip the test where Prometheus is missing; with KUBERNAUT_REQUIRE_PROMETHEUS set, that is a failure."""
    missing = prometheus_missing()
    if not missing:
        return
    why = f"no {', '.join(missing)} here: apt-get install prometheus"
    if os.environ.get("KUBERNAUT_REQUIRE_PROMETHEUS"):
        pytest.fail(f"KUBERNAUT_REQUIRE_PROMETHEUS is set and there is {why}")
    pytest.skip(why)


def prometheus_argv(
    *, config: Path, data: Path, port: int, host: str = "127.0.0.1", retention: str = "2h"
) -> list[str | Path]:
    """Give what Prometheus is started with.

    Parameters
    ----------
    config : Path
        Of its `prometheus.yml`.
    data : Path
        Folder of its series; may hold blocks that `promtool tsdb create-blocks-from` wrote.
    port : int
        To listen at; free before the start.
    host : str
        Address to listen at; loopback unless pods have to reach it.
    retention : str
        A duration as Prometheus writes it; raise it where old samples were filled in.

    Raises
    ------
    PrometheusUnavailableError
        It is not installed.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise PrometheusUnavailableError("no Prometheus here: apt-get install prometheus")
    return [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--storage.tsdb.retention.time={retention}",
        f"--web.listen-address={host}:{port}",
        "--log.level=warn",
    ]


def prometheus_ready(url: str) -> bool:
    """Say whether a Prometheus calls itself ready."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def ask_prometheus(url: str, query: str) -> list[dict[str, Any]]:
    """Give the series of an instant query: each with `metric` (its labels) and `value` (time, text of the number)."""
    parameters = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"{url}/api/v1/query?{parameters}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


@contextmanager
def prometheus_server(
    folder: Path, *, config: Mapping[str, object] | None = None, retention: str = "2h"
) -> Iterator[str]:
    """Run a Prometheus of the test's own and give its URL.

    Parameters
    ----------
    folder : Path
        Of configuration, log and series (`data`, which may be filled before).
    config : mapping, optional
        What `prometheus.yml` holds; nothing is scraped without it.
    retention : str
        As for `prometheus_argv`.

    Raises
    ------
    PrometheusUnavailableError
        It is not installed, or did not get ready; the text holds its log.
    """
    path, log = folder / "prometheus.yml", folder / "prometheus.log"
    path.write_text(yaml.safe_dump(dict(config or {"scrape_configs": []})))
    port = _free_port()
    argv = prometheus_argv(config=path, data=folder / "data", port=port, retention=retention)
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output) as server:
        try:
            _wait(server, url, log)
            yield url
        finally:
            server.terminate()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_LIMIT_S
    while not prometheus_ready(url):
        if server.poll() is not None or time.monotonic() > deadline:
            raise PrometheusUnavailableError(
                f"Prometheus did not get ready:\n{log.read_text(errors='replace')[-3000:]}"
            )
        time.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
