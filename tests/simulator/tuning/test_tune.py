"""Tuning decides by the gate's word alone, on incidents that the search never saw."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pytest
from helpers.fact_histories import (
    POST,
    PRE,
    FactRun,
    PostRun,
    changed_tables,
    conditions_of,
    fact_history,
    post_history,
    pre_history,
    with_terms,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.clustering import Unit
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.tuning.search import choose
from kubernaut_simulator.tuning.tune import TuningTerms, compiled, tune

from kubernaut.conditions.condition_set import PolicyText
from kubernaut.conditions.settings import Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import HistoryError
from kubernaut.history.rows import OutcomeSource, RowKind
from kubernaut.identity import ConditionId, Level
from kubernaut.policy.evaluating import InProcessEvaluator

DATASETS = Path(__file__).parents[3] / "datasets"
NEVER = "package precondition\n\nimport rego.v1\n\nallow if input.deployment_found == 7\n"
CRASHING = ConditionId.parse("scale_deployment/action/post/no_crashloop_pods")

THROTTLED = ConditionId.parse("scale_deployment/action/post/cpu_throttling_acceptable")


def tuned(history, conditions=None, **terms):
    return tune(history, conditions, terms=TuningTerms(**terms), evaluator=InProcessEvaluator())


def decision_of(tuning, condition=PRE):
    (one,) = [one for one in tuning.decisions if one.condition == condition]
    return one


def only(history, condition):
    """Give a history with one condition only."""

    def of(table):
        named = pc.equal(table.column("type").cast("string"), condition.type)
        level = pc.equal(table.column("level").cast("string"), condition.level.value)
        return table.filter(pc.and_(named, level))

    return changed_tables(
        history, **{kind: of(history.table(kind)) for kind in (RowKind.EVALUATIONS, RowKind.ATTEMPTS)}
    )


def test_enough_good_incidents_that_pass_make_a_condition_required():
    one = decision_of(tuned(pre_history([(True, True)] * 150)))

    assert one.after.required
    assert one.gate.passed
    assert one.gate.hypothesis.version == 1
    assert (one.flag, one.after.rollout_percent) == ("required at 5 %", 5.0)
    assert "shown below 15.0 %" in one.why
    assert one.after.evidence.reason == one.why
    assert one.after.evidence.block_rate.n == one.incidents == 60


def test_a_condition_that_stops_too_many_good_ones_stays_in_warn_mode():
    one = decision_of(tuned(pre_history([(n % 3 > 0, True) for n in range(200)])))

    assert not one.after.required
    assert one.after.rollout_percent == 0.0
    assert "not below 15.0 %" in one.why


def test_few_incidents_are_not_enough_data():
    one = decision_of(tuned(pre_history([(True, True)] * 30)))

    assert not one.after.required
    assert one.why == "not enough data: 12 of 20 good incidents needed"
    assert one.answer == "not enough data: 12 of 20"


def test_a_condition_that_was_never_recorded_is_told_from_one_with_too_few_incidents():
    both = fact_history([FactRun(found={PRE: True}, post=PostRun(passes_from_s=5.0), good=True)] * 30)
    conditions = conditions_of(both)
    without = changed_tables(
        both,
        evaluations=both.evaluations.filter(pc.equal(both.evaluations.column("phase").cast("string"), "pre")),
        attempts=both.attempts.filter(pc.equal(both.attempts.column("phase").cast("string"), "pre")),
    )

    one = decision_of(tuned(without, conditions), POST)

    assert one.why == "not recorded: the history holds no evaluation of this condition"
    assert one.answer == "not recorded"


def test_a_label_that_is_not_independent_never_gates():
    tuning = tuned(pre_history([(True, True)] * 150, source=OutcomeSource.HEALTH))
    one = decision_of(tuning)

    assert not one.after.required
    assert one.gate is None or one.gate.stops.n == 0
    assert "not enough data" in one.why
    assert any("label did not judge" in note for note in tuning.notes)


@settings(max_examples=12)
@given(
    runs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=12),
    times=st.integers(3, 14),
    passes=st.sampled_from([0, 40, 90]),
    flags=st.fixed_dictionaries({"required": st.booleans(), "rollout_percent": st.sampled_from([0.0, 5.0, 50.0])}),
    target=st.sampled_from([0.05, 0.15, 0.2]),
)
def test_only_the_gate_sets_required(runs, times, passes, flags, target):
    history = pre_history([*runs * times, *[(True, True)] * passes])

    tuning = tuned(history, with_terms(conditions_of(history), PRE, **flags), target=target)

    one = decision_of(tuning)
    before = flags["rollout_percent"] if flags["required"] else 0.0
    assert one.after.required == (one.gate is not None and one.gate.passed)
    assert one.after.rollout_percent == (max(5.0, before) if one.after.required else 0.0)
    assert one.set_back == (before > 0 and not one.after.required)
    assert one.set_back == one.after.evidence.reason.startswith("set back to warn, it was enforced")
    assert tuning.settings[Level.STEP].effective(PRE) == one.after
    searched, judged = set(tuning.split.search["incident_id"]), set(tuning.split.gate["incident_id"])
    assert searched.isdisjoint(judged)
    assert len(searched) + len(judged) == len(history.executions)
    assert one.gate is None or one.gate.stops.n <= len(judged)


def test_a_higher_percentage_is_kept_and_a_first_one_can_be_asked_for():
    history = pre_history([(True, True)] * 150)
    enforced = with_terms(conditions_of(history), PRE, required=True, rollout_percent=50.0)

    assert decision_of(tuned(history, enforced)).after.rollout_percent == 50.0
    assert decision_of(tuned(history, percent=10.0)).after.rollout_percent == 10.0


def test_an_enforced_condition_without_evidence_goes_back_to_warn_everywhere():
    history = pre_history([(True, True)] * 30)
    conditions = with_terms(conditions_of(history), PRE, required=True, rollout_percent=50.0)
    level = conditions[Level.STEP]
    staging = {"rollout_percent": 100.0, "actions": {PRE.action: {"pre": {PRE.type: {"required": True}}}}}
    everywhere = Settings.model_validate({**level.texts.settings.model_dump(), "environments": {"staging": staging}})
    conditions = {Level.STEP: replace(level, texts=replace(level.texts, settings=everywhere))}

    tuning = tuned(history, conditions)

    one = decision_of(tuning)
    assert one.flag == "warn (set back)"
    assert one.why.startswith("set back to warn, it was enforced (50 %, 100 % in staging): not enough data")
    assert not tuning.settings[Level.STEP].effective(PRE, environment="staging").required
    assert any("warn in these settings" in note for note in tuning.notes)


def test_an_earlier_cut_is_kept():
    history = pre_history([(True, True)] * 100)
    before = tuned(history)
    cut_at = before.split.cut_at - pd.Timedelta(minutes=30)

    again = tuned(history, cut_at=cut_at)

    assert again.split.cut_at == cut_at
    assert again.split.gate_incidents == before.split.gate_incidents + 30


def test_a_share_of_nothing_is_refused():
    with pytest.raises(HistoryError, match="between 0 and 1"):
        tuned(pre_history([(True, True)] * 5), search_share=1.5)


def test_a_timeout_is_chosen_on_the_search_incidents_only():
    fast, slow = PostRun(passes_from_s=4.0), PostRun(passes_from_s=50.0)
    one = decision_of(tuned(post_history([fast] * 90 + [slow] * 60)), POST)

    assert one.after.timeout_s == 5.0
    assert one.gate.hypothesis.version == 2
    assert one.timeout.recommendation.n == 90
    assert one.timeout_text == "5s (was 2m)"
    assert (one.gate.stops.k, one.gate.stops.n) == (60, 60)
    assert not one.after.required
    assert one.after.evidence.time_to_pass.n == 90


def test_a_timeout_that_the_runs_do_not_show_is_kept():
    one = decision_of(tuned(post_history([PostRun(passes_from_s=None if n % 2 else 4.0) for n in range(120)])), POST)

    assert one.after.timeout_s == 120.0
    assert "kept: not reached" in one.timeout_text


def test_a_condition_that_must_hold_gets_a_timeout_that_its_looks_can_judge():
    runs = [PostRun(passes_from_s=1.0 + n % 7, hold_for_s=20.0) for n in range(200)]
    one = decision_of(tuned(post_history(runs)), POST)

    assert one.timeout.recommendation.timeout_s == 29.0
    assert one.after.timeout_s == 39.0
    assert (one.gate.stops.k, one.gate.stops.n) == (0, 80)
    assert one.after.required
    assert one.not_replayable == 0


def test_a_timeout_under_which_nobody_was_watched_is_never_chosen():
    """Under it the runs that did not pass leave the gate, and those that passed stay."""
    slow, never = PostRun(passes_from_s=88.0, hold_for_s=25.0), PostRun(passes_from_s=None, hold_for_s=25.0)
    one = decision_of(tuned(post_history([slow] * 120 + [slow, never] * 40)), POST)

    assert one.timeout.recommendation.timeout_s is not None
    assert one.after.timeout_s == one.before.timeout_s == 120.0
    assert (one.gate.stops.k, one.gate.stops.n) == (40, 80)
    assert not one.after.required


def test_errors_of_the_shipped_world_keep_a_condition_from_being_required():
    one = decision_of(tuned(only(History.load(DATASETS / "bad-policy"), THROTTLED)), THROTTLED)

    assert not one.after.required
    assert one.after.timeout_s <= one.before.timeout_s
    assert one.gate.stops.estimate > 0.15


def test_held_conditions_of_the_shipped_world_have_no_made_up_false_stops():
    tuning = tuned(only(History.load(DATASETS / "steady"), CRASHING))
    one = decision_of(tuning, CRASHING)

    assert one.after.timeout_s < one.before.timeout_s
    assert one.gate.stops.k <= 0.05 * one.gate.stops.n
    assert one.not_replayable <= 0.05 * one.incidents


def test_the_wrong_policy_of_the_shipped_world_is_never_made_required():
    one = decision_of(tuned(only(History.load(DATASETS / "bad-policy"), CRASHING)), CRASHING)

    assert not one.after.required
    assert one.gate.stops.estimate > 0.15
    assert "not below 15.0 %" in one.why


def test_a_challenger_is_judged_beside_and_counted():
    history = pre_history([(True, True)] * 150)
    texts = conditions_of(history)[Level.STEP].texts
    challenger = PolicyText(name="never", source=NEVER, origin=PolicySource.CONFIGMAP)
    tuning = tuned(history, compiled({Level.STEP: replace(texts, candidates={PRE: challenger})}))

    one = decision_of(tuning)
    assert one.after.required
    assert not one.challenger.passed
    assert "challenger: not yet" in one.why
    assert tuning.split.candidates_compared == 2


def test_conditions_that_are_right_together_are_counted_together():
    runs = [FactRun(found={PRE: n % 40 > 0}, post=PostRun(passes_from_s=2.0)) for n in range(300)]
    tuning = tuned(fact_history(runs))

    assert all(one.after.required for one in tuning.decisions)
    assert (tuning.together.k, tuning.together.n) == (3, 120)
    assert "3/120" in tuning.summary["together"]


def test_a_replay_tunes_itself():
    history = pre_history([(True, True)] * 150)
    evaluator = InProcessEvaluator()
    by_record = replay(history, evaluator=evaluator).tune(0.15, evaluator=evaluator)
    by_conditions = replay(history, conditions_of(history), evaluator=evaluator).tune(0.15, evaluator=evaluator)

    assert by_record.to_configmaps() == by_conditions.to_configmaps() == tuned(history).to_configmaps()


def test_the_result_shows_itself():
    tuning = tuned(pre_history([(n % 120 > 0, True) for n in range(150)]))

    assert tuning.title == "Tuning: 1 of 1 conditions may be required"
    assert tuning.plot().data[0].name.endswith("deployment_exists (1/60)")
    assert tuning.data["false stops"].tolist() == ["1/60"]
    assert "search" in tuning.summary["split"]
    assert "deployment_exists" in tuning.text()
    assert "<table" in tuning._repr_html_()


@pytest.fixture(scope="module")
def search_votes():
    history = post_history([PostRun(passes_from_s=3.0 + n % 5) for n in range(100)])
    return history, replay(history, conditions_of(history), evaluator=InProcessEvaluator()).votes.data


def test_the_search_counts_what_it_compares(search_votes):
    history, votes = search_votes
    current = conditions_of(history)[Level.STEP].texts.settings.effective(POST)

    found = choose(POST, current, votes, share=0.9)
    assert (found.candidates_compared, found.settings.timeout_s) == (2, 9.0)
    again = choose(POST, found.settings, votes, share=0.9)
    assert (again.candidates_compared, again.settings) == (1, found.settings)
    assert choose(POST, current, votes.iloc[:0], share=0.9).timeout is None
    assert choose(POST, current, votes, share=0.9999).settings == current


def test_the_search_leaves_preconditions_and_chooses_their_unit():
    history = pre_history([(n % 2 == 0, True) for n in range(100)])
    current = conditions_of(history)[Level.STEP].texts.settings.effective(PRE)
    votes = replay(history, conditions_of(history), evaluator=InProcessEvaluator()).votes.data
    outage = votes.assign(target_day=votes["stop"].astype(int) * 5 + votes.index // 2 % 5)

    assert choose(PRE, current, votes, share=0.9).unit is Unit.INCIDENT
    assert choose(PRE, current, outage, share=0.9).unit is Unit.TARGET_DAY
    assert choose(PRE, current, votes, share=0.9).candidates_compared == 1


def test_stops_that_nothing_independent_labelled_count_as_false_and_it_is_said():
    stop = FactRun(found={PRE: False}, source=OutcomeSource.HEALTH)
    passed = FactRun(found={PRE: True})
    tuning = tuned(fact_history([*[passed] * 150, *[passed, passed, passed, stop] * 25]))
    one = decision_of(tuning)

    assert not one.after.required
    assert (one.gate.stops.k, one.gate.unlabelled) == (0, 25)
    assert one.gate.judged.n == one.gate.stops.n + 25
    assert one.answer == "not below 15.0 % (test: 25/100)"
    assert "25 stops had no label at their age and counted as false stops: the test saw 25/100" in one.why
    (note,) = (note for note in tuning.notes if note.startswith("stops without a label"))
    assert "(24 h)" in note
    assert "(25); raise --label-age" in note
    assert note in tuning.decision_log().notes
    assert tuning.data.loc[0, ["false stops", "unlabelled stops", "test k", "test n"]].tolist() == ["0/75", 25, 25, 100]
    assert '"judged":"25/100"' in tuning.to_configmaps().replace("\\", "")
    assert "unlabelledStops" in tuning.to_configmaps()


def test_another_label_age_is_the_one_of_both_replays():
    history = pre_history([(True, True)] * 100)

    assert decision_of(tuned(history, label_age_s=3600.0)).after.required
    assert decision_of(tuned(history, label_age_s=30 * 24 * 3600.0)).gate.stops.n == 0
    assert tuned(history, label_age_s=3600.0).replay.label_age_s == 3600.0
