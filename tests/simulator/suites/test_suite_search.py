"""Searching suites on histories: what is chosen, what judges it, and that ignorance makes nothing look better."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.stored_runs import Judged, condition, failed, history_of, passed, policy_row, run
from kubernaut_simulator.estimation.rates import rate
from kubernaut_simulator.history.history import History
from kubernaut_simulator.suites.choices import choices_of
from kubernaut_simulator.suites.marginal import Marginal, Standing, _not_chosen
from kubernaut_simulator.suites.search import SuiteTerms, search_suites
from kubernaut_simulator.tuning.tune import compiled
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import ConditionSet, PolicyText
from kubernaut.conditions.settings import ActionSettings, PostSettings, Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import HistoryError, InputError
from kubernaut.identity import Level
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Verdict

USEFUL, COSTLY, SILENT = "step/pre/useful", "step/pre/costly", "step/pre/silent"
POST = "step/post/desired_replicas_running"


def judged(*, stop: bool) -> Judged:
    return failed("f") if stop else passed("p")


def some_history(
    incidents: int, *, seed: int = 1, wrong: float = 0.02, costly: float = 0.4, found: float = 0.6
) -> History:
    chance = np.random.default_rng(seed)
    runs = []
    for number in range(incidents):
        good = bool(chance.random() < 0.7)
        conditions = {
            USEFUL: judged(stop=bool(chance.random() < (wrong if good else found))),
            COSTLY: judged(stop=bool(chance.random() < (costly if good else 0.5))),
            SILENT: passed("p"),
            POST: passed("nnp" if chance.random() < 0.5 else "p"),
        }
        runs.append(run(number, conditions, good=good))
    return history_of(*runs, late_h=incidents + 100.0)


def test_a_good_suite_is_chosen_and_passes_the_gate() -> None:
    found = search_suites(some_history(500))

    assert found.chosen is not None
    assert [found.fails.choices[one].condition for one in found.chosen.suite.columns] == [condition(USEFUL)]
    assert found.required is found.chosen
    assert str(condition(SILENT)) in found.redundant
    assert found.front.compared == 2 * 2 * 2 * 5 - 1
    text = found.text()
    assert "may be required together" in text
    assert "79 suites compared" not in text
    assert f"{found.front.compared} suites compared" in text
    assert "never fired: no false positives and no value" in text
    assert found.data["chosen"].sum() == 1
    assert found.conditions["standing"].str.startswith("would stop more good").any()
    assert found.plot().data
    assert "<table" in found.html()


def test_a_condition_that_adds_nothing_as_it_is_is_redundant() -> None:
    """Whatever its other choices would do: the reason stands beside the numbers of the present one."""
    for seed in range(4):
        found = search_suites(some_history(200, seed=seed))
        for one in found.marginals:
            if one.standing is Standing.OVER_CEILING:
                assert one.harmful_stopped > 0
    nothing = Marginal(
        condition=condition(POST), standing=Standing.REDUNDANT, choice=found.fails.choices[0],
        harmful_stopped=0, good_stopped=0, waiting_s=0.0,
    )  # fmt: skip
    costly = replace(nothing, harmful_stopped=3, good_stopped=1_000)
    assert found.chosen is not None

    told = _not_chosen([nothing, costly], [0, 1], replace(found.front, never_stop=()), found.chosen.suite)

    assert told.standing is Standing.REDUNDANT


def test_counts_on_the_search_incidents_are_those_of_the_records() -> None:
    history = some_history(300)
    found = search_suites(history)
    assert found.chosen is not None

    evaluations = history.evaluations.to_pandas()
    starts = evaluations.groupby("incident_id", observed=True)["started_at"].min()
    before = set(starts.index[starts < found.incidents.split.cut_at])
    outcome = history.workflows.to_pandas().set_index("incident_id")["outcome"].astype(str)
    own = evaluations[(evaluations["type"] == "useful") & evaluations["incident_id"].isin(before)]
    stopped = own[own["verdict"] == "Failed"]["incident_id"].map(outcome)
    assert found.chosen.suite.good_stopped == int((stopped == "effective").sum())
    assert found.chosen.suite.harmful_stopped == int((stopped == "ineffective").sum())
    assert found.false_stops(found.chosen.suite) == rate(
        found.chosen.suite.good_stopped, int(outcome[list(before)].eq("effective").sum())
    )


def test_the_gate_sees_only_incidents_after_the_cut() -> None:
    found = search_suites(some_history(400, costly=0.05), terms=SuiteTerms(proposals=3))

    assert (found.gate.log["run_started_at"] >= found.incidents.split.cut_at).all()
    assert len(found.proposed) >= 2
    assert "gate, proposal 2" in found.text()


def test_the_same_cut_judges_again() -> None:
    history = some_history(300)
    cut = search_suites(history).incidents.split.cut_at

    found = search_suites(history, terms=SuiteTerms(cut_at=cut, version=2))

    assert found.incidents.split.cut_at == cut
    assert found.gate.decisions[0].hypothesis.version == 2


def test_what_nobody_knows_counts_against_the_suite() -> None:
    def cut_off(number: int) -> dict[str, Judged]:
        # Looked at until 30 s only: with a longer wait nobody knows what would have come.
        return {POST: Judged(verdict=Verdict.CENSORED, looks="nnn"), USEFUL: judged(stop=number % 2 == 0)}

    history = history_of(*(run(number, cut_off(number), good=number < 60) for number in range(100)), late_h=500.0)

    found = search_suites(history, terms=SuiteTerms(timeouts={condition(POST): []}, cut_at=_at(99)))

    column = next(at for at, one in enumerate(found.fails.choices) if one.condition == condition(POST))
    good = found.incidents.good
    assert found.fails.stop[good, column].all()
    assert not found.fails.stop[found.incidents.bad, column].any()
    assert found.fails.unknown[:, column].all()
    assert column in found.front.over_ceiling


def _at(number: int) -> pd.Timestamp:
    return pd.Timestamp("2026-02-01", tz="UTC") + pd.Timedelta(hours=number)


def test_incidents_without_every_condition_are_left_out_and_counted() -> None:
    runs = [run(number, {USEFUL: passed("p"), SILENT: passed("p")}) for number in range(30)]
    runs += [run(number, {USEFUL: passed("p")}) for number in range(30, 40)]

    found = search_suites(history_of(*runs))

    assert found.incidents.incomplete == 10
    assert len(found.incidents.frame) == 30
    assert "left out: 10 incidents, not judged by every condition" in found.text()


def test_enrolled_incidents_and_health_labels_are_not_searched_on() -> None:
    enrolled = {"required": True, "percent": 100.0, "enforced": True}
    runs = [run(number, {USEFUL: passed("p", **enrolled)}) for number in range(20)]
    runs += [run(number, {USEFUL: passed("p")}) for number in range(20, 50)]

    found = search_suites(history_of(*runs))

    assert found.incidents.good.sum() == 30
    assert "not searched on: 20 incidents with an outcome" in found.text()
    with pytest.raises(HistoryError, match="by a label that may be searched on"):
        search_suites(history_of(*runs[:20]))


def test_a_retry_does_not_vote_again() -> None:
    runs = [run(number, {USEFUL: passed("p")}, incident=f"incident-{number % 30}") for number in range(60)]

    found = search_suites(history_of(*runs))

    assert len(found.incidents.frame) == 30


def test_nothing_under_the_ceiling_is_said() -> None:
    found = search_suites(some_history(20))

    assert found.chosen is None
    assert found.required is None
    assert found.marginals == ()
    assert found.data.empty
    assert "too few to show" in found.text()
    assert found.plot() is not None


@pytest.mark.parametrize(
    ("history", "terms", "action", "message"),
    [
        (lambda: some_history(20), SuiteTerms(), "restart_pod", "no condition of restart_pod"),
        (
            lambda: some_history(20),
            SuiteTerms(timeouts={condition("step/pre/nothing"): [5.0]}),
            None,
            "never recorded for this action",
        ),
        (
            lambda: some_history(20),
            SuiteTerms(parameters={condition(POST): {"least": [1.0]}}),
            None,
            "its policy is needed",
        ),
        (
            lambda: history_of(*(run(n, {USEFUL: passed("p")}, good=False) for n in range(9))),
            SuiteTerms(),
            None,
            "did good",
        ),
        (
            lambda: history_of(run(0, {USEFUL: passed("p")}), run(1, {SILENT: passed("p")})),
            SuiteTerms(),
            None,
            "no incident was judged by all",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(
    history: object, terms: SuiteTerms, action: str | None, message: str
) -> None:
    assert callable(history)

    with pytest.raises((HistoryError, InputError), match=message):
        search_suites(history(), action=action, terms=terms)


def test_several_actions_need_one_named() -> None:
    rows = run(0, {USEFUL: passed("p")}) + run(1, {USEFUL: passed("p", action="restart_pod")})

    with pytest.raises(InputError, match="a suite is one action's"):
        search_suites(history_of(rows))


SOURCE = """# METADATA
# title: Enough replicas
# custom:
#   parameters:
#     least:
#       default: 2
#       minimum: 1
#       maximum: 9
#       description: How many.
package postcondition

