"""Files of incidents: what a line may be, and what is said of one that cannot be used."""

import json

import pytest
from kubernaut_simulator.history.problems import Problems
from kubernaut_simulator.telemetry.past_runs import read_runs

from kubernaut.errors import HistoryError

GOOD = {
    "action": "scale_deployment",
    "target": "shop/web",
    "started_at": "2026-03-01T12:00:00+01:00",
    "finished_at": "2026-03-01T11:00:10Z",
    "outcome": "effective",
}


def read(tmp_path, *lines):
    path = tmp_path / "incidents.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    problems = Problems()
    return read_runs(path, problems=problems), [problem.message for problem in problems.kept]


def test_a_line_becomes_a_run(tmp_path):
    (run,), problems = read(tmp_path, {**GOOD, "replicas": 4, "incident_id": "inc-7"})

    assert not problems
    assert run.execution.parameters == {"deployment": {"name": "web", "namespace": "shop", "replicas": 4}}
    assert (run.execution.action_ended_at - run.execution.started_at).total_seconds() == 10
    assert run.workflow.outcome == "effective"
    assert run.workflow.outcome_source == "person"
    assert run.execution.incident_id == "inc-7"


def test_a_pod_is_a_target_by_its_action_or_by_its_kind(tmp_path):
    runs, _ = read(tmp_path, {**GOOD, "action": "restart_pod"}, {**GOOD, "target": "Pod/shop/web-1"})

    assert {str(run.target) for run in runs} == {"Pod shop/web", "Pod shop/web-1"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"started_at": "2026-03-01T12:00:00"}, "no time zone"),
        ({"started_at": "yesterday"}, "is not an instant"),
        ({"finished_at": "2026-03-01T10:00:00Z"}, "before started_at"),
        ({"target": "web"}, "write namespace/name"),
        ({"target": 'shop/web"}'}, "does not allow"),
        ({"outcome": "fine"}, "none of effective"),
        ({"replicas": "many"}, "no whole number"),
        ({"parameters": "{"}, "not JSON"),
        ({"action": ""}, "action is empty"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_reason(tmp_path, change, said):
    runs, problems = read(tmp_path, GOOD, {**GOOD, **change})

    assert len(runs) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("action,target\nscale_deployment,shop/web\n", "no started_at"),
        ("action,target,started_at,colour\n", "unknown colour"),
        ("action,target,started_at\n", "no line that can be used"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "incidents.csv"
    path.write_text(text)

    with pytest.raises(HistoryError, match=said):
        read_runs(path, problems=Problems())
