"""The decision log: every entry with the evidence after it, the line, the decision; and it is never revised."""

import json
import math

import pandas as pd
import pytest
from helpers.driven_history import tunable_history
from kubernaut_simulator.estimation.power import chance_to_pass, outlook
from kubernaut_simulator.estimation.sequential import Hypothesis, run_gate
from kubernaut_simulator.results.pictures import to_svg
from kubernaut_simulator.tuning.result import in_words, outlook_text
from kubernaut_simulator.tuning.tune import TuningTerms, tune

from kubernaut.enforcement.martingale import log_evidence_below
from kubernaut.errors import InputError
from kubernaut.policy.worker.client import WorkerEvaluator


@pytest.fixture(scope="module")
def tuning():
    with WorkerEvaluator() as evaluator:
        return tune(tunable_history(200), evaluator=evaluator)


def test_an_entry_holds_what_the_test_saw(tuning):
    log = tuning.decision_log()
    for decision in tuning.gate.decisions:
        own = log.data[log.data["condition"] == decision.hypothesis.condition]
        last = own.iloc[-1]

        assert (last["k"], last["n"]) == (decision.judged.k, decision.judged.n)
        assert own["order"].tolist() == list(range(1, len(own) + 1))
        assert own["entered"].is_monotonic_increasing
        assert own["good run"].str.startswith("stopped").sum() == last["k"]
        assert (own["good run"] == "stopped, no label: counts as false").sum() == decision.unlabelled
        looked = own[own["evidence"].notna()].iloc[-1]
        expected = math.exp(log_evidence_below(int(looked["k"]), int(looked["n"]), tuning.target))
        assert looked["evidence"] == pytest.approx(expected)
        assert (own["decision"] == "decides: may be required").sum() == decision.passed
        assert own["decision"].iloc[:19].eq("no look before 20").all()
        assert len(last["policy"]) == 64


def test_the_forms(tuning):
    log = tuning.decision_log()

    assert len(log.table()) < len(log.table(wide=True)) == len(log.data)
    assert "never revised" in log.text()
    assert f"--cut-at {tuning.split.cut_at:%Y-%m-%dT%H:%M:%SZ}" in log.text()
    assert len(json.loads(log.to_json())["rows"]) == len(log.data)
    assert log.plot().layout.yaxis.type == "log"
    assert to_svg(log.plot()).startswith("<svg")
    assert set(log.budget["condition"]) <= {str(one.condition) for one in tuning.decisions}
    assert log.budget["spent if right"].between(0, 1).all()


def test_one_condition_can_be_drawn(tuning):
    log = tuning.decision_log()
    name = str(tuning.decisions[0].condition)

    assert len(log.plot(name.rsplit("/", 1)[-1]).data) == 2
    assert name.endswith(log.plot(condition=name).data[0].name.split(" ")[0])
    with pytest.raises(InputError, match="no incident has entered a test of 'nonsense'"):
        log.plot("nonsense")


@pytest.mark.parametrize("days_ago", [1.0, 3.0, 6.0])
def test_later_records_never_revise_it(tuning, days_ago):
    """The log as it was some days ago is the beginning of today's."""
    hypotheses = [decision.hypothesis for decision in tuning.gate.decisions]
    votes = tuning.split.gate
    then = votes["gate_at"].max() - pd.Timedelta(days=days_ago)
    early = run_gate(votes[votes["gate_at"] <= then], hypotheses)
    whole = tuning.gate.log[tuning.gate.log["gate_at"] <= then].reset_index(drop=True)

    pd.testing.assert_frame_equal(early.log, whole)
    for before, now in zip(early.decisions, tuning.gate.decisions, strict=True):
        assert before.passed == (now.passed and now.decided_at <= then)
        if before.passed:
            assert (before.decided_at, before.decided_after) == (now.decided_at, now.decided_after)


def test_no_incident_is_an_empty_log(tuning):
    empty = run_gate(tuning.split.gate.iloc[:0], [Hypothesis(condition="a/step/pre/b", target=0.15)])

    assert len(empty.log) == 0


def test_where_nothing_has_entered_every_form_says_so():
    terms = TuningTerms(cut_at=pd.Timestamp("2030-01-01", tz="UTC"))
    with WorkerEvaluator() as evaluator:
        log = tune(tunable_history(30), terms=terms, evaluator=evaluator).decision_log()
    said = "no incident has entered a test yet"

    assert log.data.empty
    assert log.table(wide=True).empty
    assert said in log.text()
    assert said in log.to_html()
    assert said in log._repr_html_()
    assert json.loads(log.to_json())["rows"] == []
    assert said in json.loads(log.to_json())["notes"]
    assert not log.plot().data
    assert log.data["entered"].dtype.kind == "M"


def test_the_page_has_the_table_of_the_text_and_the_chart(tuning):
    log = tuning.decision_log()
    page = log.to_html()

    assert page.split("<tbody>")[1].count("<tr>") == len(log.table()) < len(log.data)
    assert "<svg" in page
    assert log.html(wide=True).split("<tbody>")[1].count("<tr>") == len(log.data)


def test_the_outlook_agrees_with_the_exact_power_where_the_rate_is_nearly_known():
    line = math.log(1 / 0.05)
    found = outlook(0, 0, target=0.15, line=line)
    # A flat prior on the rate: the mean over rates of the exact chance to pass.
    rates = [(i + 0.5) / 400 for i in range(400)]
    mean = sum(chance_to_pass(rate, 300, target=0.15, alpha=0.05)[-1] for rate in rates[::8]) / 50

    assert found.more is None
    assert mean < found.chance < 0.15
    near = outlook(7, 142, target=0.15, line=math.log(12 / 0.05))
    assert near.more is not None
    assert near.chance >= 0.8


def test_the_outlook_in_words():
    assert outlook_text(None, None) == "-"
    assert outlook_text(outlook(30, 100, target=0.15, line=5.0), None) == "unlikely (under 1 %)"
    assert outlook_text(outlook(7, 142, target=0.15, line=7.0), 20.0).endswith(" more, 3 weeks")
    assert [in_words(days) for days in (0.2, 5, 20, 100, 1000)] == ["1 day", "5 days", "3 weeks", "3 months", "3 years"]


def test_the_table_says_how_long_and_why_a_limit_is_no_decision(tuning):
    open_ = [one for one in tuning.decisions if one.gate is not None and not one.gate.passed and one.gate.stops.n]

    assert all(tuning.outlook(one) is not None for one in open_)
    assert "a limit below the target is not yet a decision" in tuning.text()
    assert "false stops k" in json.loads(tuning.to_json())["rows"][0]
    assert "false stops" not in json.loads(tuning.to_json())["rows"][0]
