"""Queries put to a real Prometheus, and what servers answer that are none, or are not well."""

import json
import subprocess
import threading
import time
import urllib.parse
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from helpers.prometheus_server import prometheus_missing, prometheus_server
from kubernaut_operator.live_facts.fetching import Deadline
from kubernaut_operator.live_facts.prometheus import MAX_ANSWER_BYTES, Prometheus
from kubernaut_operator.live_facts.prometheus_facts import PrometheusFacts
from kubernaut_operator.live_facts.question import Question

from kubernaut.errors import SettingsError
from kubernaut.facts.objects import Target
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

WEB = Target(namespace="shop", name="web")
STEP_S = 5
KEPT_S = 600


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """A Prometheus that holds the last ten minutes of two pods: a quarter of their CPU periods was throttled."""
    if prometheus_missing():
        pytest.skip("no Prometheus here: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    now = int(time.time())
    lines = ["# TYPE container_cpu_cfs_periods counter", "# TYPE container_cpu_cfs_throttled_periods counter"]
    for name, rate in (("container_cpu_cfs_throttled_periods", 5), ("container_cpu_cfs_periods", 20)):
        for pod in ("web-7d9c4bf86b-x2b4c", "web-7d9c4bf86b-zz9tq"):
            labels = f'{{namespace="shop",pod="{pod}"}}'
            lines += [f"{name}_total{labels} {rate * age} {now - KEPT_S + age}" for age in range(0, KEPT_S + 1, STEP_S)]
    # Another workload whose name begins alike is throttled all the time.
    for name in ("container_cpu_cfs_throttled_periods", "container_cpu_cfs_periods"):
        labels = '{namespace="shop",pod="web-api-5bd6c7b6d9-8k2lm"}'
        lines += [f"{name}_total{labels} {50 * age} {now - KEPT_S + age}" for age in range(0, KEPT_S + 1, STEP_S)]
    lines += ["# TYPE depth gauge", f'depth{{queue="a",namespace="shop"}} 7 {now - 100}']
    lines += [f'depth{{queue="b",namespace="shop"}} 3 {now}', "# EOF", ""]
    text = folder / "series.om"
    text.write_text("\n".join(_grouped(lines)))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, folder / "data"],
        check=True,
        capture_output=True,
    )
    with prometheus_server(folder) as url:
        yield url


def _grouped(lines):
    """OpenMetrics wants each metric's samples under its TYPE line."""
    types = [line for line in lines if line.startswith("# TYPE")]
    for line in types:
        yield line
        name = line.split()[2]
        yield from (one for one in lines if one.startswith((f"{name}_total{{", f"{name}{{")))
    yield "# EOF"
    yield ""


def number(url, query, **more):
    facts = PrometheusFacts(Prometheus(url), clock=lambda: datetime.now(UTC))
    return facts.number(query, Question(target=WEB, parameters={}, **more), Deadline(5.0))


def test_a_query_gives_its_number(prometheus):
    assert number(prometheus, 'depth{queue="b",namespace="$namespace"}') == 3.0
    assert number(prometheus, "scalar(depth{queue='b'}) * 2") == 6.0


def test_the_registered_fact_counts_the_targets_own_pods_alone(prometheus):
    facts = PrometheusFacts(Prometheus(prometheus), clock=lambda: datetime.now(UTC))

    ratio = facts.fact("cpu_throttling_ratio", Question(target=WEB, parameters={}), Deadline(5.0))

    assert ratio == pytest.approx(0.25)


def test_a_window_that_reaches_back_before_the_actions_end_is_stale(prometheus):
    now = datetime.now(UTC)
    query = "sum(rate(container_cpu_cfs_periods_total[2m]))"

    stale = number(prometheus, query, action_ended_at=now - timedelta(seconds=60))

    assert stale.reason is UnobservedReason.STALE
    assert stale.detail.startswith("the query looks back 120 s, to before the action's end at 20")
    assert number(prometheus, query, action_ended_at=now - timedelta(seconds=118)) > 0
    assert number(prometheus, query, action_ended_at=now - timedelta(seconds=300)) > 0


def test_an_old_prometheus_may_give_old_samples_so_that_now_is_late(prometheus):
    query = 'depth{queue="a"}'
    assert number(prometheus, query) == 7.0

    since = number(prometheus, query, action_ended_at=datetime.now(UTC) - timedelta(seconds=30))

    assert since.reason is UnobservedReason.STALE
    assert number(prometheus, query, action_ended_at=datetime.now(UTC) - timedelta(seconds=298)) == 7.0


