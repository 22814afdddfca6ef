"""Prediction and fact: what an export promised, read back, and held against a history whose truth is known."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.enforced_history import Stage, Truth, enforced_history
from helpers.rows import START
from kubernaut_simulator.effect.gates import Answer, Gate, GuideStage
from kubernaut_simulator.rollout.comparing import Agreement, Measure
from kubernaut_simulator.rollout.following import rollout_status
from kubernaut_simulator.rollout.predictions import Count, Prediction, Predictions, predictions_of
from kubernaut_simulator.rollout.seen import seen_rollouts
from kubernaut_simulator.rollout.status import stage_statuses
from kubernaut_simulator.rollout.status_result import Says

from kubernaut.conditions.compiled_set import compile_set
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.errors import InputError
from kubernaut.policy.compiling import compile_policy

NAME = "scale_deployment/step/pre/deployment_exists"
WARN = Stage(percent=0, incidents=200)
GOLDEN = Path(__file__).parents[1] / "tuning" / "golden" / "kubernaut-conditions.yaml"


def loaded(text):
    sets = load_condition_sets(text, source="export", shipped=shipped_defaults())
    return {level: compile_set(one, compile_policy) for level, one in sets.items()}


def predicted(*, stopped=(45, 200), false_stops=(4, 140), until=START, timeout_s=None, history=None):
    """What the first 200 incidents of a world would have promised, or something else."""
    if timeout_s is None:
        timeout_s = float(seen_rollouts(history).votes["timeout_s"].iloc[0])
    one = Prediction(
        stopped=Count(k=stopped[0], n=stopped[1]),
        false_stops=Count(k=false_stops[0], n=false_stops[1]),
        p95_s=None,
        timed=0,
        timeout_s=timeout_s,
        policy_digest=None,
    )
    return Predictions(history_until=None if until is None else pd.Timestamp(until), of={NAME: one})


def promised_by(history, *, incidents=200):
    """Count in the incidents before enforcement what a tuning would have promised, and until when."""
    votes = seen_rollouts(history).votes.sort_values("run_started_at").head(incidents)
    good = votes[votes["label"] == "good"]
    return predicted(
        stopped=(int(votes["stop"].sum()), len(votes)),
        false_stops=(int(good["stop"].sum()), len(good)),
        until=votes["run_started_at"].max() + pd.Timedelta(seconds=1),
        history=history,
    )


def status(history, predictions, **arguments):
    return rollout_status(history, predictions=predictions, rollouts=5, **arguments)


def says(found, measure):
    return found.predictions.set_index("measure").loc[measure.value, "says"]


def test_what_an_export_promised_is_read_back_from_its_file():
    text = GOLDEN.read_text()
    found = predictions_of(text, loaded(text))
    ready = found.of["scale_deployment/step/post/desired_replicas_running"]

    assert found.history_until == pd.Timestamp("2026-01-31 15:20", tz="UTC")
    assert ready.false_stops == Count(k=0, n=64)
    assert ready.timed == 96
    assert found.of["scale_deployment/action/pre/deployment_exists"].stopped == Count(k=27, n=80)
    assert ready.policy_digest is not None


def test_what_kubectl_gives_is_read_too():
    text = GOLDEN.read_text()
    as_list = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": list(yaml.safe_load_all(text))})

    assert predictions_of(as_list, loaded(text)) == predictions_of(text, loaded(text))


def test_a_file_written_by_hand_promises_nothing_and_says_no_date():
    maps = list(yaml.safe_load_all(GOLDEN.read_text()))
    for one in maps:
        del one["metadata"]["annotations"]
    text = yaml.safe_dump_all(maps)
    found = predictions_of(text, loaded(text))

    assert found.history_until is None
    assert {one.false_stops for one in found.of.values()} == {None}


def test_a_broken_annotation_is_named():
    maps = list(yaml.safe_load_all(GOLDEN.read_text()))
    maps[0]["metadata"]["annotations"]["kubernaut.io/evidence"] = "{"
    text = yaml.safe_dump_all(maps)

    with pytest.raises(InputError, match=r"kubernaut.io/evidence is not JSON .* export the ConfigMaps anew"):
        predictions_of(text, loaded(text))


def test_a_right_prediction_is_compared_and_does_not_hold_the_rollout():
    history = enforced_history([WARN, Stage(percent=10, incidents=300)], seed=1)
    found = status(history, promised_by(history))

    assert found.says is Says.GO
    assert found.predictions["says"].tolist() == [Agreement.NO_DIFFERENCE.value] * 2
    assert found.predictions["since n"].iloc[0] < 300
    assert (found.predictions["difference lower"] < found.predictions["difference upper"]).all()
    assert "Prediction and fact" in found.text()
    assert "points (" in found.html()
    assert found.as_json()["tables"]["Gates of the guide (10.4)"][0]["answer"] == "pass"


def test_a_wrong_prediction_is_noticed_and_waits_for_a_new_tuning():
    truth = Truth(false_stops={"deployment_exists": 0.1}, right_stops={"deployment_exists": 0.6})
    history = enforced_history([WARN, Stage(percent=10, incidents=600)], truth, seed=1)
    found = status(history, predicted(stopped=(4, 200), false_stops=(0, 140), history=history))
    (one,) = found.stages[0].conditions

    assert says(found, Measure.STOPPED) == Agreement.MORE.value
    assert found.says is Says.WAIT
    assert one.why.startswith("more than predicted incidents stopped: ")
    assert one.why.endswith("tune anew on what was recorded since")


def test_fewer_stops_than_predicted_are_told_and_hold_nothing():
    history = enforced_history([WARN, Stage(percent=10, incidents=300)], seed=1)
    found = status(history, predicted(stopped=(180, 200), history=history))

    assert says(found, Measure.STOPPED) == Agreement.LESS.value
    assert found.says is Says.GO


def test_runs_that_made_the_prediction_do_not_confirm_it():
    history = enforced_history([WARN, Stage(percent=10, incidents=15)], seed=1)
    found = status(history, promised_by(history))

    assert found.predictions["since n"].max() <= 15
    assert set(found.predictions["says"]) == {Agreement.NOT_ENOUGH.value}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"until": None}, "the file does not say until when"),
        ({"timeout_s": 999.0}, "predicted was 999 s"),
    ],
)
def test_what_cannot_be_compared_says_why(changes, why):
    history = enforced_history([WARN, Stage(percent=10, incidents=100)], seed=1)
    found = status(history, predicted(history=history, **changes))

    assert found.predictions.empty
    assert any(f"{NAME}: prediction not compared: " in note and why in note for note in found.notes)


def test_the_gates_of_every_stage_are_answered():
    history = enforced_history([WARN, Stage(percent=10, incidents=200), Stage(percent=50, incidents=200)], seed=1)
    found = status(history, None)

    assert sorted(set(found.gate_table["percent"])) == [10.0, 50.0]
    assert set(found.gate_table["answer"]) <= {answer.value for answer in Answer}
    assert {one.percent for one in found.stages[0].gates} == {50.0}


@pytest.mark.parametrize(("harm", "wanted"), [(True, Says.WAIT), (False, Says.GO)])
def test_a_failed_gate_holds_the_rollout_where_it_bounds_a_harm(harm, wanted):
    history = enforced_history([WARN, Stage(percent=10, incidents=300)], seed=1)
    failed = Gate(
        stage=GuideStage.PRODUCTION,
        environment="production",
        action="scale_deployment",
        percent=10.0,
        name="at most 5 s added to a step",
        answer=Answer.FAIL,
        why="+9.0 s",
        harm=harm,
    )
    (stage,) = stage_statuses(seen_rollouts(history), gates=[failed])

    assert stage.says is wanted
    assert ("a gate of the guide fails: at most 5 s added" in stage.why) is harm


@pytest.mark.slow
def test_right_predictions_are_stopped_or_called_wrong_in_at_most_alpha_of_rollouts():
    wrong = 0
    rollouts = 40
    for seed in range(rollouts):
        history = enforced_history([WARN, Stage(percent=10, incidents=250)], seed=seed)
        predictions = promised_by(history)
        (stage,) = stage_statuses(seen_rollouts(history), predictions=predictions)
        (one,) = stage.conditions
        wrong += stage.says is Says.STOP or any(found.says is not Agreement.NO_DIFFERENCE for found in one.comparisons)

    assert wrong / rollouts <= 0.05


@pytest.mark.slow
def test_wrong_predictions_are_noticed():
    truth = Truth(false_stops={"deployment_exists": 0.3}, right_stops={"deployment_exists": 0.6})
    noticed = 0
    rollouts = 20
    for seed in range(rollouts):
        promise = promised_by(enforced_history([WARN], seed=1_000 + seed))
        history = enforced_history([WARN, Stage(percent=10, incidents=250)], truth, seed=seed)
        (stage,) = stage_statuses(seen_rollouts(history), predictions=promise)
        noticed += stage.says is not Says.GO and any(
            found.says is Agreement.MORE for found in stage.conditions[0].comparisons
        )

    assert noticed / rollouts >= 0.9
