"""The queue against a model of what it promises, and its delays against client-go's figures."""

import threading

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kubernaut_operator.kernel.work_queue import LONGEST_DELAY_S, WorkQueue

KEYS = st.sampled_from("abc")


class QueueModel(RuleBasedStateMachine):
    """No key is lost, none waits twice, none is worked on by two at once."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.queue = WorkQueue(clock=lambda: self.now)
        self.wanted = set()
        self.working = set()
        self.later = {}

    @rule(key=KEYS)
    def add(self, key):
        self.queue.add(key)
        self.wanted.add(key)

    @rule(key=KEYS, delay_s=st.floats(0.1, 10))
    def add_after(self, key, delay_s):
        self.queue.add_after(key, delay_s)
        self.later[key] = min(self.later.get(key, float("inf")), self.now + delay_s)

    @rule(passed_s=st.floats(0.1, 10))
    def wait(self, passed_s):
        self.now += passed_s
        for key, moment in list(self.later.items()):
            if moment <= self.now:
                del self.later[key]
                self.wanted.add(key)

    @precondition(lambda self: self._free())
    @rule()
    def get(self):
        key = self.queue.get(limit_s=0)
        assert key in self.wanted
        assert key not in self.working
        self.wanted.discard(key)
        self.working.add(key)

    @precondition(lambda self: not self._free())
    @rule()
    def get_nothing(self):
        assert self.queue.get(limit_s=0) is None

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def done(self, data):
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.working.discard(key)
        self.queue.done(key)

    @invariant()
    def depth_is_what_waits(self):
        assert len(self._free()) >= self.queue.figures().depth

    def _free(self):
        return self.wanted - self.working


TestQueueModel = QueueModel.TestCase


def test_a_key_that_changes_while_it_is_worked_on_is_handed_out_again():
    queue = WorkQueue(clock=lambda: 0.0)
    queue.add("a")
    queue.get(limit_s=0)
    queue.add("a")
    queue.add("a")
    assert queue.get(limit_s=0) is None

    queue.done("a")

    assert queue.get(limit_s=0) == "a"
    queue.done("a")
    assert queue.get(limit_s=0) is None


def test_failures_back_off_by_doubling_to_the_longest_delay():
    queue = WorkQueue(clock=lambda: 0.0)

    delays = [queue.add_failed("a") for _ in range(20)]

    assert delays[:4] == [0.005, 0.01, 0.02, 0.04]
    assert delays[-1] == LONGEST_DELAY_S
    queue.forget("a")
    assert queue.add_failed("a") == 0.005


def test_failures_of_many_keys_are_held_to_ten_a_second_after_a_burst():
    queue = WorkQueue(clock=lambda: 0.0)

    delays = [queue.add_failed(number) for number in range(120)]

    assert delays[99] == 0.005
    assert delays[119] == 2.0


def test_the_server_says_how_long_to_wait():
    queue = WorkQueue(clock=lambda: 0.0)

    assert queue.add_failed("a", at_least_s=30.0) == 30.0


def test_ending_frees_the_workers_and_waits_for_those_at_work():
    queue = WorkQueue()
    queue.add("a")
    queue.get()
    freed = []
    waiting = threading.Thread(target=lambda: freed.append(queue.get()))
    waiting.start()

    queue.end()
    waiting.join(5)

    assert freed == [None]
    assert not queue.drained(limit_s=0.01)
    queue.done("a")
    assert queue.drained(limit_s=1)


def test_figures_tell_how_long_the_oldest_work_takes():
    now = [0.0]
    queue = WorkQueue(clock=lambda: now[0])
    for key in "ab":
        queue.add(key)
        queue.get(limit_s=0)
        now[0] += 2.0

    figures = queue.figures()

    assert (figures.longest_s, figures.unfinished_s, figures.adds) == (4.0, 6.0, 2)
