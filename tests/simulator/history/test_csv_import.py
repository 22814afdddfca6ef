from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.history.csv_import import convert_csv
from kubernaut_simulator.history.csv_map import parse_map

from kubernaut.enforcement.rollout import bucket_of
from kubernaut.errors import HistoryError, PolicyError
from kubernaut.history.rows import Outcome, OutcomeSource, RowKind
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Attempt, Verdict

MAP = """\
version: 1
about: a test
action: restart
cluster: c
incident: {column: id}
target: {namespace: shop, kind: Pod, name: {column: pod}}
labels: {team: {column: team}}
times:
  started: {column: at, zone: "+02:00"}
result: {column: end, values: {ok: succeeded, bad: failed, none: skipped}, missing: unknown}
workflow_result: completed
manual_intervention: {column: end, values: {bad: "yes"}, otherwise: "no"}
outcome:
  - outcome: {column: alert, values: {"1": effective, "0": ineffective}}
    source: alert
  - outcome: {column: health, values: {"1": effective, "?": inconclusive}, otherwise: ineffective}
    source: health
conditions:
  - condition: restart/step/pre/calm
    policy: |
      # METADATA
      # custom:
      #   parameters:
      #     most:
      #       default: 3
      #       maximum: 10
      package calm
      import rego.v1
      allow if input.custom.load <= input.settings.most
      error_message := "too much load"
    facts:
      custom.load: {column: load, type: number}
  - condition: restart/step/post/up
    timeout_s: 60
    time_to_pass:
      seconds: took
      passed: {column: up, values: {y: "yes", n: "no"}}
      fact: custom.up
"""
HEADER = "id,pod,team,at,end,alert,health,load,took,up"
GOOD = "i1,web,a,2026-01-31T14:00:00,ok,1,,2,12.5,y"


def convert(tmp_path, *lines, text=MAP, header=HEADER, **options):
    path = tmp_path / "runs.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return convert_csv(path, parse_map(text, source="m.yaml"), evaluator=InProcessEvaluator(), **options)


def by_type(history):
    return {row.type: row for row in history.rows(RowKind.EVALUATIONS)}


def test_a_line_becomes_a_run_with_all_its_rows(tmp_path):
    conversion = convert(tmp_path, GOOD)
    history = conversion.history

    assert [history.table(kind).num_rows for kind in RowKind] == [2, 2, 1, 1, 1]
    (workflow,) = history.rows("workflows")
    (execution,) = history.rows("executions")
    start = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (workflow.outcome, workflow.outcome_source, workflow.outcome_at) == (
        Outcome.EFFECTIVE,
        OutcomeSource.ALERT,
        None,
    )
    assert (execution.started_at, execution.action_ended_at, execution.result) == (start, start, "succeeded")
    assert (execution.target_name, execution.labels, workflow.manual_intervention) == ("web", {"team": "a"}, False)
    calm, up = by_type(history)["calm"], by_type(history)["up"]
    assert (calm.verdict, calm.attempts, calm.required, calm.bucket) == (
        Verdict.PASSED,
        1,
        False,
        bucket_of("default", "i1"),
    )
    assert (up.verdict, up.time_to_pass_s, up.time_to_pass_lower_s) == (Verdict.PASSED, 12.5, 0.0)
    assert (up.observed_until - up.started_at).total_seconds() == 12.5
    assert up.held_since == up.observed_until
    looks = {row.type: row for row in history.rows("attempts")}
    assert looks["calm"].facts == {"custom": {"load": 2}, "settings": {"most": 3}}
    assert looks["calm"].recorded_paths == ("custom.load", "settings")
    assert looks["up"].facts == {"custom": {"up": True}}
    assert looks["up"].evaluation_id == up.record_id
    (policy,) = history.rows("policies")
    assert policy.digest == calm.policy_digest
    assert conversion.notes == ()
    assert conversion.lines == 1


