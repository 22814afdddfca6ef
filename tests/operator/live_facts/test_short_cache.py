import time
from concurrent.futures import Future

import pytest
from kubernaut_operator.live_facts import short_cache
from kubernaut_operator.live_facts.kinds import listing
from kubernaut_operator.live_facts.short_cache import ShortCache

from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

NODES = listing("Node", "shop")


@pytest.fixture
def cache():
    cache = ShortCache()
    yield cache
    cache.close()


def answered(objects=()):
    future = Future()
    future.set_result(ObjectSet.from_objects(objects, listed=["Node"]))
    return future


def test_an_answer_serves_while_it_is_young_enough(cache):
    first = cache.ask(NODES, answered, max_age_s=0.0)

    assert cache.ask(NODES, answered, max_age_s=5.0) is first
    assert cache.ask(NODES, answered, max_age_s=0.0) is not first


def test_an_answer_that_was_asked_for_anew_serves_the_next(cache):
    cache.ask(NODES, answered, max_age_s=0.0)
    second = cache.ask(NODES, answered, max_age_s=0.0)

    assert cache.ask(NODES, answered, max_age_s=5.0) is second


def test_a_request_under_way_is_joined(cache):
    under_way = cache.ask(NODES, Future, max_age_s=5.0)

    assert cache.ask(NODES, answered, max_age_s=5.0) is under_way


def test_what_failed_is_asked_anew(cache):
    failed, cancelled = Future(), Future()
    failed.set_result(Unobserved(UnobservedReason.TIMED_OUT))
    cancelled.cancel()
    for bad in (failed, cancelled):
        cache.ask(NODES, lambda answer=bad: answer, max_age_s=0.0)
        good = answered()
        assert cache.ask(NODES, lambda answer=good: answer, max_age_s=5.0) is good


def test_other_namespaces_are_other_requests(cache):
    quotas = [cache.ask(listing("ResourceQuota", name), answered, max_age_s=5.0) for name in ("a", "b")]

    assert quotas[0] is not quotas[1]


def test_nothing_is_kept_for_long(monkeypatch):
    monkeypatch.setattr(short_cache, "KEPT_S", 0.1)
    cache = ShortCache()
    cache.ask(NODES, answered, max_age_s=5.0)
    time.sleep(0.05)
    cache.ask(listing("ResourceQuota", "shop"), answered, max_age_s=5.0)

    deadline = time.monotonic() + 5
    while cache._entries and time.monotonic() < deadline:
        time.sleep(0.02)

    assert cache._entries == {}
    assert cache._timer is None
    cache.close()


def test_an_answer_older_than_what_is_kept_never_serves(monkeypatch, cache):
    monkeypatch.setattr(short_cache, "KEPT_S", 0.01)
    first = cache.ask(NODES, answered, max_age_s=60.0)
    time.sleep(0.03)

    assert cache.ask(NODES, answered, max_age_s=60.0) is not first
