"""What each shipped scenario is for, seen in what it makes: by lives and labels where that suffices, they cost little."""

from collections import Counter
from itertools import islice, pairwise
from statistics import median

import pytest
from kubernaut_simulator.datasets import load_bad_policy, load_truth
from kubernaut_simulator.worlds.causes import HELPED_BY_REPLICAS, Cause
from kubernaut_simulator.worlds.eyes import THROTTLING, Eyes
from kubernaut_simulator.worlds.fleet import make_fleet
from kubernaut_simulator.worlds.generate import START
from kubernaut_simulator.worlds.labels import draw_label
from kubernaut_simulator.worlds.objects import WorldObjects
from kubernaut_simulator.worlds.onset import begin_life
from kubernaut_simulator.worlds.scenario import load_scenario
from kubernaut_simulator.worlds.streams import Stream
from kubernaut_simulator.worlds.traffic import incidents
from scipy import stats

DAY_S = 86_400
SEED = 11


def arriving(name, count):
    made = load_scenario(name)
    return list(islice(incidents(made, make_fleet(made, SEED), SEED), count))


def lives(name, count):
    """Give the lives of a scenario's first incidents, each after its first run's action."""
    made = load_scenario(name)
    found = []
    for incident in arriving(name, count):
        now = made.at(incident.onset_s / DAY_S)
        run_s = incident.onset_s + 240
        life = begin_life(incident, now, SEED, detected_s=incident.onset_s + 60, run_s=run_s)
        life.scale(run_s + 12, life.wanted)
        found.append(life)
    return found


def shortages(found):
    return sum(life.shortage for life in found) / len(found)


def ready_after_s(life):
    """Give how long each of the new pods took from its creation to ready."""
    return [
        next((at_s for at_s, state in zip(pod.times_s, pod.states, strict=True) if state.ready), float("inf"))
        - pod.created_s
        for pod in life.pods
        if pod.created_s > life.incident.onset_s + 200
    ]


def test_steady_is_short_of_room_at_about_one_remediation_in_six():
    helped = [life for life in lives("steady", 400) if life.incident.cause in HELPED_BY_REPLICAS]

    assert 0.12 < shortages(helped) < 0.26


def test_capacity_crunch_is_short_of_room_more_often_and_most_at_its_peak():
    found = lives("capacity-crunch", 400)
    by_hour = {peak: [] for peak in (True, False)}
    for life in found:
        by_hour[10 <= life.incident.onset_s % DAY_S / 3600 < 18].append(life)

    assert shortages(found) > 2 * shortages(lives("steady", 200))
    assert shortages(by_hour[True]) > shortages(by_hour[False]) + 0.1


def test_capacity_crunch_has_outages_of_fifty_incidents():
    sizes = Counter(incident.outage for incident in arriving("capacity-crunch", 900) if incident.outage)

    assert max(sizes.values()) >= 40
    assert 25 <= median(sizes.values()) <= 75


def test_flapping_pods_lose_and_regain_readiness():
    def flips(life):
        turns = [
            (before.ready, after.ready)
            for pod in life.pods
            for before, after in pairwise(pod.states)
            if not after.terminating
        ]
        return min(turns.count((True, False)), turns.count((False, True)))

    flapping, steady = (
        sum(flips(life) >= 10 for life in lives(name, 100) if life.incident.cause is Cause.LOAD_SPIKE)
        for name in ("flapping", "steady")
    )

    assert flapping > 12
    assert steady == 0


def test_flapping_incidents_are_tried_again_more_often():
    flapping, steady = (load_scenario(name).traffic.retries for name in ("flapping", "steady"))

    assert flapping.probability >= 2 * steady.probability
    assert flapping.at_most > steady.at_most


def test_the_bad_policy_stops_more_than_half_of_the_good_runs():
    """0.6 of Deployments with old restarts, half of their pods each: 0.55 of the targets of two to seven pods."""
    good = load_truth("bad-policy").query("good").workflow_uid
    rows = load_bad_policy().evaluations.to_pandas()
    rows = rows[(rows.type == "no_crashloop_pods") & rows.workflow_uid.isin(good)]
    failed = int((rows.verdict == "Failed").sum())
    interval = stats.binomtest(failed, len(rows)).proportion_ci(0.99)

    assert interval.low < 0.55 < interval.high


def test_in_drift_pods_start_slower_and_room_gets_tight():
    before, after = [], []
    for life in lives("drift", 700):
        if life.incident.cause is Cause.LOAD_SPIKE:
            (before if life.incident.onset_s < 56 * DAY_S else after).append(life)
    slow = [median(s for life in found if not life.shortage for s in ready_after_s(life)) for found in (before, after)]

    assert len(after) > 50
    assert slow[1] > 2 * slow[0]
    assert shortages(after) > 1.5 * shortages(before)


def test_rare_incidents_come_once_or_twice_a_week():
    found = arriving("rare-incidents", 150)

    assert 0.7 < len(found) / (found[-1].onset_s / DAY_S / 7) < 2.5


def test_away_metrics_leave_facts_unobserved():
    def unobserved(name):
        seen = Counter()
        for number, life in enumerate(lives(name, 40)):
            eyes = Eyes(life, WorldObjects(life, START), start=START, key=f"{number}", parameters={})
            ended_s = life.incident.onset_s + 252
            eyes.action_ended(ended_s)
            snapshot = eyes.snapshot(eyes.look(ended_s + 200, throttling=True), wanted=frozenset({THROTTLING, "pods"}))
            seen.update(str(path).partition("[")[0] for path in snapshot.unobserved)
        return seen

    away, steady = unobserved("metrics-away"), unobserved("steady")

    assert away[THROTTLING] >= 20
    assert away[THROTTLING] > steady[THROTTLING]


def ages_s(name, *, good):
    labels = load_scenario(name).labels
    drawn = (draw_label(labels, good=good, healthy=good, stream=Stream(SEED, name, good, n)) for n in range(500))
    return [label.after_s for label in drawn if label.outcome is not None]


def test_late_labels_come_a_day_and_more_later_and_those_of_bad_runs_last():
    good, bad = ages_s("late-labels", good=True), ages_s("late-labels", good=False)

    assert median(good) > 20 * 3600
    assert median(bad) > 2 * median(good)
    assert sorted(bad)[-25] > 6 * DAY_S
    assert median(ages_s("steady", good=True)) < 3600


@pytest.mark.parametrize("name", ["steady", "late-labels"])
def test_labels_are_wrong_as_often_as_said(name):
    labels = load_scenario(name).labels
    drawn = [draw_label(labels, good=True, healthy=True, stream=Stream(SEED, "wrong", n)) for n in range(4000)]
    told = [label for label in drawn if label.outcome is not None]
    weight = sum(source.weight for source in labels.sources.values())
    said = sum(s.weight * s.wrong_ineffective * (1 - s.inconclusive) for s in labels.sources.values()) / weight

    assert len(told) / len(drawn) == pytest.approx(1 - labels.missing, abs=0.02)
    assert sum(label.wrong for label in told) / len(told) == pytest.approx(said, abs=0.006)