@pytest.mark.parametrize(
    ("took", "up", "verdict", "passed_s", "watched_s", "look"),
    [
        ("12.5", "y", Verdict.PASSED, 12.5, 12.5, Attempt.PASSED),
        ("60", "y", Verdict.PASSED, 60.0, 60.0, Attempt.PASSED),
        ("60.5", "y", Verdict.FAILED, None, 60.0, Attempt.NOT_YET),
        ("60", "n", Verdict.FAILED, None, 60.0, Attempt.NOT_YET),
        ("90", "n", Verdict.FAILED, None, 60.0, Attempt.NOT_YET),
        ("30", "n", Verdict.CENSORED, None, 30.0, Attempt.NOT_YET),
        ("0", "n", Verdict.CENSORED, None, 0.0, Attempt.NOT_YET),
    ],
)
def test_a_duration_becomes_a_verdict(tmp_path, took, up, *, verdict, passed_s, watched_s, look):
    history = convert(tmp_path, GOOD.replace("12.5,y", f"{took},{up}")).history

    row = by_type(history)["up"]
    assert (row.verdict, row.time_to_pass_s) == (verdict, passed_s)
    assert (row.observed_until - row.started_at).total_seconds() == watched_s
    (attempt,) = (a for a in history.rows("attempts") if a.type == "up")
    assert attempt.result == look
    assert attempt.facts == {"custom": {"up": passed_s is not None}}


@pytest.mark.parametrize(
    ("load", "verdict", "message"),
    [("3", Verdict.PASSED, ""), ("3.5", Verdict.FAILED, "too much load"), ("", Verdict.SKIPPED, "")],
)
def test_facts_are_judged_by_the_engine(tmp_path, load, verdict, message):
    conversion = convert(tmp_path, GOOD.replace(",2,", f",{load},"))

    row = by_type(conversion.history)["calm"]
    assert row.verdict == verdict
    assert message in row.message
    if not load:
        assert row.reason == "FactNotRecorded"
        assert conversion.notes == ("1 lines: restart/step/pre/calm not judged: custom.load not recorded",)


@pytest.mark.parametrize(
    ("alert", "health", "outcome", "source"),
    [
        ("1", "0", Outcome.EFFECTIVE, OutcomeSource.ALERT),
        ("0", "1", Outcome.INEFFECTIVE, OutcomeSource.ALERT),
        ("", "1", Outcome.EFFECTIVE, OutcomeSource.HEALTH),
        ("", "0.75", Outcome.INEFFECTIVE, OutcomeSource.HEALTH),
        ("", "?", Outcome.INCONCLUSIVE, OutcomeSource.HEALTH),
        ("", "", None, None),
    ],
)
def test_the_first_source_that_has_a_label_counts(tmp_path, alert, health, outcome, source):
    history = convert(tmp_path, GOOD.replace(",1,,", f",{alert},{health},")).history

    (workflow,) = history.rows("workflows")
    assert (workflow.outcome, workflow.outcome_source) == (outcome, source)


