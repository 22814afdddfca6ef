"""Histories that cannot be used, or not wholly: what is said, and with which code the command leaves."""

import gzip
import json

import pytest
from helpers.command_line import kubernaut, kubernaut_process
from helpers.rows import attempt, evaluation, policy, whole_run
from kubernaut_simulator.history.history import History


def lines_of(path):
    return path.read_text().splitlines()


def test_no_such_file(tmp_path):
    ran = kubernaut_process("replay", tmp_path / "nowhere")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"error: {tmp_path / 'nowhere'}: no such file or folder\n"


@pytest.mark.parametrize("command", [["replay"], ["tune"], ["export"], ["history", "describe"], ["explain", "0000"]])
def test_every_command_says_the_same_of_a_missing_file(tmp_path, command):
    ran = kubernaut(*command, tmp_path / "nowhere")

    assert (ran.code, ran.err) == (1, f"error: {tmp_path / 'nowhere'}: no such file or folder\n")


def test_an_empty_folder_and_an_empty_file(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    file = tmp_path / "empty.jsonl"
    file.touch()

    assert kubernaut("replay", folder).err == (
        f"error: {folder}: no history here; expected files .jsonl, .jsonl.gz or .parquet\n"
    )
    ran = kubernaut("replay", file)
    assert (ran.code, ran.err) == (1, f"error: the history is empty: no rows in {file}\n")


def test_a_truncated_gzip_is_reported_and_what_came_before_is_used(tmp_path):
    many = [policy(), *(row for n in range(400) for row in whole_run(n))]
    files = History.from_rows(many).to_jsonl(tmp_path / "history", compress=True)
    cut = next(file for file in files if file.name.startswith("evaluations"))
    cut.write_bytes(cut.read_bytes()[:-200])

    ran = kubernaut("history", "describe", tmp_path / "history")
    strict = kubernaut("history", "describe", tmp_path / "history", "--strict")

    assert ran.code == 0
    assert f"warning: {cut}: truncated or damaged gzip" in ran.err
    assert "what came before is used" in ran.err
    assert "400 attempts" in ran.out
    assert strict.code == 1
    assert strict.err.endswith("(strict: the first problem is fatal)\n")


def test_a_gzip_of_which_nothing_can_be_read(tmp_path):
    file = tmp_path / "evaluations.jsonl.gz"
    file.write_bytes(gzip.compress(b"{}\n")[:12])

    ran = kubernaut("replay", file)

    assert ran.code == 1
    assert ran.err.startswith(f"error: no usable row in {file}:\n  {file}: truncated or damaged gzip")


def test_an_unknown_schema_version(history):
    file = history / "evaluations.jsonl"
    changed = [json.dumps(json.loads(line) | {"schema_version": 9}) for line in lines_of(file)]
    file.write_text("\n".join(changed))

    ran = kubernaut("history", "describe", history)

    assert f"warning: {file}:1: " in ran.err
    assert "unknown schema version 9; this program reads version 1: update kubernaut" in ran.err
    assert kubernaut("history", "describe", file).code == 1


def test_a_bad_line_is_named_and_the_rest_is_used(history):
    file = history / "executions.jsonl"
    file.write_text(file.read_text() + "{not json\n")

    ran = kubernaut("history", "describe", history)

    assert ran.code == 0
    assert f"warning: {file}:4: " in ran.err
    assert "3 executions" in ran.out
    assert kubernaut("history", "describe", history, "--strict").code == 1


def test_a_clock_that_went_backwards(tmp_path, rows):
    early = attempt(5)
    late = evaluation(6)
    broken = [attempt(5, read_at=early.read_started_at.replace(year=2025)), evaluation(6, elapsed_s=-1.0)]
    History.from_rows(rows).to_jsonl(tmp_path / "history")
    texts = History.from_rows([attempt(5), evaluation(6)]).to_jsonl(tmp_path / "broken")
    for file in texts:
        if file.name == "attempts.jsonl":
            row = json.loads(lines_of(file)[0]) | {"read_at": broken[0].read_at.isoformat()}
            file.write_text(json.dumps(row) + "\n")
        if file.name == "evaluations.jsonl":
            file.write_text(json.dumps(json.loads(lines_of(file)[0]) | {"elapsed_s": -1.0}) + "\n")

    ran = kubernaut("history", "describe", tmp_path / "history", tmp_path / "broken")

    assert ran.code == 0
    assert f"{tmp_path}/broken/attempts.jsonl:1: read_at before read_started_at: the clock went backwards" in ran.err
    assert f"{tmp_path}/broken/evaluations.jsonl:1: elapsed_s below 0: the clock went backwards" in ran.err
    assert "2 set aside" in ran.out
    assert late.record_id


def test_duplicated_ids(tmp_path, rows):
    for folder, changes in (("a", {}), ("b", {"message": "another"})):
        History.from_rows([*rows, evaluation(0, **changes)]).to_jsonl(tmp_path / folder)
    History.from_rows(rows).to_jsonl(tmp_path / "again")

    twice = kubernaut("history", "describe", tmp_path / "a", tmp_path / "again")
    ran = kubernaut("history", "describe", tmp_path / "a", tmp_path / "b")

    assert (twice.code, twice.err) == (0, "")
    assert "13 duplicates" in twice.out
    assert ran.code == 0
    assert f"two different evaluations rows have the id {evaluation(0).record_id} and the same time" in ran.err


def test_more_problems_than_a_screen_holds_are_counted(history):
    file = history / "executions.jsonl"
    file.write_text(file.read_text() + "{not json\n" * 25)

    ran = kubernaut("history", "describe", history)

    assert ran.err.count(f"warning: {file}:") == 10
    assert ran.err.splitlines()[-1] == "warning: 15 more: 25 bad row"


def test_a_selection_that_leaves_nothing(history):
    ran = kubernaut("replay", history, "--namespace", "nowhere")

    assert (ran.code, ran.err) == (
        1,
        "error: no evaluation is left after --since, --until, --action and --namespace; widen them\n",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "is not an instant; write it as 2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00", "has no time zone; write it as 2026-03-01T00:00:00Z or with +01:00"),
    ],
)
def test_instants(history, text, message):
    ran = kubernaut("replay", history, "--since", text)

    assert (ran.code, ran.err) == (1, f"error: --since {text!r} {message}\n")
