"""Real CSV files all the way: history, replay, false stops, timeouts, tuning, with the tables as golden files.

`golden/` holds what each step printed when somebody last read it. After a wanted change of wording or of a map:

    KUBERNAUT_UPDATE_GOLDEN=1 KUBERNAUT_REAL_DATA=... pytest tests/realdata

and read `git diff tests/realdata/golden` before committing. Whatever a table says that can be counted in the file
itself, or computed by somebody else's library, is compared with that here too, so that a golden file cannot bless a
wrong number.
"""

import csv
import math
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import golden
from kubernaut_simulator.history.csv_import import convert_csv
from kubernaut_simulator.history.csv_map import read_map
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.results.timeouts import Population
from kubernaut_simulator.tuning.tune import tune
from scipy import stats

from kubernaut.conditions.condition_set import Shipped
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.errors import HistoryError
from kubernaut.policy.worker.client import WorkerEvaluator

DATA = Path(os.environ.get("KUBERNAUT_REAL_DATA", ""))
MAPS = Path(__file__).parents[2] / "datasets" / "maps"
GOLDEN = Path(__file__).parent / "golden"
ATTEMPTS, RUNS, EVALS, PODS = (
    "kubernaut_golden_outcomes",
    "kubently_runs",
    "holmesgpt_eval_outcomes",
    "openb_pod_list_default",
)
FOLDERS = {ATTEMPTS: "remediation", RUNS: "remediation", EVALS: "remediation", PODS: "convergence"}
SHARES = (0.5, 0.8, 0.88, 0.9, 0.95, 0.99, 0.999)
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif("KUBERNAUT_REAL_DATA" not in os.environ, reason="KUBERNAUT_REAL_DATA is not set"),
]


def source(name):
    return DATA / FOLDERS[name] / f"{name}.csv"


