import json

import pytest
import typer
from helpers.enforced_history import Stage, Truth, enforced_history
from kubernaut_simulator.cli import effect_command, rollout_commands
from kubernaut_simulator.cli.exits import ExitCode, run

WARN = Stage(percent=0, incidents=200)


@pytest.fixture
def kubernaut(capsys):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.add_typer(rollout_commands.app, name="rollout")
    effect_command.register(app)

    def call(*arguments):
        code = run(lambda: app([str(one) for one in arguments], standalone_mode=False))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("history")
    enforced_history([WARN, Stage(percent=10, incidents=300)]).to_parquet(path)
    return path


def test_plan_prints_the_stages(kubernaut, folder):
    code, out, _ = kubernaut(
        "rollout", "plan", folder, "--rollouts", 20, "--incidents-per-day", 60, "--stages", "10,98"
    )

    assert code == ExitCode.OK
    assert "Rollout plan: 1 conditions to 10, 98 %" in out
    assert "seed 0" in out


def test_plan_as_json_has_the_conditions(kubernaut, folder):
    code, out, _ = kubernaut("rollout", "plan", folder, "--rollouts", 20, "-o", "json", "--incidents-per-day", 60)

    assert code == ExitCode.OK
    assert json.loads(out)["conditions"][0]["condition"] == "scale_deployment/step/pre/deployment_exists"


def test_bad_stages_are_bad_input(kubernaut, folder):
    code, _, err = kubernaut("rollout", "plan", folder, "--stages", "50,10")

    assert code == ExitCode.BAD_INPUT
    assert "above the one before" in err


def test_status_says_go_and_leaves_with_0(kubernaut, folder):
    code, out, _ = kubernaut("rollout", "status", folder, "--rollouts", 20)

    assert code == ExitCode.OK
    assert "Rollout status: go" in out


def test_status_says_stop_and_leaves_with_2(kubernaut, tmp_path):
    truth = Truth(false_stops={"deployment_exists": 0.5})
    enforced_history([WARN, Stage(percent=10, incidents=200)], truth).to_parquet(tmp_path)
    code, out, err = kubernaut("rollout", "status", tmp_path, "--rollouts", 20)

    assert code == ExitCode.GATE_NOT_MET
    assert "Rollout status: stop" in out
    assert "set back to warn" in err


def test_effect_prints_both_arms_and_the_gates(kubernaut, folder):
    code, out, _ = kubernaut("effect", folder, "--cost-per-incident-hour", 100)

    assert code == ExitCode.OK
    assert "effective incidents" in out
    assert "production production 10 %: false positives below 15%" in out


def test_effect_leaves_with_2_when_a_gate_is_not_met(kubernaut, folder):
    code, _, err = kubernaut("effect", folder, "--fail-level", "not-enough")

    assert code == ExitCode.GATE_NOT_MET
    assert "gates not met" in err


def test_a_horizon_of_nothing_is_bad_input(kubernaut, folder):
    code, _, err = kubernaut("effect", folder, "--horizon", "0s")

    assert code == ExitCode.BAD_INPUT
    assert "--horizon" in err
