"""`kubernaut whatif`, `diff` and `suite`: what a person types, what is printed, what it leaves with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from helpers.stored_runs import failed, history_of, passed, run
from kubernaut_simulator.cli import diff_command, suite_command, whatif_command
from kubernaut_simulator.cli.exits import ExitCode
from kubernaut_simulator.cli.exits import run as run_command

PRE, POST = "step/pre/deployment_exists", "step/post/desired_replicas_running"

app = typer.Typer()
for module in (whatif_command, diff_command, suite_command):
    module.register(app)

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def called(*words: str) -> tuple[int, str, str]:
        code = run_command(lambda: app(list(words), standalone_mode=False))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return called


@pytest.fixture
def folder(tmp_path: Path) -> str:
    runs = []
    for number in range(150):
        good = number % 3 > 0
        stop = number % 3 == 0 if number % 10 else True
        runs.append(run(number, {PRE: failed("f") if stop else passed("p"), POST: passed("nnp")}, good=good))
    history_of(*runs).to_parquet(tmp_path / "history")
    return str(tmp_path / "history")


def test_whatif_says_what_would_be_stopped(call: Call, folder: str) -> None:
    code, out, _ = call(
        "whatif", folder,
        "--set", "deployment_exists.rolloutPercent=100", "--set", "deployment_exists.required=true",
        "--set", "desired_replicas_running.timeout=25s", "--set", "desired_replicas_running.holdFor=0s",
        "--rollout", "spring",
    )  # fmt: skip

    assert code == ExitCode.OK
    assert "workflows would be stopped" in out
    assert "blocked before the change" in out


def test_whatif_takes_the_short_name_that_its_table_shows(call: Call, folder: str) -> None:
    shown = set()
    for name in ("deployment_exists", "pre/deployment_exists", PRE):
        code, out, _ = call("whatif", folder, "--set", f"{name}.rolloutPercent=100", "-o", "json")
        assert code == ExitCode.OK
        shown.add(out)
    assert len(shown) == 1
    code, _, err = call("whatif", folder, "--set", "exists.rolloutPercent=100")
    assert code == ExitCode.BAD_INPUT
    assert "was never recorded" in err


def test_whatif_lists_workflows(call: Call, folder: str) -> None:
    code, out, _ = call(
        "whatif", folder, "--set", "deployment_exists.rolloutPercent=100", "--show", "workflows", "-o", "json"
    )

    assert code == ExitCode.OK
    rows = json.loads(out)
    assert len(rows) == 150
    assert {row["effect"] for row in rows} == {"", "blocked"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("timeout=5s", "write CONDITION.KEY=VALUE"),
        ("deployment_exists.timeout", "write CONDITION.KEY=VALUE"),
        ("deployment_exists.required=maybe", "true or false"),
        ("deployment_exists.rolloutPercent=much", "is not a number"),
        ("deployment_exists.colour=red", "unknown key colour"),
        ("deployment_exists.timeout=5", "is not a duration"),
    ],
)
def test_whatif_refuses_what_cannot_be_set(call: Call, folder: str, change: str, message: str) -> None:
    code, out, err = call("whatif", folder, "--set", change)

    assert (code, out) == (ExitCode.BAD_INPUT, "")
    assert message in err


CANDIDATE = """apiVersion: v1
kind: ConfigMap
metadata: {name: kubernaut-workflow-conditions}
data:
  settings.yaml: |
    version: 1
    actions:
      scale_deployment:
        pre:
          deployment_exists: {required: true, rolloutPercent: 100, timeout: 10s}
        post:
          desired_replicas_running: {required: true, rolloutPercent: 0, timeout: 25s}
"""


@pytest.fixture
def candidate(tmp_path: Path) -> str:
    path = tmp_path / "candidate.yaml"
    path.write_text(CANDIDATE)
    return str(path)


def test_diff_compares_with_what_was_recorded(call: Call, folder: str, candidate: str) -> None:
    code, out, _ = call("diff", folder, "-f", candidate)

    assert code == ExitCode.OK
    assert "verdicts change" in out
    assert "kubernaut explain RECORD HISTORY -f candidate.yaml" in out


def test_diff_lists_workflows(call: Call, folder: str, candidate: str) -> None:
    code, out, _ = call("diff", folder, "-f", candidate, "--baseline", candidate, "--show", "workflows", "-o", "json")

    assert code == ExitCode.OK
    assert json.loads(out) == []


def test_whatif_takes_conditions_from_a_file(call: Call, folder: str, candidate: str) -> None:
    code, out, _ = call("whatif", folder, "-f", candidate, "-o", "json")

    assert code == ExitCode.OK
    assert json.loads(out)["result"] == "WhatIfResult"


def test_suite_prints_front_and_worth(call: Call, folder: str) -> None:
    code, out, _ = call("suite", folder, "--target", "0.3")
    conditions, worth, _ = call("suite", folder, "--target", "0.3", "--show", "conditions")

    assert (code, conditions) == (ExitCode.OK, ExitCode.OK)
    assert "suites compared" in out
    assert "standing" in worth


def test_suite_leaves_with_two_when_asked(call: Call, folder: str) -> None:
    code, out, err = call(
        "suite", folder, "--target", "0.01", "--fail-level", "gate", "--timeouts", "desired_replicas_running=60s, 90s"
    )

    assert code == ExitCode.GATE_NOT_MET
    assert "too few to show" in out
    assert "no suite may be required" in err


def test_suite_shows_detection(call: Call, folder: str) -> None:
    code, out, _ = call("suite", folder, "--show", "detection")

    assert code == ExitCode.OK
    assert "Detection" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--timeouts", "desired_replicas_running"], "write it as"),
        (["--try", "headroom=1"], "write CONDITION.NAME=VALUES"),
        (["--try", "desired_replicas_running.least=x"], "is not a number"),
        (["--try", "desired_replicas_running.least=1"], "its policy is needed"),
    ],
)
def test_suite_refuses_what_cannot_be_tried(call: Call, folder: str, words: list[str], message: str) -> None:
    code, _, err = call("suite", folder, *words)

    assert code == ExitCode.BAD_INPUT
    assert message in err
