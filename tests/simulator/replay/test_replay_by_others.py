"""Replay by other conditions: only what was changed changes, and what the record cannot answer is said."""

from dataclasses import replace

import pyarrow.compute as pc
import pytest
from helpers.fact_histories import with_terms
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.tuning.tune import compiled

from kubernaut.conditions.condition_set import PolicyText
from kubernaut.conditions.settings import ActionSettings, Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId, Level

EXISTS = ConditionId.parse("scale_deployment/step/pre/deployment_exists")
CAPACITY = ConditionId.parse("scale_deployment/step/pre/cluster_capacity_available")
RUNNING = ConditionId.parse("scale_deployment/step/post/desired_replicas_running")
USAGE = ConditionId.parse("scale_deployment/action/post/resource_usage_acceptable")


def with_policy(conditions, condition, source, *, field="exact"):
    """Give the same conditions, one of them with another policy or with a challenger."""
    texts = {level: one.texts for level, one in conditions.items()}
    own = texts[condition.level]
    text = PolicyText(name=f"test {condition.type}", source=source, origin=PolicySource.CONFIGMAP)
    texts[condition.level] = replace(own, **{field: {**getattr(own, field), condition: text}})
    return compiled(texts)


def verdicts(replayed):
    columns = ["record_id", "candidate", "action", "level", "phase", "type", "verdict", "source", "why_not"]
    rows = replayed.evaluations.table.select([*columns, "recorded_verdict"]).to_pandas()
    rows["condition"] = rows[["action", "level", "phase", "type"]].astype(str).agg("/".join, axis=1)
    return rows.set_index(["record_id", "candidate"]).sort_index()


def of(rows, condition):
    return rows[rows["condition"] == str(condition)]


@pytest.fixture(scope="module")
def by_conditions(steady_history, steady_conditions, worker):
    return replay(steady_history, steady_conditions, evaluator=worker)


def test_the_conditions_of_the_record_change_nothing(by_conditions, steady_replay):
    assert by_conditions.data["changed"].sum() == 0
    assert by_conditions.data["not replayable"].sum() == 0
    assert (by_conditions.data["Passed"] == steady_replay.data["Passed"]).all()


def test_another_policy_changes_only_its_condition(steady_history, steady_conditions, by_conditions, worker):
    never = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found == 7\n"
    other = replay(steady_history, with_policy(steady_conditions, EXISTS, never), evaluator=worker)

    before, after = verdicts(by_conditions), verdicts(other)
    differs = before["verdict"].astype(str) != after["verdict"].astype(str)
    assert set(after[differs]["condition"]) == {str(EXISTS)}
    assert set(of(after, EXISTS)["verdict"].astype(str)) == {"Failed"}
    changed = other.data.set_index("condition")["changed"]
    assert changed[str(EXISTS)] == (of(before, EXISTS)["verdict"] == "Passed").sum()
    assert changed.drop(str(EXISTS)).sum() == 0


def test_a_shorter_timeout_fails_more_and_never_less(steady_history, steady_conditions, worker):
    failed = {}
    for timeout_s in (120.0, 40.0, 5.0):
        by = with_terms(steady_conditions, RUNNING, timeout_s=timeout_s)
        rows = of(verdicts(replay(steady_history, by, evaluator=worker)), RUNNING)
        failed[timeout_s] = set(rows.index[rows["verdict"] == "Failed"])
        unanswered = rows[rows["source"] == "not replayable"]
        assert set(unanswered["why_not"]) <= {"the record has no look on the new deadline"}
        assert set(unanswered["verdict"]) <= {"Censored"}

    assert failed[120.0] < failed[40.0] < failed[5.0]


def test_a_longer_timeout_than_observed_is_censored_and_no_failure(
    steady_history, steady_conditions, by_conditions, worker
):
    longer = replay(steady_history, with_terms(steady_conditions, RUNNING, timeout_s=900.0), evaluator=worker)

    before, after = of(verdicts(by_conditions), RUNNING), of(verdicts(longer), RUNNING)
    timed_out = before["verdict"] == "Failed"
    assert timed_out.any()
    assert set(after[timed_out]["verdict"]) == {"Censored"}
    assert (after[~timed_out]["verdict"].astype(str) == before[~timed_out]["verdict"].astype(str)).all()
    stops = longer.false_stops().data.set_index("condition")
    assert "0/19" in stops.loc[str(RUNNING), "P(stop|G)"]


