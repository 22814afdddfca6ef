"""What commands write: whole files or none, data on stdout, talk on stderr."""

import json
import os
from pathlib import Path

import pytest
from helpers.command_line import kubernaut

from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.identity import Level


def test_export_loads_back(history):
    ran = kubernaut("export", history)

    sets = load_condition_sets(ran.out, source="export", shipped=shipped_defaults())
    assert (ran.code, ran.err) == (0, "")
    assert [str(one) for one in sets[Level.STEP].suite] == ["scale_deployment/step/pre/deployment_exists"]
    assert kubernaut("export", history).out == ran.out


def test_export_to_a_file_says_what_is_next(history, tmp_path):
    file = tmp_path / "new" / "conditions.yaml"

    ran = kubernaut("export", history, "--to", file)

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"wrote {file}; next: kubectl apply --server-side --dry-run=server -f {file}\n"
    assert file.read_text() == kubernaut("export", history).out


def test_what_cannot_be_written_leaves_nothing_half_written(history, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("before")

    into_file = kubernaut("export", history, "--to", blocked / "conditions.yaml")
    into_folder = kubernaut("export", history, "--to", tmp_path)

    assert (into_file.code, into_folder.code) == (1, 1)
    assert into_file.err.startswith(f"error: cannot write {blocked / 'conditions.yaml'}: ")
    assert into_folder.err == f"error: cannot write {tmp_path}: it is a folder; name a file in it\n"
    assert blocked.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "history"]


def test_a_full_disk_leaves_the_old_file(history):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    ran = kubernaut("export", history, "--to", "/dev/full")

    assert ran.code == 1
    assert "cannot write /dev/full: No space left on device" in ran.err


def test_a_folder_without_rights(history, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)

    ran = kubernaut("export", history, "--to", locked / "conditions.yaml")

    assert ran.code == 1
    assert "Permission denied" in ran.err
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize(
    "command", [("report", "no-history"), ("calibrate", "--only", "coverage"), ("export", "no-history")]
)
def test_what_cannot_be_written_is_told_before_the_work(command, tmp_path):
    """The history is not even looked for."""
    (tmp_path / "file").write_text("before")
    option = "--to" if command[0] == "export" else "--out"

    ran = kubernaut(*command, option, tmp_path / "file" / "out")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"error: cannot write {tmp_path / 'file' / 'out'}: {tmp_path / 'file'} is not a folder\n"


@pytest.mark.parametrize("form", ["parquet", "jsonl", "jsonl.gz"])
def test_convert_and_describe_agree(history, tmp_path, form):
    ran = kubernaut("history", "convert", history, "--to", tmp_path / "out", "--format", form)

    then, now = (
        json.loads(kubernaut("history", "describe", path, "-o", "json").out) for path in (history, tmp_path / "out")
    )
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.count("wrote ") == 5
    assert then["rows"] == now["rows"]
    assert then["summary"]["digest"] == now["summary"]["digest"]


def test_convert_from_csv(tmp_path):
    alone = kubernaut("history", "convert", "x.csv", "--from", "csv", "--to", tmp_path / "out")
    wrong = kubernaut("history", "convert", "x", "--map", "x.yaml", "--to", tmp_path / "out")

    assert (alone.code, wrong.code) == (1, 1)
    assert alone.err == wrong.err
    assert "--map goes with --from csv" in alone.err


CSV_MAP = """\
version: 1
about: a test
action: restart
cluster: c
incident: {column: id}
target: {namespace: shop, kind: Pod, name: {column: pod}}
times:
  started: {column: at}
result: {column: end, values: {ok: succeeded, bad: failed}, missing: unknown}
workflow_result: completed
outcome:
  - outcome: {column: alert, values: {"1": effective, "0": ineffective}}
    source: alert
conditions:
  - condition: restart/step/post/up
    timeout_s: 60
    time_to_pass:
      seconds: took
      passed: {column: up, values: {y: "yes", n: "no"}}
"""


