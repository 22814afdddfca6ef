from itertools import product
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.conditions.added import added_by_step, added_conditions
from kubernaut.conditions.compiled_set import compile_set, hypothesis_digest
from kubernaut.conditions.condition_set import ConditionSet, Shipped, shipped_set
from kubernaut.conditions.configmaps import condition_set, load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.pinning import PinnedSets, pinned_sets
from kubernaut.conditions.resolve import allows_inline, resolve
from kubernaut.conditions.settings import ActionSettings, PreSettings, Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import PolicyError, SettingsError
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.policy.compiling import compile_policy

DATA = Path(__file__).parent / "data"
ACTION = "scale_deployment"
REGO = "package p\nimport rego.v1\nallow if input.deployment_found\n"
OTHER = "package q\nimport rego.v1\nallow if not input.deployment_found\n"
WITH_PARAMETER = """\
# METADATA
# title: Enough pods
# custom:
#   parameters:
#     minimum:
#       default: 2
#       minimum: 1
#       maximum: 9
#       description: pods
package p
import rego.v1
allow if input.ready_pods >= input.settings.minimum
"""


def configured(settings, *, shipped=None, level=Level.STEP, **policies):
    data = {"settings.yaml": settings} | {f"{name.replace('__', '.')}.rego": text for name, text in policies.items()}
    configmap = {"kind": "ConfigMap", "metadata": {"name": "cm"}, "data": data}
    return compile_set(condition_set(configmap, level=level, shipped=shipped or Shipped()), compile_policy)


def run(conditions, *entries, namespace="team-a", environment="", phase="preConditions", level=Level.STEP):
    added = added_conditions({phase: list(entries)}, action=ACTION, level=level, place="steps[0]")
    return resolve(
        conditions, action=ACTION, namespace=namespace, environment=environment, added=added, compile_=compile_policy
    )


def test_the_shipped_suites_are_evaluated_on_every_run_and_nothing_of_them_blocks():
    for level, action in product(Level, ACTIONS):
        conditions = compile_set(shipped_set(level, shipped_defaults()), compile_policy)
        resolution = resolve(conditions, action=action, namespace="team-a", compile_=compile_policy)

        assert {one.id for one in resolution.conditions} == {
            one for one in conditions.texts.suite if one.action == action
        }
        assert len(resolution.conditions) >= 3
        assert {one.policy_source for one in resolution.conditions} == {PolicySource.SHIPPED}
        assert {one.rollout_percent for one in resolution.conditions} == {0}
        assert resolution.set_digest == conditions.texts.digest
        assert all(resolution.policy(one).digest == one.policy_digest for one in resolution.conditions)
        assert [one.id.phase for one in resolution.conditions] == sorted(
            (one.id.phase for one in resolution.conditions), reverse=True
        )
        assert all(one.description for one in resolution.conditions)


def test_a_set_compiled_for_one_action_answers_for_it_as_the_whole_set_does():
    texts = shipped_set(Level.STEP, shipped_defaults())
    whole, part = compile_set(texts, compile_policy), compile_set(texts, compile_policy, action=ACTION)

    asked = {"action": ACTION, "namespace": "team-a", "compile_": compile_policy}
    assert resolve(part, **asked) == resolve(whole, **asked)
    assert part.policies == {one: policy for one, policy in whole.policies.items() if one.action == ACTION}
    assert part.texts.digest == whole.texts.digest


@pytest.mark.parametrize("with_configmap", [True, False])
def test_the_guides_example_resolves_with_the_sets_policies(with_configmap):
    (step,) = yaml.safe_load((DATA / "scale-web-app-workflow.yaml").read_text())["spec"]["workflowDefinition"]["steps"]
    action, levels = added_by_step(step, place="steps[0]")
    texts = shipped_set(Level.STEP, shipped_defaults())
    if with_configmap:
        text = (DATA / "workflow-conditions-configmap.yaml").read_text()
        texts = load_condition_sets(text, source="cm", shipped=shipped_defaults())[Level.STEP]
    conditions = compile_set(texts, compile_policy)
    resolution = resolve(
        conditions, action=action, namespace="production", added=levels[Level.STEP], compile_=compile_policy
    )

    capacity = next(one for one in resolution.conditions if one.id.type == "cluster_capacity_available")
    inline = next(one.rego for one in levels[Level.STEP] if one.id.type == "cluster_capacity_available")
    with pytest.raises(PolicyError, match="parse_cpu"):
        compile_policy(inline, name="inline", libraries=texts.libraries)
    assert capacity.policy_source is (PolicySource.CONFIGMAP if with_configmap else PolicySource.SHIPPED)
    assert capacity.description == "Cluster must have capacity"
    assert {one.id for one in resolution.conditions} == {one for one in texts.suite if one.action == action}
    assert all(one.rollout_percent == 0 for one in resolution.conditions)
    assert sum("inline rego is not used" in note for note in resolution.notes) == 4


