"""Baseline against candidate: what changes for which runs, in both directions."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.stored_runs import Judged, condition, history_of, passed, policy_row, run
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.reading import read_history
from kubernaut_simulator.tuning.tune import compiled
from kubernaut_simulator.whatif.diff import diff
from kubernaut_simulator.whatif.timelines import LOOK_COLUMNS
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import ConditionSet, PolicyText
from kubernaut.conditions.settings import ActionSettings, PostSettings, Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import InputError
from kubernaut.history.rows import RowKind
from kubernaut.identity import Level
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Verdict

POST = "step/post/desired_replicas_running"
NEW = "step/post/deployment_health_check"


def policy(least: int) -> str:
    return f"package postcondition\n\nimport rego.v1\n\nallow if input.replicas >= {least}\n"


def conditions(
    sources: Mapping[str, str], *, percent: float = 0.0, timeout_s: float = 120.0
) -> dict[Level, CompiledSet]:
    suite = {
        condition(text).type: PostSettings(required=True, rollout_percent=percent, timeout_s=timeout_s)
        for text in sources
    }
    return compiled(
        {
            Level.STEP: ConditionSet(
                level=Level.STEP,
                settings=Settings(actions={"scale_deployment": ActionSettings(post=suite)}),
                exact={
                    condition(text): PolicyText(name=text, source=source, origin=PolicySource.CONFIGMAP)
                    for text, source in sources.items()
                },
            )
        }
    )


@pytest.fixture
def history() -> History:
    digest = conditions({POST: policy(2)})[Level.STEP].policies[condition(POST)].digest

    def looked(number: int, replicas: int, *, good: bool | None) -> list[object]:
        verdict = Verdict.PASSED if replicas >= 2 else Verdict.FAILED
        # Looked at until the deadline, pass or not, so that a stricter policy can be judged to the end.
        letter = "p" if replicas >= 2 else "n"
        one = Judged(verdict=verdict, looks=letter * 12, facts=[{"replicas": replicas}] * 12)
        return list(run(number, {POST: one}, good=good, policy_digest=digest))

    runs = [
        looked(0, 5, good=True),
        looked(1, 2, good=True),
        looked(2, 2, good=False),
        looked(3, 1, good=True),
        looked(4, 1, good=None),
    ]
    return history_of(*runs, [policy_row(POST, policy(2), digest)])  # type: ignore[arg-type]


def test_a_stricter_policy_fails_what_passed(history: History) -> None:
    found = diff(history, conditions({POST: policy(3)}, percent=100.0), evaluator=InProcessEvaluator())

    assert found.data.drop(columns="examples").to_dict("records") == [
        {
            "condition": str(condition(POST)),
            "before": "Passed",
            "after": "Failed",
            "direction": "stops more",
            "runs": 2,
            "good": 1,
            "bad": 1,
            "no outcome": 0,
        }
    ]
    examples = found.data["examples"].iloc[0].split()
    ids = history.evaluations.column("record_id").to_pylist()
    assert sorted(examples) == sorted([ids[1], ids[2]])
    assert found.judged == (condition(POST),)
    assert found.workflows["effect after"].tolist() == ["failed"] * 4
    assert "2 of 5 verdicts change" in found.text()
    assert found.plot().data


def test_a_looser_policy_passes_what_failed(history: History) -> None:
    strict = conditions({POST: policy(2)}, percent=100.0)

    found = diff(history, conditions({POST: policy(1)}, percent=100.0), baseline=strict, evaluator=InProcessEvaluator())

    assert found.data[["before", "after", "direction", "runs"]].to_numpy().tolist() == [
        ["Failed", "Passed", "stops less", 2]
    ]
    assert found.workflows["effect before"].tolist() == ["failed", "failed"]
    assert "have no outcome" in found.text()


def test_the_same_conditions_judge_nothing_and_change_nothing(history: History) -> None:
    found = diff(WhatIf(history), conditions({POST: policy(2)}))

    assert found.data.empty
    assert found.judged == ()
    assert "nothing: decided from stored attempts" in found.text()


def test_a_condition_never_recorded_is_named(history: History) -> None:
    found = diff(history, conditions({POST: policy(2), NEW: policy(1)}))

    assert found.never_recorded == (condition(NEW),)
    assert "never recorded" in found.text()


def test_another_policy_needs_an_evaluator(history: History) -> None:
    with pytest.raises(InputError, match="give an evaluator"):
        diff(history, conditions({POST: policy(3)}))


def test_a_fact_that_was_not_kept_is_no_change() -> None:
    one = Judged(verdict=Verdict.PASSED, looks="p", facts=[{"replicas": 2}])
    rows = run(0, {POST: one, "step/pre/deployment_exists": passed("p")}, policy_digest="old")
    kept = [row if not hasattr(row, "recorded_paths") else _keeping(row, ("other",)) for row in rows]

    found = diff(history_of(kept), conditions({POST: policy(3)}), evaluator=InProcessEvaluator())

    assert found.data.empty
    assert not found.answered.all()
    assert "a fact that the policy reads was not kept" in found.text()


def _keeping(row: object, paths: tuple[str, ...]) -> object:
    return replace(row, recorded_paths=paths)  # type: ignore[type-var]


def test_a_shorter_timeout_alone_needs_no_policy(history: History) -> None:
    found = diff(history, conditions({POST: policy(2)}, timeout_s=25.0))

    assert found.data.empty
    assert found.judged == ()


def test_a_pass_that_nobody_looked_at_further_is_no_change() -> None:
    digest = conditions({POST: policy(2)})[Level.STEP].policies[condition(POST)].digest
    one = Judged(verdict=Verdict.PASSED, looks="p", facts=[{"replicas": 2}])
    history = history_of(run(0, {POST: one}, policy_digest=digest))

    found = diff(history, conditions({POST: policy(3)}), evaluator=InProcessEvaluator())

    assert found.data.empty
    assert "nobody looked long enough" in found.text()


def test_looks_with_the_columns_that_are_needed_give_the_same(history: History, tmp_path: Path) -> None:
    history.to_parquet(tmp_path)
    history.to_jsonl(tmp_path / "again")
    lean = History(*read_history(tmp_path, columns={RowKind.ATTEMPTS: LOOK_COLUMNS}))
    candidate = conditions({POST: policy(3)}, percent=100.0)

    expected = diff(history, candidate, evaluator=InProcessEvaluator())
    found = diff(lean, candidate, evaluator=InProcessEvaluator())

    assert set(lean.attempts.column_names) == LOOK_COLUMNS
    assert len(lean.attempts) == len(history.attempts)
    assert lean.report.duplicates == sum(len(history.table(kind)) for kind in RowKind)
    assert found.text() == expected.text()
    assert found.data.equals(expected.data)
    assert found.workflows.equals(expected.workflows)