def test_an_action_that_never_ran_has_no_postcondition(tmp_path):
    history = convert(tmp_path, GOOD.replace(",ok,", ",none,")).history

    (execution,) = history.rows("executions")
    row = by_type(history)["up"]
    assert (execution.result, execution.action_ended_at) == ("skipped", None)
    assert (row.verdict, row.reason, row.attempts) == (Verdict.SKIPPED, "ActionNeverRan", 0)
    assert by_type(history)["calm"].verdict == Verdict.PASSED


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (GOOD.replace("i1", ""), ":3: the incident's name is empty"),
        (GOOD.replace(",ok,", ",fine,"), ":3: column 'end' is 'fine', which the map does not translate; it knows 'ok'"),
        (GOOD.replace("2026-01-31T14:00:00", ""), ":3: column 'at' is empty and every run has a start"),
        (GOOD.replace("2026-01-31T14:00:00", "noon"), ":3: column 'at' is 'noon', not a time"),
        (GOOD.replace(",2,", ",much,"), ":3: column 'load' is 'much', which is no number"),
        (GOOD.replace(",2,", ",nan,"), ":3: column 'load' is 'nan', which is no number"),
        (GOOD.replace("12.5", "-1"), ":3: column 'took' is '-1', not a number of seconds from 0 on"),
        (GOOD.replace("12.5", "soon"), ":3: column 'took' is 'soon'"),
        (GOOD.replace("12.5", ""), ":3: it passed, but column 'took' does not say when"),
        (GOOD.replace("12.5,y", ",n"), ":3: it did not pass, and no column says how long it was watched"),
        (GOOD.replace(",1,,", ",2,,"), ":3: column 'alert' is '2', which the map does not translate"),
        (GOOD + ",extra", ":3: 11 cells, but the header names 10 columns"),
        ('"unended', "not CSV"),
    ],
)
def test_a_bad_cell_costs_its_line_and_is_reported(tmp_path, line, message):
    conversion = convert(tmp_path, GOOD, line)

    assert conversion.history.executions.num_rows == 1
    assert message in str(conversion.history.problems[0])
    assert conversion.lines == 2
    with pytest.raises(HistoryError, match="first problem is fatal"):
        convert(tmp_path, GOOD, line, strict=True)


def test_blank_lines_are_no_lines(tmp_path):
    assert convert(tmp_path, GOOD, "").lines == 1


def test_a_time_without_zone_needs_one_in_the_map(tmp_path):
    text = MAP.replace(', zone: "+02:00"', "")

    with pytest.raises(HistoryError, match="it has no time zone; say it in the map as `zone: UTC`"):
        convert(tmp_path, GOOD, text=text)


def test_what_is_assumed_is_counted_and_said(tmp_path):
    text = MAP.replace('zone: "+02:00"', 'zone: "-05:30", missing: "2026-01-01T00:00:00Z"')
    line = GOOD.replace("2026-01-31T14:00:00", "")

    conversion = convert(tmp_path, line, line.replace("i1", "i2"), GOOD.replace("i1", "i3"), text=text)

    assert conversion.notes == ("2 lines: no at; taken to be 2026-01-01T00:00:00+00:00",)
    assert [row.started_at.isoformat() for row in conversion.history.rows("executions")] == [
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-01-31T19:30:00+00:00",
    ]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (("input.custom.load", "input.custom.laod"), HistoryError, "reads input.custom.laod, which the map gives no"),
        (
            ("    facts:\n", "    settings: {least: 1}\n    facts:\n"),
            HistoryError,
            "has no setting 'least'; it has most",
        ),
        (("    facts:\n", "    settings: {most: 11}\n    facts:\n"), HistoryError, "most = 11 is outside the policy's"),
        (("package calm", "package calm\n      allow if"), PolicyError, "calm.rego"),
        (("{column: pod}", "{column: pot}"), HistoryError, "no column 'pot', which the map names; did you mean 'pod'?"),
        (("{column: pod}", "{column: zzzzz}"), HistoryError, "no column 'zzzzz', which the map names; it has id, pod"),
    ],
)
def test_a_map_that_does_not_fit_the_file_or_the_policy(tmp_path, change, error, message):
    with pytest.raises(error, match=message.replace("?", "[?]")):
        convert(tmp_path, GOOD, text=MAP.replace(*change))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the file is empty"), (b"id,id\n1,2\n", "column 'id' stands twice"), (b"id\xff\n", "cannot be read")],
)
def test_a_file_that_is_no_csv(tmp_path, content, message):
    path = tmp_path / "runs.csv"
    path.write_bytes(content)

    with pytest.raises(HistoryError, match=message):
        convert_csv(path, parse_map(MAP, source="m.yaml"))
    with pytest.raises(HistoryError, match="cannot be read"):
        convert_csv(tmp_path / "none.csv", parse_map(MAP, source="m.yaml"))


