from datetime import timedelta

import pandas as pd
import pytest
from helpers.rows import ACTION, START, attempt, evaluation, execution, policy, whole_run, workflow
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.history.arrow_schema import schema_of
from kubernaut_simulator.history.columns import tables_of
from kubernaut_simulator.history.history import History

from kubernaut.errors import HistoryError
from kubernaut.history.rows import ObjectVersion, Outcome, OutcomeSource, RowKind
from kubernaut.verdicts import Verdict

SOME_OBJECT = ObjectVersion(kind="Pod", namespace="shop", name="a", uid="u", resource_version="7")


def some_history(runs=6):
    rows = [policy()]
    for n in range(runs):
        rows += whole_run(n, changes={"objects": (SOME_OBJECT,), "time_to_pass_s": float(n)})
    return History.from_rows(
        [*rows, execution(n=99, stopped_by=("a/step/pre/b",), namespace="other", result="blocked")]
    )


def all_rows(history):
    return {kind: sorted(map(repr, history.rows(kind))) for kind in RowKind}


@pytest.mark.parametrize("form", ["parquet", "partitioned", "jsonl", "gzip"])
def test_every_format_gives_the_same_rows_and_digest(tmp_path, form):
    history = some_history()
    if form in ("parquet", "partitioned"):
        history.to_parquet(tmp_path, partitioned=form == "partitioned")
    else:
        history.to_jsonl(tmp_path, compress=form == "gzip")

    again = History.load(tmp_path)

    assert all_rows(again) == all_rows(history)
    assert again.digest == history.digest
    assert again.problems == ()
    assert all(again.table(kind).schema.equals(schema_of(kind)) for kind in RowKind)


@pytest.mark.parametrize("write", ["to_parquet", "to_jsonl"])
def test_the_same_history_gives_the_same_bytes(tmp_path, write):
    for name in ("a", "b"):
        getattr(some_history(), write)(tmp_path / name)

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_partitions_are_named_by_day_and_action(tmp_path):
    paths = some_history().to_parquet(tmp_path, partitioned=True)

    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "attempts/day=2026-01-31/action=scale_deployment/part-0.parquet",
        "evaluations/day=2026-01-31/action=scale_deployment/part-0.parquet",
        "executions/day=2026-01-31/action=scale_deployment/part-0.parquet",
        "workflows.parquet",
        "policies.parquet",
    ]


def test_row_groups_carry_their_own_words_only(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernaut_simulator.history.writing.ROW_GROUP_ROWS", 2)
    history = some_history(5)
    history.to_parquet(tmp_path)

    again = History.load(tmp_path)

    assert all_rows(again) == all_rows(history)
    assert again.digest == history.digest
    assert [len(chunk.dictionary) for chunk in again.attempts["facts"].chunks] == [1, 1, 1]


@given(order=st.permutations(range(12)), cut=st.integers(min_value=0, max_value=12))
@settings(max_examples=20, deadline=None)
def test_the_digest_depends_on_the_rows_alone(order, cut):
    rows = [row for n in range(3) for row in whole_run(n)]
    shuffled = [rows[n] for n in order]

    assert History.from_rows(shuffled).digest == History.from_rows(rows).digest
    if cut < 12:
        assert History.from_rows(shuffled[:cut] or rows[:1]).digest != History.from_rows(rows).digest


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": Verdict.FAILED},
        {"message": "x"},
        {"percent": 1.0},
        {"deadline": START},
        {"labels": {"team": "b"}},
        {"objects": (SOME_OBJECT,)},
        {"required": True},
    ],
)
def test_any_change_of_a_row_changes_the_digest(change):
    assert History.from_rows([evaluation(**change)]).digest != History.from_rows([evaluation()]).digest


def test_lists_enter_the_digest_by_their_elements():
    one = History.from_rows([execution(stopped_by=("a", "b"))])

    assert one.digest != History.from_rows([execution(stopped_by=("ab",))]).digest
    assert one.digest != History.from_rows([execution()]).digest


def test_frames_have_categories_and_instants():
    frame = some_history().frame("evaluations")

    assert isinstance(frame, pd.DataFrame)
    assert frame["verdict"].dtype == "category"
    assert frame["started_at"].dt.tz is not None
    assert frame["labels"].iloc[0] == '{"team":"web"}'


def test_an_unknown_kind_is_refused():
    with pytest.raises(HistoryError, match="no rows of kind 'evaluation'; there are attempts"):
        some_history().frame("evaluation")


