"""Recorded attempts stand in for judging only where the very policy gave them with the very numbers."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.inputs import LookInputs
from kubernaut_simulator.replay.recorded_answers import RecordedAnswers
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.tuning.tune import compiled

from kubernaut.history.rows import RowKind
from kubernaut.identity import ConditionId
from kubernaut.verdicts import Code, Reason

CRASHES = ConditionId.parse("scale_deployment/action/post/no_crashloop_pods")
CAPACITY = ConditionId.parse("scale_deployment/step/pre/cluster_capacity_available")


class Counting:
    """An evaluator that says which policies it was asked for."""

    def __init__(self, inner):
        self.inner = inner
        self.inputs = {}

    def evaluate(self, policy, batch):
        self.inputs[policy.package] = self.inputs.get(policy.package, 0) + len(batch)
        return self.inner.evaluate(policy, batch)


def rows_of(replayed):
    return replayed.evaluations.table.sort_by([("record_id", "ascending"), ("candidate", "ascending")]).to_pylist()


def edited(conditions, condition, change):
    texts = {level: one.texts for level, one in conditions.items()}
    own = texts[condition.level]
    text = own.policy(condition)
    new = replace(text, source=change(text.source))
    assert new.source != text.source
    texts[condition.level] = replace(own, exact={**own.exact, condition: new})
    return compiled(texts)


def with_number(conditions, condition, name, value):
    texts = {level: one.texts for level, one in conditions.items()}
    own = texts[condition.level]
    document = own.settings.model_dump()
    suite = document["actions"][condition.action][condition.phase.value]
    suite[condition.type]["settings"] = {**(suite[condition.type].get("settings") or {}), name: value}
    texts[condition.level] = replace(own, settings=type(own.settings).model_validate(document))
    return compiled(texts)


@pytest.fixture(scope="module")
def judged_again(steady_history, steady_conditions, worker):
    return replay(steady_history, steady_conditions, evaluator=worker, judge_all=True)


def test_the_record_answers_what_judging_would(steady_history, steady_conditions, judged_again, worker):
    counting = Counting(worker)
    recalled = replay(steady_history, steady_conditions, evaluator=counting)

    assert counting.inputs == {}
    assert judged_again.evaluations.judged > 0
    assert rows_of(recalled) == rows_of(judged_again)


def test_a_check_of_the_record_judges_everything(steady_history, worker):
    counting = Counting(worker)
    replay(steady_history, evaluator=counting)
    assert len(counting.inputs) > 5


def test_only_the_edited_policy_is_evaluated(steady_history, steady_conditions, worker):
    candidate = edited(steady_conditions, CAPACITY, lambda text: text.replace(">= cpu_needed", "> cpu_needed * 3000"))
    counting = Counting(worker)
    recalled = replay(steady_history, candidate, evaluator=counting)

    assert set(counting.inputs) == {candidate[CAPACITY.level].policies[CAPACITY].package}
    assert rows_of(recalled) == rows_of(replay(steady_history, candidate, evaluator=worker, judge_all=True))
    assert recalled.data.set_index("condition").loc[str(CAPACITY), "changed"] > 0


def test_another_number_is_judged_again(steady_history, steady_conditions, worker):
    candidate = with_number(steady_conditions, CRASHES, "tolerated_restarts", 0)
    counting = Counting(worker)
    recalled = replay(steady_history, candidate, evaluator=counting)

    assert set(counting.inputs) == {candidate[CRASHES.level].policies[CRASHES].package}
    assert rows_of(recalled) == rows_of(replay(steady_history, candidate, evaluator=worker, judge_all=True))


def test_an_error_of_that_days_evaluator_is_no_answer(steady_history, steady_conditions):
    attempts = steady_history.attempts
    policy = steady_conditions[CAPACITY.level].policies[CAPACITY]
    own = np.flatnonzero(np.asarray(attempts.column("policy_digest").cast(pa.string()).to_pylist()) == policy.digest)
    looks = attempts.take(pa.array(own))
    places = np.arange(len(looks))
    inputs = LookInputs(looks)
    assert RecordedAnswers(looks).usable(inputs, places, policy, None).all()

    reasons = looks.column("reason").cast(pa.string()).to_pylist()
    reasons[0], reasons[1] = Reason.LIMIT_EXCEEDED.value, Reason.EVALUATOR_UNAVAILABLE.value
    at = looks.schema.get_field_index("reason")
    odd = looks.set_column(at, "reason", pa.array(reasons).dictionary_encode())
    assert RecordedAnswers(odd).usable(inputs, places, policy, None).tolist() == [
        False,
        False,
        *[True] * (len(own) - 2),
    ]


def test_recorded_judgements_are_those_of_the_attempts(steady_history):
    attempts = steady_history.attempts
    places = np.arange(0, len(attempts), 3)
    codes, said = RecordedAnswers(attempts).judgements(places)
    for row, code in zip(attempts.take(pa.array(places)).to_pylist(), codes.tolist(), strict=True):
        found = said[code]
        assert (found.reason.value, found.message, found.fatal) == (row["reason"], row["message"], row["fatal"])
        assert (found.code is Code.PASSED) == (row["result"] == "Passed")
        assert (found.code is Code.ERROR) == (row["result"] == "Error")


def test_numbers_that_stand_twice_in_the_facts_are_not_taken_for_the_policys_own(steady_history, steady_conditions):
    policy = steady_conditions[CRASHES.level].policies[CRASHES]
    attempts = steady_history.attempts
    own = np.flatnonzero(np.asarray(attempts.column("policy_digest").cast(pa.string()).to_pylist()) == policy.digest)
    looks = attempts.take(pa.array(own[:3]))
    texts = looks.column("facts").cast(pa.string()).to_pylist()
    texts[1] = texts[1].replace("{", '{"custom":{"settings":{"tolerated_restarts":1}},', 1)
    texts[2] = texts[2].replace('"tolerated_restarts":1', '"tolerated_restarts":true')
    at = looks.schema.get_field_index("facts")
    odd = looks.set_column(at, "facts", pa.array(texts).dictionary_encode())
    found = RecordedAnswers(odd).usable(LookInputs(odd), np.arange(3), policy, {"tolerated_restarts": 1.0})
    assert found.tolist() == [True, False, False]


def test_messages_are_asked_for_only_where_they_are_shown(steady_history, worker):
    few, every = Counting(worker), Counting(worker)
    folded = replay(steady_history, evaluator=few)
    whole = replay(steady_history, evaluator=every, fold=False)

    assert rows_of(folded) == rows_of(whole)
    assert sum(few.inputs.values()) < sum(every.inputs.values()) / 3
    messages = folded.evaluations.table.column("message").cast(pa.string()).to_pylist()
    assert not any("\x00" in one for one in messages)


def test_a_history_without_looks_has_no_answers(steady_history):
    none = History({kind: steady_history.table(kind).slice(0, 0) for kind in RowKind}).attempts
    codes, said = RecordedAnswers(none).judgements(np.zeros(0, np.int64))
    assert len(codes) == len(said) == 0
