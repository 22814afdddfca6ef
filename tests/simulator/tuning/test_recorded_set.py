"""What a history was recorded under comes back as conditions, or what is missing is said."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from helpers.fact_histories import (
    POST,
    PRE,
    REGO,
    FactRun,
    PostRun,
    changed_tables,
    conditions_of,
    fact_history,
    post_history,
    pre_history,
)
from helpers.rows import attempt, evaluation, execution, policy, workflow
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.recorded_set import recorded_sets

from kubernaut.conditions.compiled_set import filled_settings
from kubernaut.enforcement.rollout import bucket_of
from kubernaut.errors import HistoryError
from kubernaut.identity import Level


def sets_of(history):
    return recorded_sets(history.evaluations, history.attempts, history.policies)


def test_flags_times_and_rego_come_back():
    run = FactRun(found={PRE: True}, post=PostRun(passes_from_s=3.0, timeout_s=90.0, hold_for_s=20.0))
    texts = sets_of(fact_history([run], required=True, percent=25.0))[Level.STEP]

    pre, post = texts.settings.effective(PRE), texts.settings.effective(POST)
    assert (pre.required, pre.rollout_percent, pre.timeout_s) == (True, 25.0, 30.0)
    assert (post.required, post.rollout_percent, post.timing) == (True, 25.0, (None, 20.0))
    assert post.timeout_s == 90.0
    assert {name: text.source for name, text in texts.exact.items()} == REGO
    assert Level.ACTION not in sets_of(fact_history([run]))


def test_a_world_comes_back_with_its_own_settings(steady_history, steady_conditions):
    found = conditions_of(steady_history)

    for level, one in steady_conditions.items():
        # The world scales Deployments; no other action's suite was judged in it.
        judged = {
            condition: policy_ for condition, policy_ in one.policies.items() if condition.action == "scale_deployment"
        }
        assert set(found[level].policies) == set(judged)
        for condition, policy_ in judged.items():
            mine, theirs = found[level].texts.settings.effective(condition), one.texts.settings.effective(condition)
            assert found[level].policies[condition].digest == policy_.digest
            assert (mine.required, mine.timeout_s, mine.timing) == (theirs.required, theirs.timeout_s, theirs.timing)
            assert filled_settings(policy_, mine.settings) == filled_settings(policy_, theirs.settings)


def test_the_newest_row_says_the_terms():
    older = evaluation(0, timeout_s=10.0, bucket=bucket_of("default", "incident-0"))
    newer = evaluation(1, timeout_s=45.0)
    history = History.from_rows([newer, older, attempt(0), attempt(1), policy()])

    assert sets_of(history)[Level.STEP].settings.effective(PRE).timeout_s == 45.0


def test_an_environment_that_differs_becomes_an_override():
    rows = [evaluation(n, environment="production", timeout_s=30.0) for n in range(3)]
    rows += [evaluation(9, environment="staging", timeout_s=60.0, required=True)]
    settings = sets_of(History.from_rows([*rows, policy()]))[Level.STEP].settings

    assert set(settings.environments) == {"staging"}
    usual, there = settings.effective(PRE), settings.effective(PRE, environment="staging")
    assert (usual.timeout_s, usual.required) == (30.0, False)
    assert (there.timeout_s, there.required) == (60.0, True)


def test_the_numbers_of_the_settings_are_taken_from_the_looks():
    rows = [attempt(0, facts={"deployment_found": True, "settings": {"tries": 3, "on": True}}), evaluation(0)]

    assert sets_of(History.from_rows([*rows, policy()]))[Level.STEP].settings.effective(PRE).settings == {"tries": 3.0}


def test_a_challenger_comes_back_as_one():
    other = policy(record_id="policy-2", digest="digest-2", source=REGO[PRE] + "\n# other\n")
    beside = evaluation(0, record_id="beside", candidate=True, policy_digest="digest-2")
    texts = sets_of(History.from_rows([evaluation(0), beside, policy(), other]))[Level.STEP]

    assert texts.candidate(PRE).source.endswith("# other\n")
    assert texts.policy(PRE).source != texts.candidate(PRE).source


def test_a_missing_source_names_the_condition_and_the_way_out():
    history = pre_history([(True, True)])
    without = changed_tables(history, policies=history.policies.slice(0, 0))

    with pytest.raises(HistoryError, match=rf"source of {PRE}'s policy .*--conditions"):
        sets_of(without)


def test_terms_that_cannot_be_set_are_said():
    with pytest.raises(HistoryError, match=rf"{PRE} was recorded on terms that cannot be set"):
        sets_of(History.from_rows([evaluation(0, timeout_s=0.0), policy()]))


def test_two_texts_of_one_helper_are_an_error(steady_history):
    policies = steady_history.policies
    libraries = pc.utf8_replace_slice(policies.column("libraries").cast("string"), 0, 0, "").to_pylist()
    at = next(place for place, text in enumerate(libraries) if text != "{}")
    names = [name for name in libraries[at].split('"') if name.startswith("lib.")]
    libraries[at] = f'{{"{names[0]}": "package lib.other\\n"}}'
    field = policies.schema.field("libraries")
    changed = policies.set_column(
        policies.schema.get_field_index("libraries"), field, pa.array(libraries, pa.string()).cast(field.type)
    )

    with pytest.raises(HistoryError, match="was judged with another text of"):
        sets_of(changed_tables(steady_history, policies=changed))


def test_what_history_does_not_hold_is_warned_of():
    source = "package precondition\n\nimport rego.v1\n\nallow if input.custom.budget > 0\n"
    dealt_otherwise = evaluation(0, percent=50.0, bucket=(bucket_of("default", "incident-0") + 1) % 10_000)
    history = History.from_rows([dealt_otherwise, policy(source=source), execution(0), workflow(0)])

    warnings = sets_of(history)[Level.STEP].warnings
    assert "facts.yaml" in warnings[0]
    assert "`rollout` word" in warnings[1]


def test_nothing_is_warned_of_without_need():
    history = post_history([PostRun(passes_from_s=2.0)], percent=50.0, bucket=bucket_of("default", "incident-0"))

    assert sets_of(history)[Level.STEP].warnings == ()
