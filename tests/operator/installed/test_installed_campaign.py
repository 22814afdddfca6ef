"""A small campaign on a real node: one incident of each quick fault, recorded by the installed operator."""

import json

import pytest
from campaign.__main__ import carry_out, make_dataset
from campaign.plan import Fault, one_of_each
from campaign.terms import MAPS
from helpers.installed_operator import NAMESPACE
from kubernaut_simulator.history.history import History

from kubernaut.history.rows import Outcome

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]

LEFT_OUT = frozenset(
    {
        Fault.API_SLOW,
        Fault.METRICS_AWAY,
        Fault.CRASH_LATER,
        Fault.NO_MEMORY,
        Fault.PULL_SECRET_MISSING,
        Fault.HPA,
        Fault.LATE_READY,
    }
)
"""Faults of the whole cluster, those that take longer, and those whose like is there."""

HELPED = {Fault.HEALTHY, Fault.PULL_SECRET_UNUSED, Fault.PERSON, Fault.CRASH_ONCE}


@pytest.fixture
def settings_come_back(operator):
    """Let a test put other settings in force; what was there comes back after it."""
    read = ("get", "configmap", f"--namespace={NAMESPACE}", "--output=json")
    before = {name: json.loads(operator.cluster.kubectl(*read, name)).get("data") or {} for name in MAPS}
    yield
    for version in [operator.config_map(name, data) for name, data in before.items()]:
        operator.wait_for_conditions(version)


def test_each_fault_ends_as_it_must_and_is_recorded(operator, settings_come_back, tmp_path):
    node = operator.cluster
    plan = one_of_each(seed=1, leave_out=LEFT_OUT)

    notes = carry_out(plan, node.layout.kubeconfig, node, out=tmp_path / "out", at_once=12)

    assert len(notes) == 12
    assert not [one.trouble for one in notes if one.trouble]
    found = {Fault(one.fault): Outcome(one.outcome) for one in notes}
    assert {fault for fault, outcome in found.items() if outcome is Outcome.EFFECTIVE} == HELPED

    make_dataset(list(operator.records()), notes, tmp_path / "out", tmp_path / "set", compared=False)
    history = History.load(tmp_path / "set", strict=True)
    workflows = history.frame("workflows").set_index("workflow_uid")
    assert set(workflows.index) == {one.workflow_uid for one in notes}
    assert set(workflows["outcome_source"]) == {"person"}
    for one in notes:
        assert workflows.loc[one.workflow_uid, "outcome"] == one.outcome
    evaluations = history.frame("evaluations")
    assert not evaluations["enforced"].any()
    assert set(evaluations.groupby("workflow_uid").size()) == {12}
    assert history.frame("attempts")["recorded_paths"].isna().all()
