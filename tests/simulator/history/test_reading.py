import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.rows import START, attempt, evaluation, execution, policy, whole_run, workflow
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.problems import MAX_KEPT, ProblemKind

from kubernaut.errors import HistoryError
from kubernaut.history.codec import row_to_line
from kubernaut.history.fields import fields_of
from kubernaut.history.rows import Outcome, RowKind


def write_lines(path, rows):
    path.write_text("".join(f"{row if isinstance(row, str) else row_to_line(row)}\n" for row in rows))
    return path


def test_a_bad_line_is_reported_with_its_place_and_the_rest_is_used(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [evaluation(0), "{broken", "", evaluation(1)])

    history = History.load(path)

    assert history.evaluations.num_rows == 2
    assert [str(problem) for problem in history.problems] == [
        f"{path}:2: not a line of JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    ]
    assert (history.report.rows_read, history.report.rows_kept, history.report.set_aside) == (3, 2, 1)


def test_strict_makes_the_first_bad_line_fatal(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [evaluation(0), "{broken"])

    with pytest.raises(HistoryError, match=r"a\.jsonl:2: not a line of JSON.*first problem is fatal"):
        History.load(path, strict=True)


def test_no_such_file(tmp_path):
    with pytest.raises(HistoryError, match="nowhere: no such file or folder"):
        History.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_empty_history_is_an_error(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")

    with pytest.raises(HistoryError, match="the history is empty: no rows in"):
        History.load(tmp_path)


def test_a_folder_without_history_is_an_error(tmp_path):
    (tmp_path / "readme.md").write_text("x")

    with pytest.raises(HistoryError, match="no history here"):
        History.load(tmp_path)


def test_a_history_of_nothing_but_bad_lines_says_the_first_of_them(tmp_path):
    write_lines(tmp_path / "a.jsonl", ["1", "2", "3", "4", "5"])

    with pytest.raises(HistoryError, match=r"(?s)no usable row in .*a\.jsonl:1: a row is .*and 2 more"):
        History.load(tmp_path)


def test_an_unknown_schema_version_says_what_to_do(tmp_path):
    line = row_to_line(evaluation()).replace('"schema_version":1', '"schema_version":9')
    write_lines(tmp_path / "a.jsonl", [line])

    with pytest.raises(HistoryError, match="unknown schema version 9; this program reads version 1: update kubernaut"):
        History.load(tmp_path)


def test_a_parquet_file_of_an_unknown_schema_version(tmp_path):
    History.from_rows([evaluation()]).to_parquet(tmp_path)
    path = tmp_path / "evaluations.parquet"
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata) | {b"kubernaut.schema_version": b"9"}
    pq.write_table(table.replace_schema_metadata(metadata), path)

    with pytest.raises(HistoryError, match="unknown schema version 9"):
        History.load(path)


def test_of_a_truncated_gzip_what_could_be_read_is_kept(tmp_path):
    lines = "".join(row_to_line(evaluation(n)) + "\n" for n in range(2000)).encode()
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines)[:-2000])

    history = History.load(tmp_path)

    assert 0 < history.evaluations.num_rows < 2000
    kinds = {problem.kind for problem in history.problems}
    assert ProblemKind.TRUNCATED in kinds
    assert "truncated or damaged gzip" in str(history.problems[-1])
    with pytest.raises(HistoryError, match="truncated or damaged gzip"):
        History.load(tmp_path, strict=True)


def test_what_is_not_gzip_is_said_so(tmp_path):
    (tmp_path / "a.jsonl.gz").write_text("plain")

    with pytest.raises(HistoryError, match="truncated or damaged gzip: Not a gzipped file"):
        History.load(tmp_path)


def test_a_line_too_long_to_be_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernaut_simulator.history.jsonl_reading.MAX_LINE_BYTES", 5000)
    write_lines(tmp_path / "a.jsonl", [evaluation(0), "x" * 20_000, evaluation(1)])

    history = History.load(tmp_path)

    assert history.evaluations.num_rows == 2
    assert "longer than" in str(history.problems[0])


def test_the_newest_row_of_an_id_wins_whatever_the_order(tmp_path):
    old = workflow(outcome=None, outcome_source=None, outcome_at=None)
    new = workflow(recorded_at=START + timedelta(days=2))
    for name, rows in (("a", [old, new]), ("b", [new, old])):
        write_lines(tmp_path / f"{name}.jsonl", rows)
        history = History.load(tmp_path / f"{name}.jsonl")

        assert [row.outcome for row in history.rows("workflows")] == [Outcome.EFFECTIVE]
        assert (history.report.replaced, history.report.duplicates) == (1, 0)
        assert history.problems == ()


