"""Questions to a real Prometheus: what it gives, where answers are cut, and what is refused before it is asked."""

from datetime import UTC, datetime, timedelta

import pytest
from kubernaut_simulator.telemetry import server as asking
from kubernaut_simulator.telemetry.server import MAX_POINTS, PrometheusServer, require_aware, selector

from kubernaut.errors import InputError

pytestmark = pytest.mark.xdist_group("prometheus")


def test_raw_samples_are_those_that_were_scraped(past):
    (found,) = past.server.raw(
        ["kube_deployment_spec_replicas"], past.began, past.ended, matchers={"namespace": "shop", "deployment": "web"}
    )

    assert found.times_s[0] == past.began.timestamp()
    assert set(found.values) == {2.0, 4.0}
    assert max(b - a for a, b in zip(found.times_s, found.times_s[1:], strict=False)) == 315


def test_a_range_of_more_points_than_prometheus_gives_is_cut(past, monkeypatch):
    step = timedelta(seconds=1)
    start = past.began - timedelta(hours=4)

    whole = past.server.ranged("kube_deployment_spec_replicas", start, past.ended, step)
    monkeypatch.setattr(asking, "MAX_POINTS", 10 * MAX_POINTS)
    with pytest.raises(InputError, match="11,000"):
        past.server.ranged("kube_deployment_spec_replicas", start, past.ended, step)

    assert (past.ended - start).total_seconds() > MAX_POINTS
    assert len(whole) == 1
    assert len(whole[0].times_s) == len(set(whole[0].times_s)) > 2000


def test_labels_narrow_what_is_asked_for(past):
    other = PrometheusServer(url=past.url, matchers={"job": "elsewhere"})

    assert other.raw(["kube_pod_info"], past.began, past.ended) == []
    assert other.narrowed('a{b="c"} / d{e="f"}') == 'a{job="elsewhere",b="c"} / d{job="elsewhere",e="f"}'
    assert past.server.narrowed('a{b="c"}') == 'a{b="c"}'


def test_too_many_samples_are_refused_with_what_to_do(past, monkeypatch):
    monkeypatch.setattr(asking, "MAX_SAMPLES", 100)

    with pytest.raises(InputError, match="one namespace"):
        past.server.raw(["kube_pod_status_phase"], past.began, past.ended)


def test_instants_without_a_time_zone_are_refused(past):
    with pytest.raises(InputError, match="no time zone"):
        past.server.raw(["up"], datetime(2026, 3, 1), past.ended)  # noqa: DTZ001 - that is what is refused
    with pytest.raises(InputError, match="no time zone"):
        require_aware(datetime(2026, 3, 1), "the start")  # noqa: DTZ001 - that is what is refused
    assert require_aware(datetime.fromisoformat("2026-03-01T13:00:00+01:00"), "x") == datetime(
        2026, 3, 1, 12, tzinfo=UTC
    )


@pytest.mark.parametrize("name", ["a b", 'x"}', "", "é"])
def test_only_names_get_into_a_query(name):
    with pytest.raises(InputError, match="no name of a metric"):
        selector([name], {})
    with pytest.raises(InputError, match="no name of a label"):
        selector(["up"], {name: "x"})


def test_values_of_labels_are_quoted():
    assert selector(["up"], {"a": 'b"\\\n'}) == 'up{a="b\\"\\\\\\n"}'
    assert selector(["b", "a"], {"x": "y"}) == '{__name__=~"a|b",x="y"}'


def test_a_server_that_is_not_there_says_which_and_what_to_check():
    with pytest.raises(InputError, match="check --url"):
        PrometheusServer(url="http://127.0.0.1:9", timeout_s=1).now("up", datetime.now(UTC))
    with pytest.raises(InputError, match="no URL"):
        PrometheusServer(url="prometheus:9090").now("up", datetime.now(UTC))
