"""Every write answered by a failure at first: conflicts, a server in trouble or too busy, answers that are lost.

Of single executions, and of whole workflows with steps beside each other and steps that are taken back.
"""

from collections import Counter
from http import HTTPStatus

import pytest
from helpers.faulty_api import Cut, Fault
from helpers.workflow_stories import END, EXECUTIONS, IN_ORDER, RECORDED, TAKEN_BACK, story_of
from helpers.workflow_write_invariants import check_workflow_writes

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

FAULTS = {
    "conflicts": Fault(status=HTTPStatus.CONFLICT, reason="Conflict"),
    "in-trouble": Fault(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="InternalError"),
    "too-busy": Fault(status=HTTPStatus.TOO_MANY_REQUESTS, reason="TooManyRequests", retry_after_s=1),
    "never-arrives": Fault(cut=Cut.BEFORE),
    "answer-lost": Fault(cut=Cut.AFTER),
    "reads-fail": Fault(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="InternalError"),
}


WORKFLOWS = tuple(
    f"{story}-{kind}"
    for story, kinds in {
        TAKEN_BACK: ("conflicts", "in-trouble", "too-busy"),
        IN_ORDER: ("never-arrives", "answer-lost"),
    }.items()
    for kind in kinds
)


def is_struck(kind, request):
    if kind == "reads-fail":
        return not request.writes
    # Nothing that is created anew meets another version of itself.
    return request.may_change and not (kind == "conflicts" and request.method == "POST")


class EveryOther:
    """Fails every other request of a run that the fault it is named for strikes, the first of each."""

    def __init__(self, whose):
        self.whose = whose
        self.failed = Counter()
        self._seen = Counter()

    def fault_of(self, request):
        run = self.whose(request)
        kind = next((kind for kind in FAULTS if run is not None and run.endswith(kind)), None)
        if kind is None or not is_struck(kind, request):
            return None
        what = (run, request.method, request.path)
        self._seen[what] += 1
        if self._seen[what] % 2 == 0:
            return None
        self.failed[run] += 1
        return FAULTS[kind]


def test_each_run_comes_to_the_same_end(proxy, operator, shop, history, mine):
    shop.deploy(*FAULTS)
    storm = EveryOther(shop.whose)
    proxy.fault_of = storm.fault_of
    shop.scale(*FAULTS)

    for target in FAULTS:
        found = shop.cleaned(target, limit_s=240)
        outcome = (found["status"]["phase"], found["status"]["message"], shop.replicas(target))
        assert outcome == ("succeeded", "replicas 2 -> 3", 3), target
        assert len(shop.jobs(target)) == 1, target
        assert storm.failed[target] >= 5, target
    assert len(shop.kubelet.performed) == len(FAULTS)
    assert shop.locks() == []
    for target in FAULTS:
        shop.over(target)
    operator.stop()
    recorded = history(operator)
    assert sorted(mine(recorded.executions)["result"]) == ["succeeded"] * len(FAULTS)
    settled = mine(recorded.evaluations).groupby("execution_uid").size()
    assert len(settled) == len(FAULTS)
    assert settled.nunique() == 1, "a condition of some run was not recorded, or twice"


@pytest.mark.slow
def test_each_workflow_comes_to_the_same_end(proxy, operator, shop, stories, history):
    stories.prepare(*WORKFLOWS)
    storm = EveryOther(shop.whose)
    proxy.fault_of = storm.fault_of
    stories.begin(*WORKFLOWS)

    stories.wait(*WORKFLOWS)

    for name in WORKFLOWS:
        assert stories.end(name) == END[story_of(name)], name
        assert storm.failed[name] >= 15, name
    made = check_workflow_writes(proxy.changes)
    executions = {name: EXECUTIONS[story_of(name)] for name in WORKFLOWS}
    assert {name: len(made[stories.uid(name)]) for name in WORKFLOWS} == executions
    assert len(shop.jobs()) == len(shop.kubelet.performed) == sum(executions.values())
    assert shop.locks() == []
    operator.stop()
    recorded = history(operator)
    for name in WORKFLOWS:
        assert stories.recorded(name, recorded) == RECORDED[story_of(name)], name