def test_a_row_written_twice_is_counted_and_used_once(tmp_path):
    write_lines(tmp_path / "a.jsonl", whole_run())
    write_lines(tmp_path / "b.jsonl", whole_run())

    history = History.load(tmp_path)

    assert history.report.duplicates == 4
    assert history.report.rows_kept == 4
    assert history.problems == ()


def test_two_different_rows_of_one_id_and_time_are_a_conflict(tmp_path):
    write_lines(tmp_path / "a.jsonl", [workflow(result="failed"), workflow(result="completed")])

    history = History.load(tmp_path)

    assert [row.result for row in history.rows("workflows")] == ["completed"]
    assert [problem.kind for problem in history.problems] == [ProblemKind.CONFLICT]
    with pytest.raises(HistoryError, match="two different workflows rows have the id"):
        History.load(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (attempt(9, read_at=START), "read_at before read_started_at"),
        (evaluation(9, read_at=START), "read_at before started_at"),
        (evaluation(9, elapsed_s=-1.0), "elapsed_s below 0"),
        (evaluation(9, time_to_pass_s=-1.0), "time_to_pass_s below 0"),
        (execution(9, finished_at=START), "finished_at before started_at"),
        (workflow(9, finished_at=START), "finished_at before started_at"),
    ],
)
def test_a_clock_that_went_backwards_is_reported_and_the_row_set_aside(tmp_path, row, message):
    path = write_lines(tmp_path / "a.jsonl", [*whole_run(0), row])

    history = History.load(path)

    assert history.report.rows_kept == 4
    assert [str(problem) for problem in history.problems] == [
        f"{path}:5: {message}: the clock went backwards; {history.problems[0].row_kind.value} row set aside"
    ]
    with pytest.raises(HistoryError, match="the clock went backwards"):
        History.load(path, strict=True)


def test_a_value_that_no_column_can_hold_costs_one_row(tmp_path):
    write_lines(tmp_path / "a.jsonl", [attempt(0), replace(attempt(1), slot=2**40), attempt(2)])

    history = History.load(tmp_path)

    assert history.attempts.num_rows == 2
    assert "field 'slot' cannot be kept" in str(history.problems[0])
    assert history.problems[0].place == 2


def test_half_a_surrogate_pair_costs_one_row(tmp_path):
    line = row_to_line(evaluation(1)).replace('"message":""', '"message":"\\ud800"')
    write_lines(tmp_path / "a.jsonl", [evaluation(0), line])

    history = History.load(tmp_path)

    assert history.evaluations.num_rows == 1
    assert "field 'message' cannot be kept" in str(history.problems[0])


def test_problems_are_counted_beyond_those_that_are_kept(tmp_path):
    write_lines(tmp_path / "a.jsonl", [evaluation(0), *["x"] * (MAX_KEPT + 5)])

    report = History.load(tmp_path).report

    assert len(report.problems) == MAX_KEPT
    assert dict(report.counts) == {ProblemKind.BAD_ROW: MAX_KEPT + 5}
    assert report.set_aside == MAX_KEPT + 5


def test_many_rows_are_read_in_several_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernaut_simulator.history.reading.BATCH_ROWS", 3)
    rows = [row for n in range(10) for row in whole_run(n)]
    write_lines(tmp_path / "a.jsonl", [policy(), *rows])

    history = History.load(tmp_path)

    assert history.report.rows_kept == 41
    assert history.evaluations["verdict"].num_chunks > 1
    assert sorted(history.rows("evaluations"), key=lambda row: row.bucket) == [evaluation(n) for n in range(10)]


def test_progress_is_told_in_bytes(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [evaluation(0)])
    told = []

    History.load(path, progress=lambda *call: told.append(call))

    size = path.stat().st_size
    assert told[-1] == ("reading history", size, size)


def test_rows_of_a_program_follow_the_same_rules():
    history = History.from_rows([evaluation(0), evaluation(1, read_at=START)])

    assert history.evaluations.num_rows == 1
    assert str(history.problems[0]).startswith("2: read_at before started_at")
    with pytest.raises(HistoryError, match="the history is empty: no rows"):
        History.from_rows([])


