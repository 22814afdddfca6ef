"""Inputs handed over as texts: the same answers as rows, by one worker or several, and the same limits."""

import json

from kubernaut.policy.batch import RowBatch, TextBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.policy.worker.limits import Limits
from kubernaut.policy.worker.pool import WorkerPool
from kubernaut.verdicts import Code, Reason

POLICY = compile_policy("package p\nimport rego.v1\nallow if input.a.b > 1\n", name="p.rego")
ROWS = [{"a": {"b": n % 4}} for n in range(3000)]
TEXTS = TextBatch([json.dumps(row) for row in ROWS])


def test_texts_are_judged_as_rows_are():
    rows = InProcessEvaluator().evaluate(POLICY, RowBatch(ROWS))
    with WorkerEvaluator() as worker, WorkerPool(2) as pool:
        assert worker.evaluate(POLICY, TEXTS) == rows
        assert pool.evaluate(POLICY, TEXTS) == rows


def test_texts_are_rows_and_columns_too():
    assert len(TEXTS) == len(ROWS)
    assert TEXTS.row(3) == ROWS[3]
    assert list(TEXTS.slice(1, 3).column(("a", "b"))) == [1, 2]
    assert TEXTS.slice(0, 1).column(("a", "c")) == RowBatch(ROWS[:1]).column(("a", "c")) == [None]


def test_a_text_that_is_too_large_is_an_error_in_its_place():
    texts = TextBatch(['{"a": {"b": 2}}', '{"a": {"b": 2}, "c": "' + "x" * 100 + '"}'])
    with WorkerEvaluator(Limits(input_bytes=50)) as worker:
        answers = worker.evaluate(POLICY, texts)

    assert answers[0].code is Code.PASSED
    assert answers[1].reason is Reason.LIMIT_EXCEEDED
