"""What a what-if answers: who would be stopped on other terms, by what, and how long is waited."""

from collections.abc import Sequence

import pandas as pd
import pytest
from helpers.stored_runs import condition, failed, history_of, passed, policy_row, run
from kubernaut_simulator.datasets import load_steady
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.recorded_set import recorded_sets
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.tuning.tune import compiled, with_settings
from kubernaut_simulator.whatif.timelines import VERDICTS
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.settings import PreSettings
from kubernaut.enforcement.rollout import bucket_of, is_enrolled
from kubernaut.errors import HistoryError, InputError, SettingsError
from kubernaut.history.rows import Purpose, Row
from kubernaut.identity import Level
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Verdict

PRE, POST = "step/pre/deployment_exists", "step/post/desired_replicas_running"
INNER = "action/post/no_crashloop_pods"


def three_runs() -> History:
    return history_of(
        run(0, {PRE: passed("p"), POST: passed("nnp"), INNER: passed("p")}),
        run(1, {PRE: failed("f"), POST: passed("p"), INNER: failed("nnnnnnnnnnnn")}, good=False),
        run(2, {PRE: passed("p"), POST: failed("nnnnnnnnnnnn"), INNER: passed("p")}, good=None),
    )


def enforced(what_if: WhatIf, *texts: str) -> WhatIf:
    for text in texts:
        what_if = what_if.with_percent(condition(text), 100.0)
    return what_if


def row_of(result: object, text: str) -> pd.Series:
    data = getattr(result, "data")  # noqa: B009 - any result
    return data[data["condition"] == str(condition(text))].iloc[0]


def test_nothing_is_stopped_in_warn_mode() -> None:
    result = WhatIf(three_runs()).result()

    assert not result.accounts.stopped.any()
    assert row_of(result, POST)["would stop"] == 1
    assert row_of(result, PRE)["of bad"] == 1
    assert "warn mode" in result.text()


def test_first_stop_of_a_workflow_is_named() -> None:
    result = enforced(WhatIf(three_runs()), PRE, POST, INNER).result()

    flows = result.workflows.set_index("workflow_uid")
    assert flows["effect"].to_dict() == {"workflow-0": "", "workflow-1": "blocked", "workflow-2": "failed"}
    assert flows.loc["workflow-1", "stopped_by"] == str(condition(PRE))
    assert flows.loc["workflow-2", "stopped_by"] == str(condition(POST))
    # A blocked run waits for no postcondition; the others for the slowest enforced one.
    assert flows["waiting_s"].round(3).to_dict() == {"workflow-0": 30.5, "workflow-1": 0.0, "workflow-2": 120.5}
    assert result.false_stops.k == 0
    assert (result.harmful_stopped.k, result.harmful_stopped.n) == (1, 1)
    assert row_of(result, INNER)["stopped"] == 0
    assert "blocked workflows would have waited" in result.text()


def test_shorter_timeout_fails_what_passed_later() -> None:
    base = enforced(WhatIf(three_runs()), POST)

    result = base.with_timeout(condition(POST), 15.0).result()

    assert result.accounts.stopped.tolist() == [True, False, True]
    assert (result.false_stops.k, result.false_stops.n) == (1, 1)
    assert not base.result().accounts.stopped[0]


def test_longer_hold_cannot_be_answered_where_nobody_looked_on() -> None:
    result = WhatIf(three_runs()).with_hold_for(condition(POST), 20.0).result()

    assert row_of(result, POST)["not replayable"] == 2
    assert "nobody looked long enough" in result.text()


def test_hold_is_answered_from_looks_after_the_pass() -> None:
    history = history_of(run(0, {POST: passed("npppp")}), run(1, {POST: passed("nppnp")}))

    result = WhatIf(history).with_hold_for(condition(POST), 15.0).result()

    # The first held from 20.5 s to 40 s; of the second nobody knows, since looking ended with its recorded pass.
    assert result.verdict.tolist() == [VERDICTS.index(Verdict.PASSED), VERDICTS.index(Verdict.CENSORED)]
    assert result.replayable.tolist() == [True, False]


def test_flags_and_percentages_follow_the_engines_hash() -> None:
    history = history_of(*(run(number, {PRE: failed("f")}) for number in range(40)))
    names = [f"incident-{number}" for number in range(40)]

    half = WhatIf(history).with_percent(PRE.rsplit("/", maxsplit=1)[1], 50.0)

    by_name = half.result().workflows.set_index("incident_id")["effect"]
    expected = {name: is_enrolled(bucket_of("default", name), 50.0) for name in names}
    assert {name: by_name[name] == "blocked" for name in names} == expected
    anew = half.with_rollout("spring").result().workflows.set_index("incident_id")["effect"]
    assert {name: anew[name] == "blocked" for name in names} == {
        name: is_enrolled(bucket_of("spring", name), 50.0) for name in names
    }
    assert not half.with_required(condition(PRE), required=False).result().accounts.stopped.any()
    assert not half.with_enforcement(on=False).result().accounts.stopped.any()