def test_a_missing_fact_is_counted_by_its_name(steady_history, steady_conditions, worker):
    wants_more = "package precondition.x\n\nimport rego.v1\n\nallow if input.hpa_found == false\n"
    found = replay(steady_history, with_policy(steady_conditions, EXISTS, wants_more), evaluator=worker)

    reasons = found.not_replayable[str(EXISTS)]
    assert len(reasons) == 1
    assert "hpa_found" in next(iter(reasons))
    assert sum(reasons.values()) == found.data.set_index("condition").loc[str(EXISTS), "evaluations"]
    assert set(found.not_replayable) == {str(EXISTS)}
    assert found.false_stops().data.set_index("condition").loc[str(EXISTS), "P(stop|G)"] == "not enough data (n = 0)"
    assert any("hpa_found" in note for note in found.notes)


def test_numbers_of_the_settings_change_verdicts(steady_history, steady_conditions, worker):
    passed = []
    for headroom in (0.0, 60.0, 90.0):
        by = with_terms(steady_conditions, CAPACITY, settings={"headroom_percent": headroom})
        rows = of(verdicts(replay(steady_history, by, evaluator=worker)), CAPACITY)
        passed.append(set(rows.index[rows["verdict"] == "Passed"]))
        assert set(rows["source"]) == {"replayed"}

    assert passed[0] >= passed[1] >= passed[2]
    assert len(passed[2]) < len(passed[0])


def test_what_the_set_does_not_name_is_left_out(steady_history, steady_conditions, worker):
    texts = {level: one.texts for level, one in steady_conditions.items()}
    step = texts[Level.STEP].settings
    suite = step.actions["scale_deployment"]
    pre = {name: one for name, one in suite.pre.items() if name != EXISTS.type}
    smaller = step.model_copy(update={"actions": {"scale_deployment": ActionSettings(pre=pre, post=suite.post)}})
    texts[Level.STEP] = replace(texts[Level.STEP], settings=smaller)

    found = replay(steady_history, compiled(texts), evaluator=worker)

    assert str(EXISTS) not in set(found.data["condition"])
    assert any(f"not named by the conditions replayed: {EXISTS}" in note for note in found.notes)


def test_conditions_that_were_never_recorded_are_an_error(steady_history, steady_conditions, worker):
    texts = steady_conditions[Level.STEP].texts
    other = ConditionId("restart_pod", Level.STEP, EXISTS.phase, "pod_exists")
    policy = texts.policy(EXISTS)
    settings = Settings(actions={"restart_pod": ActionSettings(pre={"pod_exists": texts.settings.effective(EXISTS)})})
    alone = compiled({Level.STEP: replace(texts, settings=settings, exact={other: policy})})

    with pytest.raises(HistoryError, match=r"was ever recorded: restart_pod/step/pre/pod_exists"):
        replay(steady_history, alone, evaluator=worker)
    with pytest.raises(HistoryError, match="none given"):
        replay(steady_history, {}, evaluator=worker)


def test_a_challenger_gives_rows_of_its_own(steady_history, steady_conditions, by_conditions, worker):
    never = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found == 7\n"
    both = with_policy(steady_conditions, EXISTS, never, field="candidates")

    found = replay(steady_history, both, evaluator=worker)

    rows = of(verdicts(found), EXISTS).reset_index()
    own, beside = rows[~rows["candidate"]], rows[rows["candidate"]]
    assert len(own) == len(beside) == len(of(verdicts(by_conditions), EXISTS))
    assert (own["verdict"] == own["recorded_verdict"].astype(str)).all()
    assert set(beside["verdict"].astype(str)) == {"Failed"}
    assert found.data["candidate"].sum() == 1
    assert "step/pre/deployment_exists@candidate" in found.text()


def test_an_environment_is_replayed_on_its_own_terms(steady_history, steady_conditions, worker):
    environments = pc.unique(steady_history.evaluations.column("environment").cast("string")).to_pylist()
    some = min(environments)
    level = steady_conditions[Level.STEP]
    override = {"actions": {"scale_deployment": {"post": {RUNNING.type: {"timeout_s": 4.0}}}}}
    settings = Settings.model_validate({**level.texts.settings.model_dump(), "environments": {some: override}})
    by = {**steady_conditions, Level.STEP: replace(level, texts=replace(level.texts, settings=settings))}

    rows = replay(steady_history, by, evaluator=worker).evaluations.table.to_pandas()

    own = rows[(rows["type"].astype(str) == RUNNING.type) & (rows["source"].astype(str) == "replayed")]
    assert (own["timeout_s"] == own["environment"].astype(str).map(lambda name: 4.0 if name == some else 120.0)).all()


def test_a_longer_hold_than_anybody_looked_for_cannot_be_answered(steady_history, steady_conditions, worker):
    held = replay(steady_history, with_terms(steady_conditions, USAGE, hold_for_s=100.0), evaluator=worker)

    rows = of(verdicts(held), USAGE)
    passed = rows[rows["recorded_verdict"].astype(str) == "Passed"]
    assert set(passed["verdict"].astype(str)) <= {"Passed", "Failed", "Censored"}
    assert (passed["why_not"].astype(str) != "").equals(passed["source"].astype(str) == "not replayable")