@pytest.mark.parametrize(
    ("query", "reason", "said"),
    [
        ("depth", UnobservedReason.UNREADABLE, "gives 2 samples; a fact is one number: aggregate them"),
        ("absent_metric", UnobservedReason.NOT_PROVIDED, "the query gives no sample"),
        ("vector(0) / 0", UnobservedReason.UNREADABLE, "the query gives NaN"),
        ("vector(1) / 0", UnobservedReason.UNREADABLE, "the query gives +Inf"),
        ("depth[5m]", UnobservedReason.UNREADABLE, "the query gives a matrix"),
        ('"text"', UnobservedReason.UNREADABLE, "the query gives a string"),
        ("sum(", UnobservedReason.UNREADABLE, "answered 400: "),
    ],
)
def test_what_is_not_one_number_is_a_reason(prometheus, query, reason, said):
    answer = number(prometheus, query)

    assert answer.reason is reason
    assert said in answer.detail


def test_without_a_prometheus_its_facts_are_not_provided():
    facts = PrometheusFacts(None, clock=lambda: datetime.now(UTC))

    answer = facts.fact("cpu_throttling_ratio", Question(target=WEB, parameters={}), Deadline(5.0))

    assert answer.reason is UnobservedReason.NOT_PROVIDED
    assert "--prometheus-url" in answer.detail


def test_a_pod_is_not_asked_for_what_is_told_of_its_deployment(prometheus):
    facts = PrometheusFacts(Prometheus(prometheus), clock=lambda: datetime.now(UTC))
    pod = Target(kind="Pod", namespace="shop", name="web-7d9c4bf86b-x2b4c")

    answer = facts.fact("cpu_throttling_ratio", Question(target=pod, parameters={}), Deadline(5.0))

    assert answer == Unobserved(UnobservedReason.NOT_PROVIDED, "it is asked for a Deployment, and the target is a Pod")


def test_a_name_that_is_none_is_never_sent():
    facts = PrometheusFacts(Prometheus("http://127.0.0.1:1"), clock=lambda: datetime.now(UTC))
    target = Target(namespace="shop", name='web"} or vector(0) #')

    answer = facts.number('up{pod="$name"}', Question(target=target, parameters={}), Deadline(5.0))

    assert answer.reason is UnobservedReason.UNREADABLE
    assert "no name that may be put into a query" in answer.detail


@pytest.mark.parametrize(
    "url",
    ["prometheus:9090", "ftp://prometheus", "http://", "http://a:b@prometheus", "http://p/?x=1", "file:///etc/passwd"],
)
def test_a_url_that_cannot_be_asked_is_refused_at_the_start(url):
    with pytest.raises(SettingsError, match="Prometheus' URL"):
        Prometheus(url)


# --- servers that are not as they should be ---


