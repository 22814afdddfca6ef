import pytest
from kubernaut_operator.live_facts.wanted import wanted_by

from kubernaut.facts.definitions import ALL_PODS, RIGHTS
from kubernaut.facts.reading import kinds_to_read
from kubernaut.facts.registry import REGISTRY


@pytest.mark.parametrize("reads", [None, ((),), (("ready_nodes",), ())])
def test_everything_means_every_fact_and_whatever_it_rests_on(reads):
    wanted = wanted_by(reads, "Deployment")

    assert wanted.facts is None
    assert wanted.custom is None
    assert wanted.queries == {"cpu_throttling_ratio"}
    kinds = kinds_to_read(((),), "Deployment")
    assert wanted.kinds == kinds.required | kinds.improving
    assert wanted.kinds <= set(RIGHTS)


def test_only_what_is_read_is_wanted():
    wanted = wanted_by((("pods", "*", "status"), ("custom", "depth", "now"), ("settings", "limit")), "Deployment")

    assert wanted.facts == {"pods"}
    assert wanted.kinds == {"Pod", "Deployment", "ReplicaSet"}
    assert wanted.queries == set()
    assert wanted.custom == {"depth"}


def test_metrics_are_wanted_by_the_fields_that_come_from_them():
    assert "PodMetrics" not in wanted_by((("pods", "*", "name"),), "Deployment").kinds
    assert "PodMetrics" in wanted_by((("pods", "*", "cpu_usage"),), "Deployment").kinds
    assert "PodMetrics" in wanted_by((("pods",),), "Deployment").kinds


def test_room_is_wanted_of_the_whole_cluster():
    assert wanted_by((("available_cpu",),), "Deployment").kinds == {"Node", ALL_PODS, "Deployment"}


@pytest.mark.parametrize("reads", [(("custom",),), (("custom", "*"),)])
def test_custom_facts_may_be_read_all_at_once(reads):
    wanted = wanted_by(reads, "Deployment")

    assert wanted.custom is None
    assert wanted.facts == wanted.kinds == set()


def test_a_query_is_asked_only_when_it_is_read():
    assert wanted_by((("cpu_throttling_ratio",),), "Deployment").queries == {"cpu_throttling_ratio"}
    assert all(name in REGISTRY for name in wanted_by(None, "Pod").queries)