def test_a_file_without_a_usable_line_is_an_empty_history(tmp_path):
    with pytest.raises(HistoryError, match="no usable row in"):
        convert(tmp_path, GOOD.replace("i1", ""))


TIMED = """\
version: 1
about: a test
action: schedule
cluster: c
incident: {column: id}
workflow: {column: id}
times:
  started: {column: made, clock: unix}
  action_started: {column: made, clock: unix}
  action_ended: {column: made, clock: unix}
  finished: {column: gone, clock: unix}
  detected: {column: made, clock: unix}
  resolved: {column: gone, clock: unix}
result: unknown
workflow_result: ""
outcome:
  - {outcome: {column: label}, source: person, at: {column: gone, clock: unix}}
conditions:
  - condition: schedule/action/pre/asked
    verdict: {column: asked}
    message: {column: why}
    facts:
      custom.n: {column: n, type: integer, missing: "null"}
      custom.ok: {column: ok, type: flag}
      custom.word: {column: word}
  - condition: schedule/action/post/there
    timeout_s: 1000
    time_to_pass: {at: {column: came, clock: unix}, watched_until: {column: gone, clock: unix}, resolution_s: 1}
"""
TIMED_HEADER = "id,made,came,gone,label,asked,why,n,ok,word"


def timed(tmp_path, **cells):
    values = {"id": "i", "made": "100", "came": "130", "gone": "160", "label": "effective", "asked": "Passed"}
    values = dict.fromkeys(TIMED_HEADER.split(","), "") | values | cells
    return convert(tmp_path, ",".join(values.values()), text=TIMED, header=TIMED_HEADER)


def test_two_clock_columns_make_a_duration(tmp_path):
    history = timed(tmp_path).history

    row = by_type(history)["there"]
    assert (row.time_to_pass_s, row.time_to_pass_lower_s, row.verdict) == (31.0, 29.0, Verdict.PASSED)
    (workflow,) = history.rows("workflows")
    assert workflow.outcome_at == workflow.finished_at == datetime.fromtimestamp(160, UTC)
    assert workflow.result == "unknown"


def test_what_never_came_is_censored_when_watching_ended(tmp_path):
    row = by_type(timed(tmp_path, came="").history)["there"]

    assert (row.verdict, row.elapsed_s, row.time_to_pass_s) == (Verdict.CENSORED, 60.0, None)


@pytest.mark.parametrize(
    ("asked", "verdict", "reason", "attempts"),
    [
        ("Passed", Verdict.PASSED, "Allowed", 1),
        ("Failed", Verdict.FAILED, "NotAllowed", 1),
        ("Error", Verdict.ERROR, "PolicyError", 1),
        ("Skipped", Verdict.SKIPPED, "ValidationOff", 0),
    ],
)
def test_a_column_of_verdicts(tmp_path, asked, verdict, reason, attempts):
    row = by_type(timed(tmp_path, asked=asked, why="because").history)["asked"]

    assert (row.verdict, row.reason, row.attempts, row.message) == (verdict, reason, attempts, "because")
    assert (row.policy_digest, row.policy_source) == ("", "imported")


def test_no_verdict_gives_no_evaluation_and_is_counted(tmp_path):
    conversion = timed(tmp_path, asked="")

    assert list(by_type(conversion.history)) == ["there"]
    assert conversion.notes == ("1 lines: no verdict of schedule/action/pre/asked",)