@contextmanager
def http_server(answer):
    """Run a server that answers every POST by `answer(handler)`, and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.form = dict(urllib.parse.parse_qsl(text))
            answer(self)

        def log_message(self, *arguments):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *arguments):
            pass  # a client that hangs up is what the test is about

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def said(status, body, **headers):
    def answer(handler):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def vector(*samples, **more):
    result = [{"metric": {}, "value": sample} for sample in samples]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **more}


GOOD = vector([1700000000.5, "2"])


def test_a_newer_prometheus_is_told_how_old_a_sample_may_be():
    asked = []

    def answer(handler):
        asked.append(handler.form)
        valid = handler.form.get("lookback_delta", "1ms").endswith("ms")
        said(*((200, vector([time.time(), "2"])) if valid else (400, {"status": "error", "error": "no duration"})))(
            handler
        )

    with http_server(answer) as url:
        facts = PrometheusFacts(Prometheus(url), clock=lambda: datetime.now(UTC))
        for ago_s in (30, 3000):
            ended = datetime.now(UTC) - timedelta(seconds=ago_s)
            question = Question(target=WEB, parameters={}, action_ended_at=ended)
            assert facts.number("up", question, Deadline(5.0)) == 2.0
            assert facts.number("sum(rate(x[2s]))", question, Deadline(5.0)) == 2.0

    told = [(form["query"], form.get("lookback_delta")) for form in asked]
    assert told[0] == ("1", "none")
    assert told[1][0] == "up"
    assert 35_000 <= int(told[1][1].removesuffix("ms")) < 36_000
    assert told[2:] == [("sum(rate(x[2s]))", None), ("up", "300000ms"), ("sum(rate(x[2s]))", None)]
    assert all(0 < int(form["timeout"].removesuffix("ms")) <= 5000 for form in asked)


def test_no_redirect_is_followed():
    met = []
    with http_server(lambda handler: (met.append(handler.path), said(200, GOOD)(handler))) as other:
        for status in (301, 302, 307, 308):
            with http_server(said(status, b"", Location=f"{other}/secret")) as url:
                answer = number(url, "up")
            assert answer.reason is UnobservedReason.UNREADABLE
            assert answer.detail.endswith(f"answers with a redirect to {other}/secret; none is followed")
    assert met == []


@pytest.mark.parametrize(
    ("status", "body", "reason", "text"),
    [
        (200, b"x" * (MAX_ANSWER_BYTES + 1), UnobservedReason.UNREADABLE, "larger than 64 KiB"),
        (200, b"<html>", UnobservedReason.UNREADABLE, "answered 200: <html>"),
        (200, b"[" * 50_000, UnobservedReason.UNREADABLE, "answered 200: [["),
        (200, b"", UnobservedReason.UNREADABLE, "answered 200: nothing"),
        (200, [], UnobservedReason.UNREADABLE, "no answer of Prometheus'"),
        (200, {"status": "success"}, UnobservedReason.UNREADABLE, "another form"),
        (200, vector([1e300, "2"]), UnobservedReason.UNREADABLE, "another form"),
        (200, vector(["now", "2"]), UnobservedReason.UNREADABLE, "another form"),
        (200, vector([1700000000, "2"], warnings=["some stores timed out"]), UnobservedReason.UNREADABLE, "not whole"),
        (401, b"who are you", UnobservedReason.FORBIDDEN, "answered 401: who are you"),
        (403, b"no", UnobservedReason.FORBIDDEN, "answered 403"),
        (404, b"no such page", UnobservedReason.API_MISSING, "answered 404"),
        (422, {"status": "error", "error": "many-to-many"}, UnobservedReason.UNREADABLE, "422: many-to-many"),
        (503, {"status": "error", "error": "query timed out"}, UnobservedReason.TIMED_OUT, "query timed out"),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_reason(status, body, reason, text):
    with http_server(said(status, body)) as url:
        answer = number(url, "up")

    assert answer.reason is reason
    assert text in answer.detail


def test_advice_of_promql_is_no_warning():
    with http_server(said(200, vector([1700000000, "2"], warnings=["PromQL info: might not be a counter"]))) as url:
        assert number(url, "up") == 2.0


def test_a_compressed_answer_is_not_unpacked():
    with http_server(said(200, b"\x1f\x8b", Content_Encoding="gzip")) as url:
        assert "compressed" in number(url, "up").detail


def test_a_path_before_the_api_is_kept():
    paths = []
    with http_server(lambda handler: (paths.append(handler.path), said(200, GOOD)(handler))) as url:
        assert number(f"{url}/prometheus/", "up") == 2.0
    assert paths == ["/prometheus/api/v1/query"]


def never(handler):
    time.sleep(6)


def drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def hang_up(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")


@pytest.mark.parametrize("slowness", [never, drip])
def test_a_slow_answer_costs_no_more_than_the_limit(slowness):
    with http_server(slowness) as url:
        began = time.monotonic()
        answer = Prometheus(url).query("up", lookback=None, deadline=Deadline(0.5))
        took_s = time.monotonic() - began

    assert answer == Unobserved(UnobservedReason.TIMED_OUT, "Prometheus gave no answer within 0.5 s")
    assert took_s < 4.0


def test_an_answer_that_breaks_off_and_a_server_that_is_not_there_are_reasons():
    with http_server(hang_up) as url:
        broken = number(url, "up")
    gone = number(url, "up")

    assert broken.reason is gone.reason is UnobservedReason.API_MISSING
    assert "does not answer" in broken.detail
    assert "cannot be reached" in gone.detail


def test_no_time_left_means_nothing_is_asked():
    late = Prometheus("http://127.0.0.1:1").query("up", lookback=None, deadline=Deadline(0.0))

    assert late.reason is UnobservedReason.TIMED_OUT