def test_a_custom_resource_cannot_weaken_the_suite():
    conditions = configured(f"actions: {{{ACTION}: {{pre: {{x: {{rolloutPercent: 50, timeout: 10s}}}}}}}}", x=REGO)
    entry = {"type": "x", "rego": OTHER, "required": False, "timeout": "59m"}
    resolution = run(conditions, entry)

    assert resolution.conditions == run(conditions).conditions
    assert resolution.notes == (
        "steps[0].preConditions[0]: inline rego is not used; cm/x.rego replaces it",
        "steps[0].preConditions[0]: required is true here: settings.yaml decides it",
        "steps[0].preConditions[0]: timeout is 10s here: settings.yaml decides it",
    )


def test_an_author_cannot_turn_a_warning_of_the_suite_into_a_block_either():
    conditions = configured(
        f"actions: {{{ACTION}: {{post: {{x: {{required: false, timeout: 1m, holdFor: 5s}}}}}}}}", x=REGO
    )
    resolution = run(conditions, {"type": "x", "pollInterval": "2s"}, phase="postConditions")

    assert not resolution.conditions[0].required
    assert resolution.notes == (
        "steps[0].postConditions[0]: required is false here: settings.yaml decides it",
        "steps[0].postConditions[0]: timeout is 1m here: settings.yaml decides it",
        "steps[0].postConditions[0]: pollInterval is the default here: settings.yaml decides it",
        "steps[0].postConditions[0]: holdFor is 5s here: settings.yaml decides it",
    )


def test_what_is_added_beyond_the_suite_has_the_authors_flags():
    conditions = configured(f"actions: {{{ACTION}: {{pre: {{x: {{}}}}}}}}", x=REGO)
    resolution = run(
        conditions, {"type": "mine", "rego": OTHER, "timeout": "7s"}, {"type": "soft", "rego": OTHER, "required": False}
    )

    suite, mine, soft = resolution.conditions
    assert suite.id.type == "x"
    assert (mine.policy_source, mine.required, mine.rollout_percent, mine.timeout_s) == (
        PolicySource.INLINE,
        True,
        100,
        7,
    )
    assert (soft.required, soft.rollout_percent) == (False, 0)
    assert resolution.policy(mine).package == "q"


def test_rego_may_be_left_out_where_a_configmap_has_it():
    conditions = configured("version: 1", mine=REGO)
    with_own = run(conditions, {"type": "mine", "rego": OTHER})

    (one,) = run(conditions, {"type": "mine"}).conditions
    assert (one.policy_source, one.rollout_percent) == (PolicySource.CONFIGMAP, 100)
    assert with_own.conditions == (one,)
    assert "cm/mine.rego replaces it" in with_own.notes[0]
    with pytest.raises(
        SettingsError,
        match=r"no policy for scale_deployment/step/pre/lost; add rego here, or a key scale_deployment\.pre\.lost\.rego",
    ):
        run(conditions, {"type": "lost"})


def test_inline_rego_runs_only_where_it_is_allowed():
    conditions = configured('inlinePolicies: {namespaces: ["team-*", ops]}', x=REGO)
    entry = {"type": "mine", "rego": OTHER}

    assert len(run(conditions, entry, namespace="team-b").conditions) == 1
    assert len(run(conditions, entry, namespace="ops").conditions) == 1
    with pytest.raises(
        SettingsError, match=r"may not run in namespace production \(inlinePolicies.namespaces: team-\*, ops\)"
    ):
        run(conditions, entry, namespace="production")
    assert len(run(conditions, {"type": "x", "rego": OTHER}, namespace="production").conditions) == 1
    assert not allows_inline((), "team-a")


def test_a_bad_inline_policy_is_told_with_its_place():
    conditions = configured("version: 1", x=REGO)

    with pytest.raises(PolicyError, match=r"^steps\[0\]\.preConditions\[0\]\.rego"):
        run(conditions, {"type": "mine", "rego": "package p\nimport rego.v1\nallow if nonsense("})