@pytest.mark.parametrize(
    ("cells", "facts"),
    [
        ({"n": "7", "ok": "TRUE", "word": "x"}, {"n": 7, "ok": True, "word": "x"}),
        ({"ok": "false"}, {"n": None, "ok": False}),
    ],
)
def test_facts_have_types_and_absent_ones_are_absent(tmp_path, cells, facts):
    (look,) = (row for row in timed(tmp_path, **cells).history.rows("attempts") if row.type == "asked")

    assert look.facts == {"custom": facts}
    assert look.recorded_paths == tuple(f"custom.{name}" for name in facts)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"came": "90"}, "column 'came' lies 10.0 s before the condition's start"),
        ({"came": "", "gone": "90"}, "column 'gone' lies 10.0 s before"),
        ({"came": "", "gone": ""}, "no column says how long it was watched"),
        ({"label": "good"}, "gives 'good', which is none of effective"),
        ({"asked": "Censored"}, "gives Censored, which no precondition can come to"),
        ({"ok": "maybe"}, "column 'ok' is 'maybe', which is no flag"),
        ({"n": "1.5"}, "column 'n' is '1.5', which is no integer"),
        ({"made": "x"}, "column 'made' is 'x', not a time .unix."),
        ({"made": "1e300"}, "not a time"),
    ],
)
def test_bad_cells_of_timed_lines(tmp_path, cells, message):
    with pytest.raises(HistoryError, match=message):
        timed(tmp_path, **cells)


@given(
    seconds=st.floats(min_value=0, max_value=200, allow_nan=False),
    passed=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_no_duration_passes_after_its_timeout(tmp_path_factory, seconds, passed):
    history = convert(
        tmp_path_factory.mktemp("runs"), GOOD.replace("12.5,y", f"{seconds!r},{'y' if passed else 'n'}")
    ).history

    row = by_type(history)["up"]
    assert (row.verdict == Verdict.PASSED) == (passed and seconds <= 60)
    assert (row.time_to_pass_s is not None) == (row.verdict == Verdict.PASSED)
    assert row.observed_until <= row.deadline
    assert history.problems == ()


def test_the_same_file_gives_the_same_history(tmp_path):
    assert convert(tmp_path, GOOD).history.digest == convert(tmp_path, GOOD).history.digest


def test_a_look_that_the_policy_calls_fatal_could_never_have_passed(tmp_path):
    policy = """
    policy: |
      package up
      import rego.v1
      allow if input.custom.up == true
      fatal if input.custom.team == "b"
    facts: {custom.team: {column: team}}
"""
    text = MAP.replace("    timeout_s: 60\n", f"{policy.removeprefix(chr(10))}    timeout_s: 60\n")
    lines = [
        f"i{n},web,{team},2026-01-31T14:00:00,ok,1,,2,12.5,{up}" for n, (team, up) in enumerate(("an", "bn", "by"))
    ]
    history = convert(tmp_path, *lines, text=text).history

    rows = [(row.verdict, row.reason, row.elapsed_s) for row in history.rows("evaluations") if row.type == "up"]
    assert rows == [
        (Verdict.CENSORED, "ObservationEnded", 12.5),
        (Verdict.FAILED, "Fatal", 12.5),
        (Verdict.PASSED, "Allowed", 12.5),
    ]
    looks = [(row.result, row.fatal) for row in history.rows("attempts") if row.type == "up"]
    assert looks == [(Attempt.NOT_YET, False), (Attempt.FAILED, True), (Attempt.PASSED, False)]


def test_a_name_may_be_made_of_several_columns(tmp_path):
    text = MAP.replace("incident: {column: id}", "incident: {columns: [team, id]}")
    history = convert(tmp_path, GOOD, GOOD.replace(",a,", ",b,"), text=text).history

    assert sorted(row.incident_id for row in history.rows("workflows")) == ["a/i1", "b/i1"]
    with pytest.raises(HistoryError, match=r"the incident's name is empty \(column 'team', 'id'\)"):
        convert(tmp_path, GOOD.replace(",a,", ",,"), text=text, strict=True)
    with pytest.raises(HistoryError, match="no column 'crew', which the map names"):
        convert(tmp_path, GOOD, text=text.replace("[team, id]", "[crew, id]"))


def test_a_time_may_say_utc_in_words(tmp_path):
    history = convert(tmp_path, GOOD.replace("2026-01-31T14:00:00", "2026-01-31 12:00 UTC")).history

    (row,) = history.rows("executions")
    assert row.started_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