def test_overridden_and_unvalidated_runs_are_not_stopped() -> None:
    history = history_of(
        run(0, {PRE: failed("f", overridden=True)}),
        run(1, {PRE: failed("f", validation_enabled=False)}),
        run(2, {PRE: failed("f")}),
    )

    result = enforced(WhatIf(history), PRE).result()

    assert result.accounts.stopped.tolist() == [False, False, True]


def test_rollbacks_challengers_and_skipped_conditions_do_not_count() -> None:
    history = history_of(
        run(0, {PRE: failed("f", purpose=Purpose.ROLLBACK)}),
        run(1, {PRE: failed("f", candidate=True)}),
        run(2, {PRE: passed("p")}),
        run(3, {PRE: passed("p"), POST: passed(verdict=Verdict.SKIPPED)}),
    )

    result = enforced(WhatIf(history), PRE, POST).result()

    assert row_of(result, PRE)["runs"] == 2
    assert row_of(result, POST)["runs"] == 0
    assert result.runs.dropped == {"challengers": 1, "rollback runs": 1, "dry runs": 0}
    assert not result.accounts.stopped.any()


def test_an_environment_has_terms_of_its_own() -> None:
    history = history_of(
        run(0, {POST: passed("nnp")}, environment="staging"),
        run(1, {POST: passed("nnp")}, environment="production"),
    )
    base = enforced(WhatIf(history), POST)

    result = base.with_timeout(condition(POST), 15.0, environment="staging").result()

    assert result.accounts.stopped.tolist() == [True, False]
    silent = base.with_percent(condition(POST), 0.0, environment="staging").with_timeout(condition(POST), 15.0)
    assert silent.result().accounts.stopped.tolist() == [False, True]
    assert row_of(silent.result(), POST)["percent"] == "varies"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda one: one.with_timeout("nothing_like_it", 5.0), "was never recorded"),
        (lambda one: one.with_timeout(condition(POST), 0.0), "timeout"),
        (lambda one: one.with_hold_for(condition(PRE), 5.0), "nothing to hold"),
        (lambda one: one.with_percent(condition(PRE), 101.0), "between 0 and 100"),
        (lambda one: one.with_hold_for(condition(POST), 120.0).result(), "change the timeout too"),
        (lambda one: one.result().examples("nothing_like_it"), "was never recorded"),
    ],
)
def test_terms_that_cannot_be_set_are_refused(ask: object, message: str) -> None:
    assert callable(ask)

    with pytest.raises((InputError, SettingsError), match=message):
        ask(WhatIf(three_runs()))


def test_a_type_of_several_conditions_must_be_named_in_full() -> None:
    history = history_of(run(0, {PRE: passed("p"), "action/pre/deployment_exists": passed("p")}))

    with pytest.raises(InputError, match="names 2 conditions"):
        WhatIf(history).with_timeout("deployment_exists", 5.0)


def test_an_unknown_result_is_named() -> None:
    history = three_runs()
    table = history.attempts
    at = table.schema.get_field_index("result")
    odd = table.set_column(at, table.schema.field("result"), table.column("reason"))
    tables = {**history.tables}
    tables[next(kind for kind in tables if kind.value == "attempts")] = odd

    with pytest.raises(HistoryError, match="known are Passed"):
        WhatIf(History(tables)).prepared()


def test_examples_are_records_to_open() -> None:
    history = three_runs()
    result = WhatIf(history).result()

    found = result.examples(condition(PRE), outcome=Label.BAD)

    ids = history.evaluations.column("record_id").to_pylist()
    assert len(found) == 1
    assert found[0] in ids
    assert result.examples(str(condition(PRE))) == []
    assert len(result.examples(condition(POST), outcome=None)) == 1


def test_recorded_enforcement_is_said() -> None:
    history = history_of(run(0, {PRE: passed("p", enforced=True, percent=100.0)}), run(1, {PRE: passed("p")}))

    assert "1 evaluations were enforced when they were recorded" in WhatIf(history).result().text()


def test_every_surface_shows_it() -> None:
    result = enforced(WhatIf(three_runs()), PRE, POST).result()

    assert "would be stopped" in result.text()
    assert "<table" in result.html()
    assert result.plot().data
    assert "WhatIf" in repr(WhatIf(three_runs()))


SOURCE = """package precondition

import rego.v1

allow if input.replicas >= 3
"""


def looked(replicas: Sequence[int]) -> list[Row]:
    facts = [{"replicas": number} for number in replicas]
    letters = "".join("p" if number >= 2 else "n" for number in replicas)
    one = passed(letters)
    return run(0, {POST: type(one)(verdict=one.verdict, looks=letters, facts=facts), PRE: passed("p")})


