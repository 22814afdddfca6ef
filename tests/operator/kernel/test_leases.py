"""At most one replica may write at any moment, whatever the order of their requests and pauses."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from kubernaut_operator.kernel.leases import LEASE_S, RENEW_LIMIT_S, Lead, LeaseView, claim, look, may_take, release

WALL = datetime(2026, 1, 5, tzinfo=UTC)


class Replica:
    def __init__(self, name):
        self.name = name
        self.view = LeaseView()
        self.lead = Lead()

    def turn(self, server, now, *, sent_before_s):
        """Read and, where allowed, write; the answer may come long after the request was sent."""
        self.view = look(self.view, server["lease"], now=now)
        if not may_take(self.view, identity=self.name, now=now):
            return
        server["writes"] += 1
        wall = WALL.replace(microsecond=server["writes"])
        server["lease"] = claim(server["lease"], identity=self.name, wall=wall)
        self.view = look(self.view, server["lease"], now=now)
        self.lead = self.lead.renewed(sent_at=now - sent_before_s)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0.01, 20), st.floats(0, 3)),
        min_size=1,
        max_size=60,
    )
)
def test_two_never_lead_at_once(turns):
    replicas = [Replica(name) for name in ("a", "b", "c")]
    server = {"lease": {"spec": {}}, "writes": 0}
    now = 0.0
    for which, passed_s, sent_before_s in turns:
        now += passed_s
        replicas[which].turn(server, now, sent_before_s=sent_before_s)

        assert sum(replica.lead.holds(now) for replica in replicas) <= 1


def test_a_replica_that_stopped_does_not_lead_when_it_goes_on():
    lead = Lead().renewed(sent_at=100.0)

    assert lead.holds(100.0 + RENEW_LIMIT_S - 0.1)
    assert not lead.holds(100.0 + LEASE_S)


def test_another_waits_for_the_whole_lease_as_it_sees_it():
    held = claim({"spec": {}}, identity="a", wall=WALL)
    view = look(LeaseView(), held, now=50.0)

    assert not may_take(view, identity="b", now=50.0 + LEASE_S - 0.1)
    assert may_take(view, identity="b", now=50.0 + LEASE_S)


def test_a_released_lease_is_free_at_once():
    view = look(LeaseView(), release(claim({"spec": {}}, identity="a", wall=WALL)), now=0.0)

    assert may_take(view, identity="b", now=0.0)


def test_a_new_holder_counts_as_a_transition():
    first = claim({"spec": {}}, identity="a", wall=WALL)
    again = claim(first, identity="a", wall=WALL)
    other = claim(again, identity="b", wall=WALL)

    assert [lease["spec"]["leaseTransitions"] for lease in (first, again, other)] == [1, 1, 2]
