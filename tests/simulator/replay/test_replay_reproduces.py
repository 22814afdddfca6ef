"""Replay by the recorded policies and terms is the record again, however the rows come and whoever judges."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from helpers.fact_histories import changed_tables, shuffled
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.parts import replay_parts
from kubernaut_simulator.replay.replay import replay

from kubernaut.errors import EvaluatorError, HistoryError

COLUMNS = [
    "record_id", "candidate", "verdict", "reason", "message", "time_to_pass_s", "time_to_pass_lower_s", "attempts",
    "held_since", "observed_until", "policy_digest", "timeout_s", "hold_for_s", "source", "why_not",
]  # fmt: skip


def outcome(replayed, columns=COLUMNS):
    table = replayed.evaluations.table.select(columns).sort_by([("record_id", "ascending"), ("candidate", "ascending")])
    return table.to_pylist()


def test_every_recorded_verdict_is_reached_again(steady_history, steady_replay):
    columns = ["record_id", "verdict", "reason", "message", "time_to_pass_s", "time_to_pass_lower_s", "attempts"]
    recorded = steady_history.evaluations.select([*columns, "held_since", "observed_until"])
    now = steady_replay.evaluations.table.select([*columns, "held_since"]).sort_by("record_id")

    assert now.to_pylist() == recorded.drop_columns(["observed_until"]).sort_by("record_id").to_pylist()
    assert steady_replay.data["changed"].sum() == 0
    assert steady_replay.data["not replayable"].sum() == 0
    assert steady_replay.not_replayable == {}


def test_a_failure_is_observed_until_its_deadline_at_most(steady_history, steady_replay):
    table = steady_replay.evaluations.table
    later = pc.greater(table.column("observed_until"), table.column("deadline"))
    failed = pc.equal(table.column("verdict").cast("string"), "Failed")

    assert not pc.any(pc.and_(failed, later)).as_py()


def test_skipped_rows_stay_as_recorded(steady_replay):
    data = steady_replay.data

    assert (data["Skipped"] == data["as recorded"]).all()
    assert data["Skipped"].sum() > 0
    assert "as recorded" in steady_replay.summary


def test_folding_changes_nothing_but_the_work(steady_history, steady_replay, worker):
    each = replay(steady_history, evaluator=worker, fold=False)

    assert outcome(each) == outcome(steady_replay)
    assert each.evaluations.looks == steady_replay.evaluations.looks
    assert each.evaluations.judged > 2 * steady_replay.evaluations.judged


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_rows_does_not_matter(steady_history, steady_replay, worker, seed):
    other = changed_tables(
        steady_history,
        evaluations=shuffled(steady_history.evaluations, seed=seed),
        attempts=shuffled(steady_history.attempts, seed=seed),
        policies=shuffled(steady_history.policies, seed=seed),
    )

    assert outcome(replay(other, evaluator=worker)) == outcome(steady_replay)


@pytest.mark.parametrize("write", [History.to_parquet, History.to_jsonl])
def test_the_format_does_not_matter(steady_history, steady_replay, worker, tmp_path, write):
    write(steady_history, tmp_path / "history")
    read = History.load(tmp_path / "history")

    assert read.digest == steady_history.digest
    assert outcome(replay(read, evaluator=worker)) == outcome(steady_replay)


def test_parts_come_to_the_same_as_the_whole(steady_history, steady_replay, worker):
    ids = pc.unique(steady_history.evaluations.column("incident_id").cast("string")).to_pylist()
    parts = [part_of(steady_history, some) for some in (ids[:9], ids[9:10], ids[10:])]

    found = replay_parts(iter(parts), evaluator=worker)

    assert found.evaluations.table.num_rows == len(steady_history.evaluations)
    assert found.data.equals(steady_replay.data)
    assert found.false_stops().data.equals(steady_replay.false_stops().data)


def part_of(history, incidents):
    def of(table):
        return table.filter(
            pc.is_in(table.column("incident_id").cast("string"), value_set=pa.array(incidents, pa.string()))
        )

    return changed_tables(
        history,
        **{kind: of(history.table(kind)) for kind in ("evaluations", "attempts", "executions", "workflows")},
    )


def test_a_missing_source_leaves_the_row_as_recorded_and_says_why(steady_history, worker):
    policies = steady_history.policies
    kept = policies.filter(pc.not_equal(policies.column("type").cast("string"), "deployment_exists"))

    found = replay(changed_tables(steady_history, policies=kept), evaluator=worker)

    rows = [row for row in outcome(found, [*COLUMNS, "type"]) if row["type"] == "deployment_exists"]
    assert {row["source"] for row in rows} == {"as recorded"}
    assert {row["why_not"] for row in rows} == {"its policy's source is not in the history"}
    assert any("its policy's source is not in the history" in note for note in found.notes)


def test_a_recorded_policy_that_does_not_load_says_why(steady_history, worker):
    policies = steady_history.policies
    at = policies.schema.get_field_index("source")
    broken = ["package x\nallow if {"] * len(policies)
    column = pa.array(broken, pa.string()).cast(policies.schema.field("source").type)

    found = replay(changed_tables(steady_history, policies=policies.set_column(at, "source", column)), evaluator=worker)

    assert set(found.evaluations.table.column("source").cast("string").to_pylist()) == {"as recorded"}
    assert "its recorded policy does not load" in found.evaluations.table.column("why_not")[0].as_py()


def test_no_evaluation_is_an_error(steady_history, worker):
    nothing = changed_tables(steady_history, evaluations=steady_history.evaluations.slice(0, 0))

    with pytest.raises(HistoryError, match="no evaluation to replay"):
        replay(nothing, evaluator=worker)


def test_an_evaluator_that_is_not_there_is_an_error(steady_history):
    class Gone:
        def evaluate(self, policy, batch):
            raise EvaluatorError("the worker is gone")

    with pytest.raises(EvaluatorError, match="the worker is gone"):
        replay(steady_history, evaluator=Gone())


def test_progress_is_told_to_the_end(steady_history, worker):
    told = []
    replay(steady_history, evaluator=worker, progress=lambda name, done, of: told.append((name, done, of)))

    assert told[-1] == ("replay", told[-1][2], told[-1][2])
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_the_result_shows_itself(steady_replay):
    assert "Replay of" in steady_replay.title
    assert "UTC" in steady_replay.window
    assert {trace.name for trace in steady_replay.plot().data} >= {"Passed", "Failed"}
    assert "deployment_exists" in steady_replay.text()
    assert len(steady_replay.timeouts().data) == 5
