"""What answers in an API server's place: a proxy with a page of its own, a server that ends every watch at once."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.leadership import Leadership
from kubernaut_operator.kernel.manager import Manager
from kubernaut_operator.kernel.resources import Key, Resource
from kubernaut_operator.kernel.watching import Watcher
from kubernetes.client import ApiClient, Configuration
from prometheus_client import CollectorRegistry

from kubernaut.errors import UnreachableError

CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")
LIST = json.dumps({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "one", "namespace": "shop"}}]})


@pytest.fixture
def served():
    """Give what serves a text for lists and another for watches, as an API and with the paths asked for."""
    running = []

    def serve(*, listed, watched=""):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                body = (watched if "watch=true" in self.path else listed).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = Configuration(host=f"http://127.0.0.1:{server.server_port}")
        client.retries = False
        api = Api(ApiClient(client))
        running.append((server, api))
        return api, asked

    yield serve
    for server, api in running:
        api.close()
        server.shutdown()
        server.server_close()


def test_a_page_of_a_proxy_is_no_answer_of_an_api_server(served):
    api, _ = served(listed="<html>sign in</html>")

    with pytest.raises(UnreachableError, match=r"GET /api/v1/namespaces/shop/configmaps/one: the answer is no JSON"):
        api.get(CONFIG_MAPS, "one", "shop")


def test_watches_that_end_at_once_are_not_asked_for_as_fast_as_they_end(served):
    api, asked = served(listed=LIST)
    woken = []
    watcher = Watcher(api, CONFIG_MAPS, woken.append, random=Random(0))

    watcher.start()
    time.sleep(1.2)
    watcher.end()

    assert woken == [Key("shop", "one")]
    assert len([path for path in asked if "watch=true" in path]) <= 3


def test_a_dead_striving_for_the_lead_makes_the_process_unhealthy(served):
    api, _ = served(listed="[]")
    leadership = Leadership(api, namespace="shop", name="one", identity="a", on_lost=lambda: None)
    manager = Manager(
        registry=CollectorRegistry(), controllers=[], watchers=[], leadership=leadership, host="127.0.0.1", port=0
    )
    manager._striving = True

    assert manager._dead() == "the thread that keeps the lead ended"
    manager.end()
    assert manager._dead() == ""
    manager.endpoints._server.server_close()