def test_one_policy_edited_is_the_only_one_judged_again() -> None:
    history = history_of(looked([1, 2, 3]), [policy_row(POST, SOURCE, "digest")])
    policy = compile_policy(SOURCE, name="edited", libraries={})

    edited = WhatIf(history).with_policy(condition(POST), policy, evaluator=InProcessEvaluator())

    assert edited.judged == (condition(POST),)
    settled = edited.settled(condition(POST))
    assert settled.time_to_pass_s.tolist() == [30.5]
    assert WhatIf(history).settled(condition(POST)).time_to_pass_s.tolist() == [20.5]
    again = WhatIf(history).with_policy(condition(POST), policy, evaluator=InProcessEvaluator(), environment="nowhere")
    assert again.settled(condition(POST)).time_to_pass_s.tolist() == [20.5]


@pytest.fixture(scope="module")
def steady() -> History:
    history = load_steady()
    until = history.evaluations.column("started_at").to_pylist()[1500]
    return history.filter(until=until)


@pytest.fixture(scope="module")
def recorded(steady: History) -> dict[Level, CompiledSet]:
    return compiled(recorded_sets(steady.evaluations, steady.attempts, steady.policies))


def test_recorded_terms_give_the_recorded_verdicts(steady: History) -> None:
    result = WhatIf(steady).result()

    expected = [VERDICTS.index(Verdict(word)) for word in steady.evaluations.column("verdict").to_pylist()]
    assert result.verdict.tolist() == expected
    assert result.replayable.all()


@pytest.mark.parametrize("timeout_s", [45.0, 240.0])
def test_other_terms_give_what_replay_gives(
    steady: History, recorded: dict[Level, CompiledSet], timeout_s: float
) -> None:
    changed = dict(recorded)
    what_if = WhatIf(steady)
    for level, one in recorded.items():
        settings = one.texts.settings
        for found in one.policies:
            current = settings.effective(found)
            assert current is not None
            if found.phase.value == "post":
                fields = {name: getattr(current, name) for name in type(current).model_fields}
                new: PreSettings = type(current)(**{**fields, "timeout_s": timeout_s})
                settings = settings.with_condition(found, new)
                what_if = what_if.with_timeout(found, timeout_s)
        changed[level] = with_settings(one, settings)

    evaluator = InProcessEvaluator()
    replayed = replay(steady, changed, evaluator=evaluator).evaluations.table.to_pandas().set_index("record_id")
    result = what_if.result()
    by_conditions = WhatIf(steady).with_conditions(changed, evaluator=evaluator).result()

    ids = steady.evaluations.column("record_id").to_pylist()
    for found in (result, by_conditions):
        verdicts = pd.Series([VERDICTS[code].value for code in found.verdict], index=ids)
        assert verdicts.to_dict() == replayed["verdict"].astype(str).loc[ids].to_dict()
        answers = pd.Series(found.replayable, index=ids)
        assert (answers == (replayed["source"].loc[ids] != "not replayable")).all()


def test_recorded_policies_and_numbers_need_no_evaluator(steady: History, recorded: dict[Level, CompiledSet]) -> None:
    asked = WhatIf(steady).with_conditions(recorded)

    assert asked.judged == ()
    assert (asked.result().verdict == WhatIf(steady).result().verdict).all()


def test_other_numbers_need_an_evaluator_for_the_runs_that_had_others(
    steady: History, recorded: dict[Level, CompiledSet]
) -> None:
    found = condition(INNER)
    one = recorded[Level.ACTION]
    current = one.texts.settings.effective(found)
    assert current is not None
    fields = {name: getattr(current, name) for name in type(current).model_fields}
    new: PreSettings = type(current)(**{**fields, "settings": {"tolerated_restarts": 0.0}})
    changed = {**recorded, Level.ACTION: with_settings(one, one.texts.settings.with_condition(found, new))}

    with pytest.raises(InputError, match="give an evaluator"):
        WhatIf(steady).with_conditions(changed)
    assert WhatIf(steady).with_conditions(changed, evaluator=InProcessEvaluator()).judged == (found,)


def test_a_failure_that_a_look_on_the_deadline_might_have_turned_is_no_answer() -> None:
    history = history_of(run(0, {POST: passed("nnnp")}))

    result = WhatIf(history).with_timeout(condition(POST), 35.0).result()

    assert not result.certain.any()
    assert not result.replayable.any()
    assert row_of(result, POST)["not replayable"] == 1
    assert row_of(result, POST)["would stop"] == 0
    assert "1 evaluation cannot answer: no look on the new deadline" in result.text()


def test_conditions_that_are_not_named_are_not_required(steady: History) -> None:
    asked = WhatIf(steady).with_percent("desired_replicas_running", 100.0).with_conditions({})

    result = asked.result()

    assert not result.required.any()
    assert not result.accounts.stopped.any()