def foreign(changes=None, drop=(), rows=(0, 1)):
    """Evaluations as pandas would write them: plain strings, nanoseconds, no metadata."""
    frame = History.from_rows([evaluation(n) for n in rows]).frame("evaluations").drop(columns=list(drop))
    for name, value in (changes or {}).items():
        frame[name] = value
    text = {name: str for name in frame.columns if frame[name].dtype.name == "category"}
    return pa.Table.from_pandas(frame.astype(text), preserve_index=False).replace_schema_metadata(None)


def test_a_parquet_file_of_another_program_is_read(tmp_path):
    pq.write_table(foreign(drop=["labels", "extended", "objects", "poll_interval_s"]), tmp_path / "evaluations.parquet")

    history = History.load(tmp_path)

    assert list(history.rows("evaluations")) == [evaluation(0, labels={}), evaluation(1, labels={})]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": ["Passed", "Pased"]}, ":2: field 'verdict' is none of Passed, Failed"),
        ({"verdict": ["Passed", None]}, ":2: field 'verdict' is missing"),
        ({"labels": ["{}", "{"]}, ":2: field 'labels' is not the JSON text it should be"),
        ({"labels": ["{}", "[]"]}, ":2: field 'labels' is not the JSON text it should be"),
    ],
)
def test_bad_rows_of_parquet_are_reported_by_number(tmp_path, changes, message):
    pq.write_table(foreign(changes), tmp_path / "evaluations.parquet")

    history = History.load(tmp_path)

    assert list(history.rows("evaluations")) == [evaluation(0)] or changes.keys() == {"labels"}
    assert history.evaluations.num_rows == 1
    assert message in str(history.problems[0])


@pytest.mark.parametrize(
    ("table", "name", "message"),
    [
        (foreign(drop=["verdict"]), "evaluations.parquet", "column 'verdict' is missing"),
        (foreign({"step": ["a", "b"]}), "evaluations.parquet", "column 'step' cannot be read as int32"),
        (foreign(), "data.parquet", "nothing says which kind of rows this is"),
    ],
)
def test_a_parquet_file_that_cannot_be_used(tmp_path, table, name, message):
    History.from_rows([workflow()]).to_jsonl(tmp_path)
    pq.write_table(table, tmp_path / name)

    history = History.load(tmp_path)

    assert history.evaluations.num_rows == 0
    assert history.workflows.num_rows == 1
    assert [problem.kind for problem in history.problems] == [ProblemKind.UNREADABLE]
    assert message in str(history.problems[0])
    with pytest.raises(HistoryError, match="first problem is fatal"):
        History.load(tmp_path, strict=True)


def test_damaged_parquet(tmp_path):
    (tmp_path / "evaluations.parquet").write_bytes(b"PAR1 no")

    with pytest.raises(HistoryError, match="not a readable Parquet file"):
        History.load(tmp_path)


def test_parquet_damaged_in_the_middle_loses_that_file_only(tmp_path):
    path = History.from_rows([evaluation(n) for n in range(2000)]).to_parquet(tmp_path)[0]
    History.from_rows([workflow()]).to_jsonl(tmp_path)
    content = bytearray(path.read_bytes())
    content[100 : len(content) // 2] = b"\xff" * (len(content) // 2 - 100)
    path.write_bytes(bytes(content))

    history = History.load(tmp_path)

    assert history.workflows.num_rows == 1
    assert history.report.set_aside == 2000


def test_our_own_kind_in_the_metadata_wins_over_the_name(tmp_path):
    path = History.from_rows([evaluation()]).to_parquet(tmp_path)[0]
    path.rename(tmp_path / "anything.parquet")

    assert History.load(tmp_path).evaluations.num_rows == 1


def test_json_lines_need_no_default_fields(tmp_path):
    encoded = json.loads(row_to_line(evaluation()))
    optional = {item.name for item in fields_of(RowKind.EVALUATIONS) if not item.required} - {"labels"}
    slim = {name: value for name, value in encoded.items() if name not in optional}
    write_lines(tmp_path / "a.jsonl", [json.dumps(slim)])

    assert list(History.load(tmp_path).rows(RowKind.EVALUATIONS)) == [evaluation()]


def test_a_parquet_file_of_an_unknown_kind(tmp_path):
    path = History.from_rows([evaluation()]).to_parquet(tmp_path)[0]
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(dict(table.schema.metadata) | {b"kubernaut.kind": b"guesses"}), path)

    with pytest.raises(HistoryError, match="unknown kind of rows 'guesses'"):
        History.load(path)
