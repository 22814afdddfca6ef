"""Every write of a run answered by a failure at first: conflicts, a server in trouble or too busy, answers that are lost."""

from collections import Counter
from http import HTTPStatus

import pytest
from helpers.faulty_api import Cut, Fault

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

FAULTS = {
    "conflicts": Fault(status=HTTPStatus.CONFLICT, reason="Conflict"),
    "in-trouble": Fault(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="InternalError"),
    "too-busy": Fault(status=HTTPStatus.TOO_MANY_REQUESTS, reason="TooManyRequests", retry_after_s=1),
    "never-arrives": Fault(cut=Cut.BEFORE),
    "answer-lost": Fault(cut=Cut.AFTER),
    "reads-fail": Fault(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="InternalError"),
}


def is_struck(kind, request):
    if kind == "reads-fail":
        return not request.writes
    # Nothing that is created anew meets another version of itself.
    return request.may_change and not (kind == "conflicts" and request.method == "POST")


class EveryOther:
    """Fails every other request of an execution that its kind of fault strikes, the first of each."""

    def __init__(self, whose):
        self.whose = whose
        self.failed = Counter()
        self._seen = Counter()

    def fault_of(self, request):
        kind = self.whose(request)
        if kind not in FAULTS or not is_struck(kind, request):
            return None
        what = (kind, request.method, request.path)
        self._seen[what] += 1
        if self._seen[what] % 2 == 0:
            return None
        self.failed[kind] += 1
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