def test_conditions_of_another_action_or_level_are_refused():
    conditions = configured("version: 1", x=REGO)
    added = added_conditions({"preConditions": [{"type": "x"}]}, action=ACTION, level=Level.ACTION, place="p")

    with pytest.raises(SettingsError, match="does not belong to scale_deployment at the step level"):
        resolve(conditions, action=ACTION, namespace="n", added=added, compile_=compile_policy)


def test_an_environment_picks_its_percentages():
    text = f"actions: {{{ACTION}: {{pre: {{x: {{}}}}}}}}\nenvironments: {{canary: {{rolloutPercent: 5}}, staging: {{rolloutPercent: 100}}}}"
    conditions = configured(text, x=REGO)

    percents = {
        name: run(conditions, environment=name).conditions[0].rollout_percent
        for name in ("", "canary", "staging", "unknown")
    }
    assert percents == {"": 0, "canary": 5, "staging": 100, "unknown": 0}


def test_parameters_are_filled_in_and_held_to_their_bounds():
    def with_settings(numbers, rest=""):
        return configured(f"actions: {{{ACTION}: {{pre: {{x: {{settings: {numbers}}}}}}}}}\n{rest}", x=WITH_PARAMETER)

    (default,) = run(with_settings("{}")).conditions
    (own,) = run(with_settings("{minimum: 3}")).conditions
    assert (default.settings, own.settings) == ({"minimum": 2}, {"minimum": 3})
    assert default.description == "Enough pods"
    with pytest.raises(
        SettingsError, match=r"settings\.minimum: 10 is out of the bounds that cm/x\.rego declares \(1 to 9\)"
    ):
        with_settings("{minimum: 10}")
    with pytest.raises(
        SettingsError, match=r"settings\.maximum: the policy declares no such parameter; it declares minimum"
    ):
        with_settings("{maximum: 1}")
    production = (
        f"environments: {{production: {{actions: {{{ACTION}: {{pre: {{x: {{settings: {{minimum: 0}}}}}}}}}}}}}}"
    )
    with pytest.raises(SettingsError, match="x in environment production: settings"):
        with_settings("{}", production)
    with pytest.raises(SettingsError, match="it declares none"):
        configured(f"actions: {{{ACTION}: {{pre: {{x: {{settings: {{a: 1}}}}}}}}}}", x=REGO)


def test_a_parameter_without_bounds_takes_any_number():
    unbounded = WITH_PARAMETER.replace("#       minimum: 1\n", "")

    with pytest.raises(SettingsError, match=r"\(any to 9\)"):
        configured(f"actions: {{{ACTION}: {{pre: {{x: {{settings: {{minimum: 10}}}}}}}}}}", x=unbounded)
    assert configured(f"actions: {{{ACTION}: {{pre: {{x: {{settings: {{minimum: -10}}}}}}}}}}", x=unbounded)


def test_a_challenger_is_judged_beside_its_condition_and_never_enforced():
    text = f"actions: {{{ACTION}: {{pre: {{x: {{rolloutPercent: 100, timeout: 9s, settings: {{minimum: 3}}}}}}}}}}"
    conditions = configured(text, **{"x": REGO, "x@candidate": WITH_PARAMETER})

    champion, challenger = run(conditions).conditions
    assert champion.id == challenger.id
    assert (champion.candidate, champion.required, champion.rollout_percent, champion.settings) == (
        False,
        True,
        100,
        {},
    )
    assert (challenger.candidate, challenger.required, challenger.rollout_percent) == (True, False, 0)
    assert (challenger.timeout_s, challenger.settings) == (9, {"minimum": 3})
    assert champion.policy_digest != challenger.policy_digest


def test_a_custom_fact_that_nobody_defines_is_warned_of():
    facts = "facts: {queue_length: {type: number, promql: sum(queue)}}"
    rego = "package p\nimport rego.v1\nallow if input.custom.queue_lenght < input.custom.queue_length\n"
    data = {
        "settings.yaml": f"actions: {{{ACTION}: {{pre: {{x: {{}}}}}}}}",
        "facts.yaml": facts,
        "x.rego": rego,
        "odd": "",
    }
    texts = condition_set({"metadata": {"name": "cm"}, "data": data}, level=Level.STEP, shipped=Shipped())

    assert compile_set(texts, compile_policy).warnings == (
        *texts.warnings,
        "cm/x.rego: reads input.custom.queue_lenght, which facts.yaml does not define; did you mean `queue_length`?",
    )


