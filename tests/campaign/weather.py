"""What the whole cluster suffers for a while: an API server that answers late, a metrics API that is away.

The API server is made slow by pausing etcd for moments, so everything that asks it is struck: kubelet, controllers, the
operator, the campaign. That takes a cluster of this machine; elsewhere such incidents are left out and the data sheet
says so.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.boot import Cluster
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Resource

from .plan import Weather
from .shop import insist

PAUSED_S = 1.2
BETWEEN_S = 1.8
METRICS_API = Resource(
    group="apiregistration.k8s.io", version="v1", plural="apiservices", kind="APIService", namespaced=False
)
_METRICS = "v1beta1.metrics.k8s.io"


def can_be_made(weather: Weather, cluster: Cluster | None) -> bool:
    """Say whether a weather can be made here."""
    return weather is not Weather.API_SLOW or cluster is not None


@contextmanager
def weather_of(weather: Weather, api: Api, cluster: Cluster | None) -> Iterator[None]:
    """Let the cluster suffer a weather; whatever it was is mended at the end."""
    if weather is Weather.API_SLOW and cluster is not None:
        with _slow(cluster):
            yield
    elif weather is Weather.METRICS_AWAY:
        with _without_metrics(api):
            yield
    else:
        yield


@contextmanager
def _slow(cluster: Cluster) -> Iterator[None]:
    etcd = cluster.processes.find("etcd")
    if etcd is None:
        yield
        return
    over = threading.Event()

    def pause() -> None:
        while not over.wait(BETWEEN_S):
            etcd.suspend()
            try:
                over.wait(PAUSED_S)
            finally:
                etcd.resume()

    thread = threading.Thread(target=pause, name="slow-api-server")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _without_metrics(api: Api) -> Iterator[None]:
    found = insist(lambda: api.get(METRICS_API, _METRICS))
    insist(lambda: api.delete(METRICS_API, _METRICS), missing_is_fine=True)
    try:
        yield
    finally:
        again = {key: found[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": _METRICS}}
        insist(lambda: api.create(METRICS_API, again))