def test_convert_from_csv_counts_the_lines(tmp_path):
    lines = [
        "id,pod,at,end,alert,took,up",
        "i1,web,2026-01-31T14:00:00Z,ok,1,12.5,y",
        "i2,web,2026-01-31T15:00:00Z,ok,1,20,y",
        "i3,web,yesterday,ok,1,20,y",
    ]
    (tmp_path / "runs.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "map.yaml").write_text(CSV_MAP)

    ran = kubernaut(
        "history", "convert", tmp_path / "runs.csv", "--from", "csv", "--map", tmp_path / "map.yaml",
        "--to", tmp_path / "out",
    )  # fmt: skip

    assert ran.code == 0, ran.err
    assert "2 of 3 lines converted, 1 left out" in ran.err.splitlines()


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml", "csv"])
@pytest.mark.parametrize("show", ["verdicts", "false-stops", "timeouts", "holding"])
def test_replay_in_every_format(history, output, show):
    ran = kubernaut("replay", history, "--show", show, "-o", output)

    assert (ran.code, ran.err) == (0, "")
    assert ("step/pre/deployment_exists" in ran.out) == (show not in {"timeouts", "holding"})


def test_a_table_says_a_common_action_once_and_shares_in_percent(history):
    narrow = kubernaut("tune", history, "--fail-level", "none").out
    wide = kubernaut("tune", history, "--fail-level", "none", "-o", "wide").out
    bounds = kubernaut("replay", history, "-o", "wide").out
    upper = json.loads(kubernaut("replay", history, "-o", "json").out)["rows"][0]["upper 95 %"]

    assert narrow.splitlines()[0].endswith(" (scale_deployment)")
    assert "\nstep/pre/deployment_exists " in narrow
    assert "\nscale_deployment/step/pre/deployment_exists " in wide
    assert f" {upper * 100:.1f} % " in bounds


@pytest.mark.slow
def test_html_is_one_page_that_needs_no_network(history):
    ran = kubernaut("replay", history, "-o", "html")

    assert ran.code == 0
    assert ran.out.startswith("<!doctype html>")
    assert 'src="http' not in ran.out
    assert ran.out.count("<svg ") == 1
    assert "<script" not in ran.out


def test_the_gate_leaves_with_2_and_the_answer_is_printed(history):
    none = kubernaut("tune", history, "--fail-level", "none")
    warn = kubernaut("tune", history, "--fail-level", "warn")

    assert none.code == 0
    assert warn.code == 2
    assert warn.out == none.out
    assert warn.err == "gate not met: scale_deployment/step/pre/deployment_exists\n"


@pytest.mark.parametrize("command", ["replay", "tune"])
def test_conditions_that_file_and_history_do_not_share_are_named(history, configmap, command):
    file = configmap("package precondition\n\nimport rego.v1\n\nallow if input.deployment_found\n")

    ran = kubernaut(command, history, "-f", file)

    assert "warning: scale_deployment/step/pre/mine: the history holds no evaluation of it\n" in ran.err
    assert "warning: recorded, but not named by -f: scale_deployment/step/pre/deployment_exists" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tune", "--target", "15"], "15 is not a share from 0.001 to 0.999; write 0.15 for 15 %"),
        (["replay", "--share", "95"], "95 is not a share from 0.5 to 0.999; write 0.95 for 95 %"),
        (["tune", "--share", "40"], "40 is not a share from 0.5 to 0.999"),
        (["rollout", "plan", "--target", "15"], "write 0.15 for 15 %"),
    ],
)
def test_a_percentage_in_place_of_a_share_is_told_how_to_be_written(history, arguments, message):
    ran = kubernaut(*arguments, history)

    assert ran.code == 1
    assert message in " ".join(ran.err.replace("│", " ").split())


def test_facts():
    ran = kubernaut("facts", "pods", "-o", "json")

    rows = json.loads(ran.out)
    assert ran.code == 0
    assert all("pods" in row["path"] for row in rows)
    assert kubernaut("facts", "nonsense").err == (
        "error: no fact has 'nonsense' in its path; `kubernaut facts` lists all of them\n"
    )
    assert kubernaut("facts", "pods", "-o", "csv").out.count("\n") > len(rows)
    assert "<table>" in kubernaut("facts", "pods", "-o", "html").out
    assert kubernaut("facts", "pods", "-o", "yaml").code == 0


@pytest.mark.slow
def test_the_demo(tmp_path):
    ran = kubernaut("demo", "--out", tmp_path / "out")

    assert ran.code == 0, ran.err
    assert "step/post/desired_replicas_running" in ran.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["kubernaut-conditions.yaml", "report.html"]
    assert ran.err.splitlines()[-2].endswith(f"-f {tmp_path / 'out' / 'kubernaut-conditions.yaml'}")
