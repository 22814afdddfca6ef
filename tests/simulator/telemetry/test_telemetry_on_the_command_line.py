"""`kubernaut telemetry` on a real Prometheus, as its user runs it."""

import json

import pytest
from helpers.command_line import kubernaut
from kubernaut_simulator.history.history import History

pytestmark = pytest.mark.xdist_group("prometheus")


def run(past, *argv):
    done = kubernaut("telemetry", *argv, "--url", past.url)
    assert done.code == 0, done.err
    return done


@pytest.fixture
def window(past):
    return ("--since", past.began.isoformat(), "--until", past.ended.isoformat())


def test_check_tells_facts_and_conditions(past, window):
    done = run(past, "check", *window, "-n", "shop", "--nothing-filtered", "-o", "json")

    told = json.loads(done.out)
    states = {row["fact"]: row["state"] for row in told["rows"]}
    assert states["ready_pods"] == "rebuilt"
    assert states["schedulable_replicas"] == "no series"
    assert any("cannot be judged: " in note for note in told["notes"])


def test_pages_have_a_chart_without_scripts(past, window):
    for argv in (("check", *window, "-n", "shop", "--nothing-filtered"), ("rates", *window)):
        page = run(past, *argv, "-o", "html").out
        assert "<svg" in page
        assert "<script" not in page


def test_replay_keeps_a_history_that_is_replayed_again(past, incidents, tmp_path):
    done = run(past, "replay", "--incidents", incidents, "--nothing-filtered", "--to", tmp_path / "kept")

    again = kubernaut("replay", tmp_path / "kept", "--show", "verdicts")
    assert "is not judged" in done.err
    assert "deployment_exists" in done.out
    assert again.code == 0
    assert History.load(tmp_path / "kept").executions.num_rows == 3

    runs = run(past, "replay", "--history", tmp_path / "kept", "--nothing-filtered", "--show", "verdicts")
    compared = run(past, "agreement", tmp_path / "kept", "--nothing-filtered")
    assert "desired_replicas_running" in runs.out
    assert "100.0 %" in compared.out


def test_rates_are_read_off_the_operators_counters(past, window):
    done = run(past, "rates", *window)

    assert "6/30" in done.out
    assert "1 reset of counters" in done.out


def test_nothing_to_judge_by_is_said_with_what_to_do(past, incidents):
    done = kubernaut("telemetry", "replay", "--incidents", incidents, "--url", past.url, "--label", "job=elsewhere")

    assert done.code == 1
    assert "`kubernaut telemetry check` lists all" in done.err
