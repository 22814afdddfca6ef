"""A sweep that cannot clear one thing clears all others, and says so at its end."""

import pytest
from kubernaut_operator.execution.jobs import JobOwner
from kubernaut_operator.execution.locks import Holder
from kubernaut_operator.execution.sweeping import SWEEP, Sweeper
from kubernaut_operator.kernel.resources import Key

from kubernaut.errors import BusyError, ConflictError, NotFoundError

BUSY = BusyError("busy", status=503, reason="ServiceUnavailable", said="busy")


class Left:
    """What others left behind, some of which cannot be cleared."""

    def __init__(self, errors):
        self.errors = errors
        self.cleared = []

    def abandoned(self):
        return tuple((name, Holder(namespace="shop", name=name, uid=name)) for name in ("one", "two", "three"))

    def owners(self):
        return tuple(JobOwner(job=name, key=Key("shop", name), uid=name, ended=True) for name in ("four", "five"))

    def release(self, name, *, uid):
        self.delete(name, uid=uid)

    def delete(self, name, *, uid):
        assert name == uid
        if name in self.errors:
            raise self.errors[name]
        self.cleared.append(name)

    def get(self, *_):
        raise NotFoundError("gone", status=404, reason="NotFound", said="gone")


def test_the_others_are_cleared_all_the_same():
    left = Left({"one": BUSY, "four": BUSY})

    with pytest.raises(BusyError):
        Sweeper(left, left, left, every_s=60.0).reconcile(SWEEP)

    assert left.cleared == ["two", "three", "five"]


def test_somebody_elses_write_is_no_failure():
    left = Left({"one": ConflictError("changed", status=409, reason="Conflict", said="changed")})

    assert Sweeper(left, left, left, every_s=60.0).reconcile(SWEEP).again_after_s == 60.0
    assert left.cleared == ["two", "three", "four", "five"]


def test_jobs_are_swept_although_locks_cannot_be_listed():
    left = Left({})
    left.abandoned = lambda: (_ for _ in ()).throw(BUSY)

    with pytest.raises(BusyError):
        Sweeper(left, left, left, every_s=60.0).reconcile(SWEEP)

    assert left.cleared == ["four", "five"]
