"""`kubernaut generate`: the same bytes for the same seed, errors that name the field, folders that are left alone."""

import json
import os
import re

import pytest
import yaml
from helpers.command_line import kubernaut
from kubernaut_simulator.history.history import History
from kubernaut_simulator.worlds.data_sheet import data_sheet
from kubernaut_simulator.worlds.generate import generate
from kubernaut_simulator.worlds.scenario import load_scenario, shipped_scenarios

FILES = [
    "README.md",
    "_truth.parquet",
    "attempts.parquet",
    "evaluations.parquet",
    "executions.parquet",
    "policies.parquet",
    "workflows.parquet",
]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "steady"
    ran = kubernaut("generate", "steady", "--incidents", 4, "--seed", 5, "--out", folder)
    return ran, folder


def test_it_writes_history_truth_and_sheet_and_says_so(steady):
    ran, folder = steady

    assert (ran.code, ran.out) == (0, "")
    assert sorted(contents(folder)) == FILES
    assert ran.err.startswith("seed 5: 4 incidents, ")
    assert all(f"wrote {folder / name}\n" in ran.err for name in FILES)
    assert ran.err.endswith(f"next: kubernaut replay {folder}\n")


def test_the_same_seed_gives_the_same_bytes(steady, tmp_path):
    kubernaut("generate", "steady", "--incidents", 4, "--seed", 5, "--out", tmp_path)

    assert contents(tmp_path) == contents(steady[1])


def test_it_is_what_the_library_makes(steady, tmp_path):
    world = generate(load_scenario("steady"), incidents=4, seed=5)
    world.write(tmp_path)

    made = {**contents(tmp_path), "README.md": data_sheet(world).encode()}
    assert made == contents(steady[1])


def test_a_seed_of_its_own_is_printed_and_can_be_used_again(tmp_path):
    first = kubernaut("generate", "rare-incidents", "--incidents", 1, "--out", tmp_path / "a")
    seed = re.match(r"seed (\d+) was drawn; ", first.err).group(1)
    kubernaut("generate", "rare-incidents", "--incidents", 1, "--seed", seed, "--out", tmp_path / "b")

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz"])
def test_other_formats_hold_the_same_history(steady, tmp_path, form):
    kubernaut("generate", "steady", "--incidents", 4, "--seed", 5, "--format", form, "--out", tmp_path)

    assert f"attempts.{form}" in contents(tmp_path)
    assert History.load(tmp_path).digest == History.load(steady[1]).digest
    assert f"--format {form}" in (tmp_path / "README.md").read_text()


def test_a_folder_that_holds_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    ran = kubernaut("generate", "steady", "--incidents", 1, "--out", tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"error: {tmp_path} holds mine.txt; name another folder, or replace them with --force\n"
    assert contents(tmp_path) == {"mine.txt": b"mine"}


def test_force_replaces_an_earlier_world_and_nothing_else(tmp_path):
    arguments = ("generate", "steady", "--incidents", 1, "--seed", 5, "--out", tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    kubernaut(*arguments, "--format", "jsonl", "--force")

    ran = kubernaut(*arguments, "--force")

    assert ran.code == 0
    assert sorted(contents(tmp_path)) == sorted([*FILES, "mine.txt"])


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("mine")

    ran = kubernaut("generate", "steady", "--incidents", 1, "--out", tmp_path / "out")

    assert (ran.code, ran.err) == (1, f"error: {tmp_path / 'out'} is a file; --out names a folder\n")


def test_a_folder_that_cannot_be_made(tmp_path):
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
    (tmp_path / "file").write_text("")
    blocked = tmp_path / ("file" if os.geteuid() == 0 else "locked") / "out"

    ran = kubernaut("generate", "steady", "--incidents", 1, "--out", blocked)

    assert ran.code == 1
    assert ran.err.startswith(f"error: cannot write {blocked}: ")
    assert "as it was before" not in ran.err


def test_without_a_scenario_the_shipped_ones_are_listed():
    ran = kubernaut("generate")
    listed = json.loads(kubernaut("generate", "--list", "-o", "json").out)

    assert ran.code == 0
    assert all(name in ran.out for name in shipped_scenarios())
    assert [row["scenario"] for row in listed] == list(shipped_scenarios())


def test_an_own_scenario_is_played_and_written_into_the_sheet(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump({"name": "own", "summary": "Mine.", "room": {"short": 0.5}}))

    ran = kubernaut("generate", file, "--incidents", 1, "--seed", 1, "--out", tmp_path / "out")

    assert ran.code == 0
    assert "```yaml\nroom: {short: 0.5}\n```" in (tmp_path / "out" / "README.md").read_text()


def test_a_bad_scenario_names_the_field(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump({"name": "own", "summary": "Mine.", "room": {"short": 1.5}}))

    ran = kubernaut("generate", file, "--out", tmp_path / "out")

    assert ran.code == 1
    assert "was drawn" not in ran.err
    assert f"{file}:3: room.short: input should be less than or equal to 1, not 1.5" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("steadi", "--out", "x"), "no such scenario; did you mean steady? shipped are bad-policy, "),
        (("steady",), "--out is missing"),
        (("steady", "--out", "x", "--incidents", "0"), "Invalid value for '--incidents'"),
        (("steady", "--out", "x", "--start", "tomorrow"), "--start 'tomorrow' is not an instant"),
    ],
)
def test_what_cannot_be_generated(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = kubernaut("generate", *arguments)

    assert ran.code == 1
    assert message in ran.err
    assert "was drawn" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_another_start_moves_the_world_in_time(tmp_path):
    ran = kubernaut(
        "generate", "steady", "--incidents", 1, "--seed", 1, "--start", "2026-06-02T00:00:00Z", "--out", tmp_path
    )

    assert "warning: --start is no midnight (UTC) of a Monday" in ran.err
    assert History.load(tmp_path).describe().summary["window"].startswith("2026-06-02")