import rego.v1

allow if input.replicas >= input.settings.least
"""


def with_numbers() -> tuple[History, dict[Level, CompiledSet]]:
    settings = Settings(actions={"scale_deployment": ActionSettings(post={"desired_replicas_running": PostSettings()})})
    text = PolicyText(name="p", source=SOURCE, origin=PolicySource.CONFIGMAP)
    sets = compiled({Level.STEP: ConditionSet(level=Level.STEP, settings=settings, exact={condition(POST): text})})
    digest = sets[Level.STEP].policies[condition(POST)].digest
    chance = np.random.default_rng(4)
    runs = []
    for number in range(300):
        good = bool(chance.random() < 0.7)
        replicas = int(chance.integers(3, 9)) if good else int(chance.integers(1, 5))
        passes = replicas >= 2
        looks = "p" * 12 if passes else "n" * 12
        one = Judged(
            verdict=Verdict.PASSED if passes else Verdict.FAILED,
            looks=looks,
            facts=[{"replicas": replicas, "settings": {"least": 2}}] * len(looks),
        )
        runs.append(run(number, {POST: one}, good=good, policy_digest=digest))
    return history_of(*runs, [policy_row(POST, SOURCE, digest)], late_h=500.0), sets


def test_numbers_are_tried_on_the_search_incidents_and_judged_on_the_others() -> None:
    history, sets = with_numbers()
    terms = SuiteTerms(timeouts={condition(POST): []}, parameters={condition(POST): {"least": [3.0, 5.0]}})

    found = search_suites(history, sets, terms=terms, evaluator=InProcessEvaluator())

    assert found.chosen is not None
    chosen = found.fails.choices[found.chosen.suite.columns[0]]
    assert dict(chosen.settings) == {"least": 3.0}
    assert "least=3" in found.text()
    assert found.chosen.gate.stops.n > 0
    search = found.fails.stop[found.incidents.search]
    judged_again = found.chosen.on_gate.stop[~found.incidents.search]
    assert search.any()
    assert judged_again.any()


def test_numbers_need_conditions_and_an_evaluator() -> None:
    history, sets = with_numbers()
    terms = SuiteTerms(parameters={condition(POST): {"least": [3.0]}})

    with pytest.raises(InputError, match="give its conditions and an evaluator"):
        search_suites(history, sets, terms=terms)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"most": [1.0]}, "declares no parameter most"), ({"least": [99.0]}, "out of the bounds")],
)
def test_numbers_must_be_declared(parameters: dict[str, list[float]], message: str) -> None:
    _, sets = with_numbers()
    policy = sets[Level.STEP].policies[condition(POST)]

    with pytest.raises(InputError, match=message):
        choices_of(condition(POST), timeout_s=120.0, hold_for_s=0.0, parameters=parameters, policy=policy)


def test_timeouts_within_the_hold_are_not_tried() -> None:
    found = choices_of(condition(POST), timeout_s=100.0, hold_for_s=30.0)

    assert [one.timeout_s for one in found] == [None, 50.0, 75.0]
    assert [one.name for one in found][1] == "step/post/desired_replicas_running (timeout 50s)"


def test_a_what_if_brings_its_terms() -> None:
    asked = WhatIf(some_history(300)).with_timeout(condition(POST), 15.0)

    found = search_suites(asked, terms=SuiteTerms(timeouts={condition(POST): []}))

    column = next(at for at, one in enumerate(found.fails.choices) if one.condition == condition(POST))
    # Half of the runs passed only at 30 s.
    assert 0.3 < found.fails.stop[:, column].mean() < 0.7


WORLDS = 60
TARGET = 0.2


@pytest.mark.slow
def test_the_gate_rarely_requires_a_suite_that_is_wrong() -> None:
    """Every condition truly stops a fifth of the good runs; the best of many looks better than it is."""
    gate, naive = 0, 0
    for seed in range(WORLDS):
        history = some_history(260, seed=1000 + seed, wrong=TARGET, costly=TARGET, found=0.5)
        found = search_suites(history, terms=SuiteTerms(target=TARGET, timeouts={condition(POST): []}))
        gate += found.required is not None
        # Whoever judges on what was searched takes the ceiling for a proof.
        naive += any(one.columns and found.fails.stop[:, one.columns].any() for one in found.front.suites)

    # At most alpha and three standard errors.
    assert gate <= WORLDS * (0.05 + 3 * np.sqrt(0.05 * 0.95 / WORLDS))
    assert naive > gate


@pytest.mark.slow
def test_the_gate_requires_a_suite_that_is_right() -> None:
    passed_worlds = sum(
        search_suites(
            some_history(400, seed=seed, wrong=0.03, costly=0.4), terms=SuiteTerms(timeouts={condition(POST): []})
        ).required
        is not None
        for seed in range(20)
    )

    assert passed_worlds >= 18
