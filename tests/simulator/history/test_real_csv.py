"""Real files, by the shipped maps: what becomes of every line, in numbers counted in the files themselves."""

import csv
import os
from collections import Counter
from pathlib import Path

import pytest
from kubernaut_simulator.history.csv_import import convert_csv
from kubernaut_simulator.history.csv_map import read_map
from kubernaut_simulator.history.history import History

from kubernaut.history.rows import RowKind

DATA = Path(os.environ.get("KUBERNAUT_REAL_DATA", ""))
MAPS = Path(__file__).parents[3] / "datasets" / "maps"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("KUBERNAUT_REAL_DATA" not in os.environ, reason="KUBERNAUT_REAL_DATA is not set"),
]


def lines(name):
    with (DATA / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def convert(name):
    return convert_csv(DATA / name, read_map(MAPS / f"{Path(name).stem}.yaml"), strict=True)


def verdicts(history):
    found = Counter((row.type, row.verdict.value) for row in history.rows("evaluations"))
    return dict(sorted(found.items()))


def test_the_91_remediation_attempts(tmp_path):
    name = "remediation/kubernaut_golden_outcomes.csv"
    conversion = convert(name)
    history = conversion.history

    assert conversion.lines == len(lines(name)) == 91
    assert [history.table(kind).num_rows for kind in RowKind] == [364, 364, 91, 91, 4]
    assert verdicts(history) == {
        ("approval_not_required", "Failed"): 29,
        ("approval_not_required", "Passed"): 54,
        ("approval_not_required", "Skipped"): 8,
        ("confidence_sufficient", "Failed"): 18,
        ("confidence_sufficient", "Passed"): 71,
        ("confidence_sufficient", "Skipped"): 2,
        ("not_managed_elsewhere", "Failed"): 4,
        ("not_managed_elsewhere", "Passed"): 41,
        ("not_managed_elsewhere", "Skipped"): 46,
        ("target_unconstrained", "Failed"): 3,
        ("target_unconstrained", "Passed"): 42,
        ("target_unconstrained", "Skipped"): 46,
    }
    # A request that ended "Remediated" without an alert or a health score has no outcome.
    assert history.describe().summary["outcomes"] == (
        "37 effective (alert), 2 ineffective (alert), 52 none yet (no source)"
    )
    assert Counter(row.result for row in history.rows("executions")) == {
        "succeeded": 70,
        "skipped": 12,
        "unknown": 9,
    }
    assert "23 lines: no captured_at; taken to be 2026-04-01T00:00:00+00:00" in conversion.notes
    history.to_parquet(tmp_path)
    assert History.load(tmp_path, strict=True).digest == history.digest


def test_the_108_timed_runs():
    name = "remediation/kubently_runs.csv"
    history = convert(name).history

    durations = sorted(float(line["duration_s"]) for line in lines(name))
    frame = history.frame("evaluations")
    assert verdicts(history) == {("answered", "Failed"): 1, ("answered", "Passed"): 107}
    assert sorted(frame["time_to_pass_s"].dropna()) == durations[:-1]
    assert frame.loc[frame["verdict"] == "Failed", "elapsed_s"].tolist() == [120.0]
    assert history.describe().summary["outcomes"] == "70 effective (health), 38 ineffective (health)"


def test_the_8152_pods_of_a_production_cluster():
    name = "convergence/openb_pod_list_default.csv"
    conversion = convert(name)
    history = conversion.history

    read = lines(name)
    waits = sorted(int(p["scheduled_time"]) - int(p["creation_time"]) for p in read if p["scheduled_time"])
    watched = sorted(int(p["deletion_time"]) - int(p["creation_time"]) for p in read if not p["scheduled_time"])
    frame = history.frame("evaluations")
    assert conversion.lines == 8152
    assert verdicts(history) == {("pod_scheduled", "Failed"): 897, ("pod_scheduled", "Passed"): 7255}
    # Whole seconds: the later end of what is known, one second on.
    assert sorted(frame["time_to_pass_s"].dropna()) == [wait + 1 for wait in waits]
    # Deleted before it was scheduled: the policy calls that fatal.
    never = frame[frame["verdict"] == "Failed"]
    assert sorted(never["elapsed_s"]) == watched
    assert set(never["reason"]) == {"Fatal"}
    assert history.describe().summary["outcomes"] == "8152 none yet (no source)"
