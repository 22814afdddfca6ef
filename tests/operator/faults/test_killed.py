"""The operator killed at every one of its writes in turn: the same end, one Job, no record lost or doubled.

Killed after a write was carried out and before anybody was told: every state that the server can be left in. Killed
before a status is stored: rows about it are recorded and nothing else tells of them.
"""

import pytest
from helpers.faulty_api import Cut
from helpers.held_requests import Held, Point

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster, pytest.mark.slow]

AT_ONCE = 8


def changes_of(shop, proxy, target, since=0):
    return [change for change in proxy.changes[since:] if shop.whose(change) == target]


def undisturbed(shop, proxy):
    shop.deploy("undisturbed")
    shop.scale("undisturbed")
    assert shop.over("undisturbed")["status"]["phase"] == "succeeded"
    shop.cleaned("undisturbed")
    return changes_of(shop, proxy, "undisturbed")


def points_of(changes):
    after = [(number, Cut.AFTER) for number in range(len(changes))]
    rows_first = [(number, Cut.BEFORE) for number, one in enumerate(changes) if one.path.endswith("/status")]
    return sorted((*after, *rows_first), key=lambda point: point[0])


def is_number(wanted):
    return lambda request, before: request.may_change and before == wanted


def test_killed_at_every_write_it_comes_to_the_same_end(shop, proxy, operator, history, mine):
    left = points_of(undisturbed(shop, proxy))
    struck, tries = [], 0
    while left:
        batch, left = left[:AT_ONCE], left[AT_ONCE:]
        targets = {f"web-{(tries := tries + 1):02}-{when}-{number:02}": (number, when) for number, when in batch}
        shop.deploy(*targets)
        points = {name: Point(is_it=is_number(number), when=when) for name, (number, when) in targets.items()}
        held = Held(shop.whose, points, cut=True)
        proxy.fault_of, proxy.answered = held.fault_of, held.answered
        shop.scale(*targets)
        there = held.wait()
        operator.kill()
        held.strike()
        operator.start(wait=False)
        struck += there
        left += [targets[name] for name in targets if name not in there]
        assert tries < 4 * AT_ONCE + len(struck) * 2, f"not reached: {left}"
        for name in targets:
            found = shop.cleaned(name)
            outcome = (found["status"]["phase"], found["status"]["message"], shop.replicas(name))
            assert outcome == ("succeeded", "replicas 2 -> 3", 3), name
            assert len(shop.jobs(name)) == 1, name

    everybody = list(shop.whose.words)
    for name in everybody:
        shop.over(name)
    assert shop.locks() == []
    created = [one for one in proxy.changes if one.method == "POST" and one.path.endswith("/jobs")]
    assert len({one.answer["metadata"]["name"] for one in created}) == len(created) == len(everybody)
    assert len(shop.kubelet.performed) == len(everybody)
    operator.stop()
    recorded = history(operator)
    runs = mine(recorded.executions)
    assert sorted(runs["result"]) == ["succeeded"] * len(everybody)
    settled = mine(recorded.evaluations).groupby("execution_uid")["type"].agg(lambda types: tuple(sorted(types)))
    assert len(settled) == len(everybody)
    assert len(set(settled)) == 1, "a condition of some run was not recorded, or twice"