def test_a_history_says_what_it_is_in_a_line():
    assert repr(some_history()) == "<History: 6 attempts, 6 evaluations, 7 executions, 6 workflows, 1 policies>"


def test_filter_by_time_keeps_runs_whole():
    part = some_history().filter(since=START + timedelta(minutes=2), until=START + timedelta(minutes=4))

    assert {row.incident_id for kind in list(RowKind)[:4] for row in part.rows(kind)} == {"incident-2", "incident-3"}
    assert [part.table(kind).num_rows for kind in RowKind] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        ({"namespace": "other"}, ["incident-99"]),
        ({"action": "restart_pod"}, []),
        ({"action": ACTION, "namespace": "shop"}, [f"incident-{n}" for n in range(6)]),
        ({"environment": "production"}, []),
        ({}, [*(f"incident-{n}" for n in range(6)), "incident-99"]),
    ],
)
def test_filter_by_what_was_done_where(wanted, runs):
    assert [row.incident_id for row in some_history().filter(**wanted).rows("executions")] == runs


def test_filter_without_executions_goes_by_the_evaluations_themselves():
    history = History.from_rows([attempt(0), evaluation(0), attempt(1), evaluation(1, namespace="b"), workflow(1)])

    part = history.filter(namespace="b")

    assert [part.table(kind).num_rows for kind in RowKind] == [1, 1, 0, 1, 0]


def test_filter_needs_aware_instants():
    with pytest.raises(HistoryError, match=r"since .* has no time zone"):
        some_history().filter(since=START.replace(tzinfo=None))


def test_describe_counts_what_is_there(tmp_path):
    history = History.from_rows(
        [
            *whole_run(0),
            *whole_run(1, changes={"verdict": Verdict.FAILED}),
            evaluation(2, candidate=True, record_id="c", policy_digest="digest-2"),
            workflow(3, outcome=Outcome.INEFFECTIVE, outcome_source=OutcomeSource.PERSON),
            workflow(4, outcome=None, outcome_source=None),
        ]
    )

    found = history.describe()

    assert found.data.to_dict(orient="records") == [
        {
            "condition": "scale_deployment/step/pre/deployment_exists",
            "candidate": candidate,
            "incidents": incidents,
            "evaluations": incidents,
            "Passed": passed,
            "Failed": failed,
            "Error": 0,
            "Censored": 0,
            "Skipped": 0,
            "policies": 1,
        }
        for candidate, incidents, passed, failed in ((False, 2, 1, 1), (True, 1, 1, 0))
    ]
    assert found.summary["outcomes"] == "2 effective (alert), 1 ineffective (person), 1 none yet (no source)"
    assert found.summary["incidents"] == "5"
    assert found.summary["window"] == "2026-01-31 12:00 to 2026-01-31 12:01 UTC (starts of runs)"
    assert found.notes == ()
    assert found.as_json()["outcomes"][0] == {"outcome": "effective", "source": "alert", "workflows": 2}
    assert len(found.plot().data) == len(Verdict)
    found.to_html(tmp_path / "page.html")
    assert "deployment_exists" in (tmp_path / "page.html").read_text()


def test_the_end_is_when_the_newest_row_was_recorded():
    late = START + timedelta(days=9)

    assert History.from_rows([evaluation(0), workflow(0, recorded_at=late), policy()]).as_of == pd.Timestamp(late)
    with pytest.raises(HistoryError, match="no rows"):
        _ = History({}).as_of


def test_describe_of_workflows_alone():
    found = History.from_rows([workflow()]).describe()

    assert found.summary["window"] == "-"
    assert len(found.data) == 0
    assert "incidents  1" in found.text()


def test_describe_names_the_problems():
    rows = [evaluation(0), *[evaluation(n, read_at=START) for n in range(1, 15)]]

    notes = History.from_rows(rows).describe().notes

    assert notes[0] == "Problems: 14 x clock going backwards"
    assert notes[-1] == "... and 4 more"


def test_rows_may_share_what_is_equal():
    first, second = some_history(2).rows("evaluations")

    assert first.objects == (SOME_OBJECT,)
    assert first.objects is second.objects


def test_rows_of_a_program_become_tables_as_they_are(monkeypatch):
    monkeypatch.setattr("kubernaut_simulator.history.columns.BATCH_ROWS", 2)
    rows = [row for n in range(5) for row in whole_run(n)]

    tables = tables_of(rows)

    assert {kind: table.num_rows for kind, table in tables.items()} == dict.fromkeys(RowKind, 5) | {RowKind.POLICIES: 0}
    assert History(tables).digest == History.from_rows(rows).digest
