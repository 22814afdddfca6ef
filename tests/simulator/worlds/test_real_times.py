"""Which rows of the real files count how, on files of the same form made here."""

import numpy as np
import pandas as pd
import pytest
import yaml
from kubernaut_simulator.worlds.real_times import fitted_text, read_real_times
from kubernaut_simulator.worlds.streams import Family


@pytest.fixture
def folder(tmp_path):
    """Files in the form of the real ones: every kind of row that is treated on its own occurs."""
    for name in ("remediation", "convergence"):
        (tmp_path / name).mkdir()
    usual = np.exp(np.random.default_rng(1).normal(2.5, 0.5, 60)).clip(1.5, 29)
    pd.DataFrame({"duration_s": [*usual, 0.02, 30.01, 120.02]}).to_csv(
        tmp_path / "remediation" / "kubently_runs.csv", index=False
    )
    pd.DataFrame({"investigation_ms": [*(usual * 1000), None, None]}).to_csv(
        tmp_path / "remediation" / "kubernaut_golden_outcomes.csv", index=False
    )
    pd.DataFrame(
        {
            "outcome": ["pass"] * 60 + ["timeout_or_rate_limit", "not_run"],
            "duration_s": [*usual, 1393.0, None],
        }
    ).to_csv(tmp_path / "remediation" / "holmesgpt_eval_outcomes.csv", index=False)
    waits = [0, 0, 1, 2, *np.ceil(usual * 4)]
    pods = pd.DataFrame(
        {"creation_time": 100.0, "scheduled_time": [100.0 + wait for wait in waits], "deletion_time": 9e3}
    )
    given_up = pd.DataFrame({"creation_time": 100.0, "scheduled_time": [None, None], "deletion_time": [101.0, 300.0]})
    pd.concat([pods, given_up.astype(float)]).to_csv(
        tmp_path / "convergence" / "openb_pod_list_default.csv", index=False
    )
    return tmp_path


def test_what_a_limit_ended_is_censored_and_what_broke_off_left_out(folder):
    action = read_real_times(folder)["action"]

    assert len(action.times_s) == 60
    assert action.censored_s.tolist() == [30, 120]
    assert action.left_out == "1 runs of 0.03 s: requests that broke off"


def test_pods_that_found_room_at_once_did_not_wait_and_deleted_ones_are_censored(folder):
    relief = read_real_times(folder)["relief"]

    assert len(relief.times_s) == 60
    assert relief.times_s.min() > 2
    assert relief.censored_s.tolist() == [200]
    assert relief.left_out.startswith("4 pods scheduled within 2 s (2 in second 0, 1 in 1, 1 in 2)")
    assert relief.left_out.endswith("1 deleted within 2 s")


def test_milliseconds_are_seconds_and_rows_without_time_are_counted(folder):
    measured = read_real_times(folder)

    assert measured["analysis"].times_s.max() < 30
    assert measured["analysis"].left_out == "2 transcripts without a time"
    assert measured["evaluations"].censored_s.tolist() == [1393]
    assert measured["evaluations"].left_out == "1 that were not run"


def test_the_text_is_yaml_with_every_figure(folder):
    tree = yaml.safe_load(fitted_text(folder))

    assert set(tree) == {"action", "analysis", "relief", "evaluations"}
    for entry in tree.values():
        assert entry["n"] - entry["censored"] == 60
        assert entry["family"] in list(Family)
        assert set(entry["aic"]) == set(Family)
        assert [row[0] for row in entry["quantiles"]] == [0.5, 0.9, 0.95, 0.99]
