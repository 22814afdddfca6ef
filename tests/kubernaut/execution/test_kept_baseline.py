"""What a status keeps of the look before the action: enough for every fact that is told relative to it."""

from kubernaut.execution.kept_baseline import MOST_PODS, kept_baseline
from kubernaut.facts.baseline import Baseline, ContainerBaseline, PodBaseline
from kubernaut.facts.snapshot import UnobservedReason

CALM, RESTLESS = ContainerBaseline(restarts=0), ContainerBaseline(restarts=3)
POD = PodBaseline(uid="victim")


def test_a_pod_without_restarts_counts_from_zero_anyway():
    kept = kept_baseline(Baseline(containers={"calm": {"app": CALM}, "restless": {"app": RESTLESS, "proxy": CALM}}))

    assert kept.containers == {"restless": {"app": RESTLESS}}


def test_beside_a_pod_that_is_acted_on_each_pod_stays_so_that_none_of_them_is_taken_for_new():
    kept = kept_baseline(Baseline(containers={"calm": {"app": CALM}, "restless": {"app": RESTLESS}}, pod=POD))

    assert kept.containers == {"calm": {}, "restless": {"app": RESTLESS}}
    assert Baseline.from_json(kept.to_json()) == kept


def test_more_pods_than_a_status_holds_are_no_zero_point():
    many = {f"pod-{number}": {"app": CALM} for number in range(MOST_PODS + 1)}
    restless = {name: {"app": RESTLESS} for name in many}

    for baseline, words in (
        (Baseline(containers=restless), "501 pods had restarts before the action; at most 500 are kept"),
        (Baseline(containers=many, pod=POD), "there were 501 pods before the action; at most 500 are kept"),
    ):
        kept = kept_baseline(baseline)
        assert kept.containers == {}
        assert (kept.unobserved.reason, kept.unobserved.detail) == (UnobservedReason.NOT_PROVIDED, words)
    assert kept_baseline(Baseline(containers=many)).unobserved is None
