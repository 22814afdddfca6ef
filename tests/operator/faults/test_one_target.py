"""Many executions on one target at once: each gets its turn, and never do two act at the same time."""

import pytest
from helpers.executions import create, scaling, wait_for

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

WANTED = {"first": 3, "second": 4, "third": 3, "fourth": 4, "fifth": 2}


def turns(changes):
    """Give who acts on a target from when, and from when nobody does, in the order of the writes."""
    for change in changes:
        if change.method == "POST" and change.path.endswith("/jobs"):
            yield change.body["metadata"]["annotations"]["kubernaut.io/execution"]
        elif "/leases/" in change.path and (change.method == "DELETE" or is_taken_over(change)):
            yield ""


def is_taken_over(change):
    """Say whether the next one replaced a lock whose holder was through, before that gave it back."""
    return change.method == "PUT" and "kubernaut.io/lock" in (change.body["metadata"].get("labels") or {})


def test_one_at_a_time(cluster, api, proxy, operator, shop):
    shop.deploy("wanted")
    before = len(proxy.changes)
    create(cluster, *(scaling(shop.namespace, name, target="wanted", to=to) for name, to in WANTED.items()))

    found = {name: wait_for(api, shop.namespace, name, limit_s=120) for name in WANTED}

    assert {name: one["status"]["phase"] for name, one in found.items()} == dict.fromkeys(WANTED, "succeeded")
    operator.wait_until(lambda: not shop.locks())
    order = list(turns(proxy.changes[before:]))
    assert order[1::2] == [""] * len(WANTED), order
    acted = [name.rpartition("/")[2] for name in order[::2]]
    assert sorted(acted) == sorted(WANTED)
    assert shop.replicas("wanted") == WANTED[acted[-1]]
    assert len(shop.kubelet.performed) == len(WANTED)