def test_a_policy_that_does_not_compile_is_refused_when_the_set_is_loaded():
    with pytest.raises(PolicyError, match=r"^cm/x\.rego"):
        configured(f"actions: {{{ACTION}: {{pre: {{x: {{}}}}}}}}", x="package p\nallow if")


def test_a_set_built_by_hand_without_policy_is_refused():
    settings = Settings(actions={ACTION: ActionSettings(pre={"x": PreSettings()})})

    with pytest.raises(SettingsError, match="there is no policy for it"):
        compile_set(ConditionSet(level=Level.STEP, settings=settings), compile_policy)


def test_the_hypothesis_is_what_can_change_a_verdict():
    def digest(fields):
        conditions = configured(f"actions: {{{ACTION}: {{post: {{x: {{{fields}}}}}}}}}", x=WITH_PARAMETER)
        return hypothesis_digest(run(conditions).conditions[0])

    base = digest("timeout: 1m")
    assert base == digest("timeout: 60s, required: false, rolloutPercent: 50")
    assert base == digest("timeout: 1m, settings: {minimum: 2}")
    others = {
        digest("timeout: 2m"),
        digest("timeout: 1m, holdFor: 1s"),
        digest("timeout: 1m, pollInterval: 1s"),
        digest("timeout: 1m, settings: {minimum: 3}"),
    }
    assert len(others | {base}) == 5


TYPES = [condition.type for condition in shipped_defaults().settings[Level.STEP].condition_ids(Level.STEP)] + [
    "mine",
    "yours",
]
SHIPPED_SET = compile_set(shipped_set(Level.STEP, shipped_defaults()), compile_policy)
ENTRY = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "rego": st.sampled_from([REGO, OTHER])},
    optional={"required": st.booleans(), "timeout": st.sampled_from(["1s", "30s", "1h"])},
)
LISTS = st.lists(ENTRY, max_size=5, unique_by=lambda entry: entry["type"])


@given(pre=LISTS, post=LISTS)
def test_whatever_a_custom_resource_lists_the_suite_stays_as_it_is(pre, post):
    added = added_conditions({"preConditions": pre, "postConditions": post}, action=ACTION, level=Level.STEP, place="s")
    resolution = resolve(SHIPPED_SET, action=ACTION, namespace="n", added=added, compile_=compile_policy)

    def facts(one):
        return (
            one.id,
            one.policy_digest,
            one.required,
            one.rollout_percent,
            one.timeout_s,
            one.hold_for_s,
            one.poll_interval_s,
            tuple(one.settings.items()),
        )

    suite = {facts(one) for one in run(SHIPPED_SET).conditions}
    everything = {facts(one) for one in resolution.conditions}
    listed = {one.id for one in added}
    assert suite <= everything
    assert {one[0] for one in everything} == {one[0] for one in suite} | listed
    assert len(everything) == len(resolution.conditions)


def test_a_run_keeps_the_set_it_started_with():
    old = configured("version: 1", x=REGO)
    new = configured("version: 1", x=OTHER)
    action = configured("version: 1", level=Level.ACTION, y=REGO)
    before, after = PinnedSets(step=old, action=action), PinnedSets(step=new, action=action)

    assert pinned_sets(None, known={}, current=after).sets is after
    assert pinned_sets(after.digest, known={}, current=after).note == ""
    kept = pinned_sets(before.digest, known={before.digest: before}, current=after)
    assert (kept.sets, kept.note) == (before, "")
    gone = pinned_sets(before.digest, known={}, current=after)
    assert gone.sets is after
    assert "is gone" in gone.note
    assert before.level(Level.STEP) is old
    assert before.level(Level.ACTION) is action


def test_phases_can_be_taken_apart():
    resolution = run(SHIPPED_SET)

    assert {one.id.phase for one in resolution.phase(Phase.POST)} == {Phase.POST}
    assert len(resolution.phase(Phase.PRE)) + len(resolution.phase(Phase.POST)) == len(resolution.conditions)
    assert ConditionId(ACTION, Level.STEP, Phase.PRE, "deployment_exists") in {
        one.id for one in resolution.phase(Phase.PRE)
    }