@cache
def lines(name):
    with source(name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@cache
def converted(name):
    return convert_csv(source(name), read_map(MAPS / f"{name}.yaml"), strict=True)


@cache
def replayed(name):
    return replay(converted(name).history)


def all_tables(name):
    conversion, again = converted(name), replayed(name)
    population, shares = (Population.ALL, SHARES) if name == PODS else (Population.GOOD, (0.95, 0.99))
    parts = [
        "\n".join(("Conversion", *conversion.notes)) + "\n",
        conversion.history.describe().text(),
        again.text(),
        again.false_stops().text(),
        *(again.timeouts(share=share, population=population).text() for share in shares),
    ]
    return "\n".join(parts)


@pytest.mark.parametrize("name", FOLDERS)
def test_what_each_step_prints(name):
    text = all_tables(name)

    assert text == golden(GOLDEN / f"{name}.txt", text)


@pytest.mark.parametrize("name", [ATTEMPTS, RUNS, EVALS])
def test_what_tuning_decides(name):
    with WorkerEvaluator() as evaluator:
        tuning = tune(converted(name).history, evaluator=evaluator)
    text = tuning.text()

    assert text == golden(GOLDEN / f"{name}.tune.txt", text)
    assert not any(decision.after.required for decision in tuning.decisions)
    sets = load_condition_sets(tuning.to_configmaps(), source="export", shipped=Shipped())
    assert {level: sets[level].settings for level in tuning.settings} == dict(tuning.settings)


def test_what_was_recorded_on_terms_nobody_may_set_is_not_tuned():
    with WorkerEvaluator() as evaluator, pytest.raises(HistoryError, match=r"pod_scheduled.*4h is too long"):
        tune(converted(PODS).history, evaluator=evaluator)


def test_the_command_gives_the_same_history_and_the_same_table(tmp_path):
    def kubernaut(*arguments):
        command = [sys.executable, "-c", "from kubernaut_simulator.cli.main import run; run()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    convert = ["history", "convert", "--from", "csv", "--map", MAPS / f"{ATTEMPTS}.yaml", source(ATTEMPTS)]
    told = kubernaut(*map(str, convert), "--to", str(tmp_path)).stderr
    table = kubernaut("replay", str(tmp_path), "--show", "false-stops").stdout

    assert History.load(tmp_path, strict=True).digest == converted(ATTEMPTS).history.digest
    assert all(note in " ".join(told.split()) for note in converted(ATTEMPTS).notes)
    assert all(row["P(stop|G)"] in table for row in replayed(ATTEMPTS).false_stops().data.to_dict("records"))


@pytest.mark.parametrize("name", FOLDERS)
def test_every_evaluation_is_replayed_to_what_was_recorded(name):
    data = replayed(name).data

    assert data["evaluations"].sum() == converted(name).history.evaluations.num_rows
    assert data["changed"].sum() == data["not replayable"].sum() == data["Error"].sum() == 0


# The 91 attempts: the rates, counted in the file.

STOPS = {
    "approval_not_required": (("approval_required",), lambda line: line["approval_required"] == "True"),
    "confidence_sufficient": (("confidence",), lambda line: float(line["confidence"]) < 0.9),
    "not_managed_elsewhere": (
        ("ctx_gitOpsManaged", "ctx_helmManaged", "ctx_hpaEnabled"),
        lambda line: "True" in (line["ctx_gitOpsManaged"], line["ctx_helmManaged"], line["ctx_hpaEnabled"]),
    ),
    "target_unconstrained": (
        ("ctx_pdbProtected", "ctx_resourceQuotaConstrained", "ctx_networkIsolated", "ctx_stateful"),
        lambda line: "True" in (line[f"ctx_{name}"] for name in CONSTRAINTS),
    ),
}
CONSTRAINTS = ("pdbProtected", "resourceQuotaConstrained", "networkIsolated", "stateful")


@pytest.mark.parametrize("type_", STOPS)
def test_false_stops_are_those_of_the_file(type_):
    columns, stops = STOPS[type_]
    (found,) = (one for one in replayed(ATTEMPTS).false_stops().conditions if one.condition.endswith(f"/{type_}"))

    judged = [line for line in lines(ATTEMPTS) if all(line[column] for column in columns)]
    good = [line for line in judged if line["alert_score"] == "1"]
    bad = [line for line in judged if line["alert_score"] == "0"]
    false, right = sum(map(stops, good)), sum(map(stops, bad))
    rates = found.rates
    assert (rates.stop_given_good.k, rates.stop_given_good.n) == (false, len(good))
    assert (rates.good_given_failed.k, rates.good_given_failed.n) == (false, false + right)
    assert (rates.failed_and_good.k, rates.failed_and_good.n) == (false, len(good) + len(bad))
    assert rates.stop_given_good.upper == pytest.approx(stats.beta.ppf(0.95, false + 1, len(good) - false))
    assert sum(found.without_outcome.values()) == len(judged) - len(good) - len(bad)


def test_labels_of_the_attempts_do_not_rest_on_what_is_judged():
    used = {column for columns, _ in STOPS.values() for column in columns}
    labels = {column for outcome in read_map(MAPS / f"{ATTEMPTS}.yaml").outcome for column in [outcome.outcome.column]}

    assert labels == {"alert_score", "health_score"}
    assert not used & labels


# Durations: the order statistic, from its definition.


def smallest_by_which(share, seconds):
    """Give the smallest observed time by which `share` have passed, at one-sided 95 %; None where none is."""
    n = len(seconds)
    for rank, second in enumerate(sorted(seconds), 1):
        if stats.beta.ppf(0.05, rank, n - rank + 1) >= share:
            return math.ceil(round(second, 6))
    return None


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(("name", "column", "good"), [(RUNS, "root_cause_found", "True"), (EVALS, "outcome", "pass")])
def test_timeouts_of_good_runs_are_order_statistics_of_the_file(name, column, good, share):
    (found,) = replayed(name).timeouts(share=share).conditions

    seconds = [float(line["duration_s"]) for line in lines(name) if line[column] == good]
    told = found.recommendation
    assert (told.n, told.censored) == (len(seconds), 0)
    assert told.timeout_s == smallest_by_which(share, seconds)
    assert told.p50_s == pytest.approx(np.quantile(seconds, 0.5, method="inverted_cdf"))
    assert told.timeout_s is None or told.timeout_s <= math.ceil(max(seconds))


def test_labels_that_need_an_answer_gate_nothing():
    for name in (RUNS, EVALS):
        (found,) = replayed(name).false_stops().conditions

        reasons = found.not_in_gate
        assert reasons["label is not independent of the condition's facts"] > 0
        assert found.independent.stop_given_good.n == 0


def test_evaluations_without_an_answer_are_censored_where_they_ended():
    votes = replayed(EVALS).votes.data

    silent = [float(line["duration_s"]) for line in lines(EVALS) if line["outcome"] == "timeout_or_rate_limit"]
    assert Counter(votes["verdict"]) == {"Passed": 2312, "Censored": 95}
    assert sorted(votes.loc[votes["verdict"] == "Censored", "observed_s"]) == pytest.approx(sorted(silent))


def test_a_target_day_that_counts_is_explained_in_the_text():
    false_stops = replayed(RUNS).false_stops()

    (found,) = false_stops.conditions
    assert found.clustering.design_effect is None
    assert "design effect unknown" in false_stops.text()
    assert f"at worst {found.clustering.worst_design_effect:.2f}" in false_stops.text()


# The 8,152 pods: Kaplan-Meier beside statsmodels, and nothing beyond what was seen.


@cache
def waits():
    """Seconds to scheduling, to the end of the file's second; and how long the pods waited that never were."""
    scheduled = [int(p["scheduled_time"]) - int(p["creation_time"]) + 1 for p in lines(PODS) if p["scheduled_time"]]
    never = [int(p["deletion_time"]) - int(p["creation_time"]) for p in lines(PODS) if not p["scheduled_time"]]
    assert (len(scheduled), len(never)) == (7255, 897)
    return scheduled, never


@cache
def replayed_as_censored():
    """The pods by the map without its rule that a deleted pod can never be scheduled."""
    mapping = read_map(MAPS / f"{PODS}.yaml")
    (condition,) = mapping.conditions
    policy = "".join(line for line in condition.policy.splitlines(keepends=True) if not line.startswith("fatal"))
    without = condition.model_copy(update={"policy": policy})
    return replay(convert_csv(source(PODS), mapping.model_copy(update={"conditions": (without,)})).history)


def timeout_of_all(again, share=0.95):
    (found,) = again.timeouts(share=share, population=Population.ALL).conditions
    return found


def statsmodels_curve(*, deleted_after):
    from statsmodels.duration.survfunc import SurvfuncRight

    scheduled, never = waits()
    return SurvfuncRight(scheduled + [deleted_after(s) for s in never], [1] * len(scheduled) + [0] * len(never))


@pytest.mark.parametrize(
    ("again", "deleted_after"),
    [(lambda: replayed(PODS), lambda _: 1e9), (replayed_as_censored, lambda seconds: seconds)],
    ids=["never passes", "censored"],
)
def test_the_curve_is_that_of_statsmodels(again, deleted_after):
    theirs = statsmodels_curve(deleted_after=deleted_after)
    ours = timeout_of_all(again()).curve

    for second in (1, 2, 5, 10, 60, 300, 900, 3600, 7200, 14331):
        at_ours = np.searchsorted(ours.time_s, second, side="right") - 1
        at_theirs = np.searchsorted(theirs.surv_times, second, side="right") - 1
        assert ours.passed[at_ours] == pytest.approx(1 - theirs.surv_prob[at_theirs], abs=1e-12)
    assert len(ours.time_s) == len(set(waits()[0]))
    for share in (0.25, 0.5, 0.8, 0.88):
        assert ours.quantile(share) == theirs.quantile(share)


@pytest.mark.parametrize("share", SHARES)
def test_no_share_above_that_of_the_scheduled_pods_is_reached(share):
    found = timeout_of_all(replayed(PODS), share)
    told = found.recommendation

    scheduled, _ = waits()
    assert (told.n, told.censored, told.never) == (8152, 897, 897)
    assert found.curve.passed[-1] == pytest.approx(7255 / 8152)
    assert told.reached < 7255 / 8152
    assert told.p95_s is None
    if share > 7255 / 8152:
        assert told.timeout_s is None
        assert told.text() == (
            f"not reached: 897 of 8152 good runs could never pass, so no timeout has {share * 100:g} % of them pass"
        )
    else:
        assert told.timeout_s in scheduled
        by_then = sum(second <= told.timeout_s for second in scheduled)
        assert by_then / 8152 > share
        # One-sided 95 % of a share, where nobody is censored.
        assert stats.beta.ppf(0.05, by_then, 8152 - by_then + 1) >= share


@pytest.mark.parametrize("share", SHARES)
def test_of_censored_pods_nothing_is_extrapolated(share):
    told = timeout_of_all(replayed_as_censored(), share).recommendation

    assert (told.n, told.censored, told.never) == (8152, 897, 0)
    if told.timeout_s is None:
        assert told.reached < share
        assert told.text().startswith("not reached: raise the timeout to learn (7255 of 8152")
    else:
        assert told.timeout_s in waits()[0]
    assert (told.timeout_s is None) == (share == 0.999)


def test_without_outcomes_no_timeout_is_chosen():
    (found,) = replayed(PODS).timeouts().conditions

    assert found.recommendation.timeout_s is None
    assert found.recommendation.text() == "not enough data (no good run was timed)"
