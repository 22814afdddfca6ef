"""What exporters showed at an instant, without marks of staleness: what is gone is gone."""

from datetime import UTC, datetime, timedelta

from helpers.exported_series import Exposed, as_series
from kubernaut_simulator.telemetry.scrapes import Scrape, Scrapes

from kubernaut.facts.snapshot import Unobserved, UnobservedReason

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
POD = {"namespace": "shop", "pod": "web"}


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def info(**labels):
    return Exposed("kube_pod_info", {**POD, **labels}, 1.0)


def test_what_the_newest_scrape_does_not_show_is_gone():
    timeline = [(at(0), [info(), info(pod="other")]), (at(30), [info()])]
    scrapes = Scrapes(as_series(timeline))

    assert len(scrapes.at(at(10), namespace="shop").of("kube_pod_info")) == 2
    found = scrapes.at(at(40), namespace="shop")
    assert [one.labels["pod"] for one in found.of("kube_pod_info")] == ["web"]
    assert found.seen_at == at(30)


def test_a_label_that_changed_its_value_is_one_thing_and_not_two():
    condition = Exposed("kube_deployment_status_condition", {"namespace": "shop", "reason": "Old"}, 1.0)
    changed = condition._replace(labels={"namespace": "shop", "reason": "New"})
    scrapes = Scrapes(as_series([(at(0), [condition]), (at(30), [changed])]))

    (found,) = scrapes.at(at(31), namespace="shop").of(condition.metric)

    assert found.labels["reason"] == "New"


def test_labels_that_prometheus_renamed_are_the_exporters_own():
    renamed = info(namespace="monitoring", pod="ksm", exported_namespace="shop", exported_pod="web")
    found = Scrapes(as_series([(at(0), [renamed])])).at(at(1), namespace="shop")

    assert found.of("kube_pod_info", **POD)


def test_an_old_scrape_says_nothing():
    scrapes = Scrapes(as_series([(at(0), [info()])]))

    late = scrapes.at(at(200), namespace="shop")
    early = scrapes.at(at(-1), namespace="shop")

    assert isinstance(late, Unobserved)
    assert late.reason is UnobservedReason.STALE
    assert "200 s older" in late.detail
    assert isinstance(early, Unobserved)
    assert isinstance(scrapes.at(at(200), namespace="shop", max_age=timedelta(minutes=5)), Scrape)


def test_an_exporter_that_was_replaced_leaves_no_ghosts():
    old = as_series([(at(t), [info(pod="gone"), info()]) for t in (0, 15, 30)], instance="old:8080")
    new = as_series([(at(t), [info()]) for t in (65, 80)], instance="new:8080")

    found = Scrapes([*old, *new]).at(at(81), namespace="shop")

    assert [one.labels["pod"] for one in found.of("kube_pod_info")] == ["web"]


def test_shards_add_up_and_one_that_is_away_is_not_an_empty_namespace():
    shop = as_series([(at(t), [info()]) for t in (0, 15)], instance="shard-0:8080")
    nodes = as_series(
        [(at(t), [Exposed("kube_node_info", {"node": "n"}, 1.0)]) for t in range(2, 90, 15)], instance="1"
    )
    scrapes = Scrapes([*shop, *nodes])

    both = scrapes.at(at(18), namespace="shop")
    away = scrapes.at(at(80), namespace="shop")

    assert both.of("kube_pod_info")
    assert both.of("kube_node_info")
    assert isinstance(away, Unobserved)
    assert "was not scraped any more" in away.detail
