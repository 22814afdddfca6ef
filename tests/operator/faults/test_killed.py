"""The operator killed at every one of its writes in turn: the same end, one Job, no record lost or doubled."""

import threading

import pytest
from helpers.faulty_api import Cut, Fault

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]


class Killer:
    """Kills the operator's process at its n-th write, before the server sees it or after it was carried out."""

    def __init__(self, operator, *, at, when):
        self.operator, self.at, self.when = operator, at, when
        self.seen = 0
        self.struck = threading.Event()
        self.struck_by = None

    def fault_of(self, request):
        if not request.writes or not request.may_change or self.struck.is_set():
            return None
        number, self.seen = self.seen, self.seen + 1
        if number != self.at:
            return None
        self.struck_by = request
        if self.when is Cut.BEFORE:
            self.strike()
        return Fault(cut=self.when)

    def answered(self, request):
        if request is self.struck_by:
            self.strike()

    def strike(self):
        self.operator.kill()
        self.struck.set()


def writes_of_a_run(shop, proxy, operator):
    shop.deploy("first")
    before = len(proxy.changes)
    found = shop.cleaned(shop.scale("first"))
    assert found["status"]["phase"] == "succeeded"
    return [str(change) for change in proxy.changes[before:]]


@pytest.mark.parametrize("when", list(Cut))
def test_killed_at_every_write_it_comes_to_the_same_end(shop, proxy, make_operator, history, when):
    operator = make_operator().start()
    undisturbed = writes_of_a_run(shop, proxy, operator)
    names = [f"web-{number}" for number in range(len(undisturbed))]
    shop.deploy(*names)

    for number, name in enumerate(names):
        killer = Killer(operator, at=number, when=when)
        proxy.fault_of, proxy.answered = killer.fault_of, killer.answered
        execution = shop.scale(name)
        if killer.struck.wait(20):
            operator.start()

        found = shop.cleaned(execution)

        about = f"killed {when} write {number}"
        assert (found["status"]["phase"], found["status"]["message"]) == ("succeeded", "replicas 2 -> 3"), about
        assert shop.replicas(name) == 3, about
        assert len(shop.jobs(execution)) <= 1, about
    proxy.fault_of = proxy.answered = None

    assert shop.locks() == []
    created = [
        change.answer["metadata"]["name"]
        for change in proxy.changes
        if change.method == "POST" and change.path.endswith("/jobs")
    ]
    assert len(created) == len(set(created)) == len(names) + 1
    operator.stop()
    recorded = history(operator)
    runs = recorded.executions.to_pandas()
    assert len(runs) == len(names) + 1
    assert set(runs["result"]) == {"succeeded"}
    settled = recorded.evaluations.to_pandas()
    conditions = settled.groupby("execution_uid").size()
    assert set(conditions) == {conditions.max()}, "a condition of some run was not recorded"
