from pathlib import Path

import pytest
import yaml

from kubernaut.conditions.condition_set import ChangeKind, Shipped, run_digest, shipped_set, weakening_changes
from kubernaut.conditions.configmap_texts import MAX_CONFIGMAP_BYTES, check_size, configmap_bytes
from kubernaut.conditions.configmaps import MAX_SUITE, condition_set, load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.settings_text import dump_settings, load_settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level, Phase

REGO = "package p\nimport rego.v1\nallow if input.deployment_found\n"
GUIDE = Path(__file__).parent / "data" / "workflow-conditions-configmap.yaml"
NAME = "kubernaut-workflow-conditions"


def one(type_="x", phase=Phase.PRE, action="scale_deployment", level=Level.STEP):
    return ConditionId(action, level, phase, type_)


def configmap(name=NAME, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def read(data, *, shipped=None, level=Level.STEP, **extra):
    return condition_set(configmap(**data) | extra, level=level, shipped=shipped or Shipped())


def test_all_forms_of_keys_find_their_place():
    conditions = read(
        {
            "scale_deployment.pre.x.rego": "exact",
            "x.rego": "by type",
            "y.rego": "y",
            "x@candidate.rego": "challenger by type",
            "scale_deployment.pre.x@candidate.rego": "challenger",
            "lib.mine.rego": "library",
            "settings.yaml": "actions: {scale_deployment: {pre: {x: {}, y: {}}, post: {x: {}}}}",
            "facts.yaml": "facts: {queue: {type: number, promql: 'max(queue{namespace=\"$namespace\"})'}}",
        }
    )

    assert conditions.policy(one()).source == "exact"
    assert conditions.policy(one(phase=Phase.POST)).source == "by type"
    assert conditions.policy(one("y")).source == "y"
    assert conditions.policy(one("z")) is None
    assert conditions.candidate(one()).source == "challenger"
    assert conditions.candidate(one(phase=Phase.POST)).source == "challenger by type"
    assert conditions.candidate(one("y")) is None
    assert conditions.libraries == {"lib.mine.rego": "library"}
    assert list(conditions.custom_facts.facts) == ["queue"]
    assert conditions.warnings == ()
    assert {str(key) for key in conditions.policies} == {
        "scale_deployment/step/pre/x",
        "scale_deployment/step/pre/y",
        "scale_deployment/step/post/x",
    }
    assert all(text.origin is PolicySource.CONFIGMAP for text in conditions.policies.values())


@pytest.mark.parametrize(
    "key",
    [
        "README",
        "x.txt",
        "X.rego",
        "a.b.rego",
        "a.mid.x.rego",
        "a.pre.x.y.rego",
        "lib.My.rego",
        "x@other.rego",
        "settings.yml",
        ".rego",
    ],
)
def test_other_keys_are_ignored_with_a_warning(key):
    conditions = read({"x.rego": REGO, key: "?"})

    assert len(conditions.warnings) == 1
    assert f"key {key} is ignored" in conditions.warnings[0]


def test_binary_keys_and_policies_that_nobody_names_are_warned_of():
    conditions = read(
        {
            "scale_deployment.pre.lost.rego": REGO,
            "lost@candidate.rego": REGO,
            "a.pre.b@candidate.rego": REGO,
            "x.rego": REGO,
        },
        binaryData={"logo.png": "AA=="},
    )

    assert len(conditions.warnings) == 4
    assert "binary key logo.png" in conditions.warnings[0]
    assert all("does not name" in warning for warning in conditions.warnings[1:])


def test_without_settings_the_shipped_ones_hold_and_the_configmaps_text_wins():
    shipped = shipped_defaults()
    conditions = read({"deployment_exists.rego": REGO}, shipped=shipped)

    assert conditions.settings == shipped.settings[Level.STEP]
    assert conditions.policy(one("deployment_exists")).origin is PolicySource.CONFIGMAP
    assert conditions.policy(one("current_replicas_match")).origin is PolicySource.SHIPPED
    assert set(conditions.policies) == set(conditions.suite)


def test_libraries_replace_shipped_ones_of_the_same_name():
    shipped = Shipped(libraries={"lib.a.rego": "old", "lib.b.rego": "kept"})

    assert read({"x.rego": REGO, "lib.a.rego": "new"}, shipped=shipped).libraries == {
        "lib.a.rego": "new",
        "lib.b.rego": "kept",
    }


@pytest.mark.parametrize("data", [{}, {"README": "hello"}, {"lib.a.rego": "x"}])
def test_a_configmap_without_policies_and_settings_is_refused(data):
    with pytest.raises(SettingsError, match=r"^kubernaut-workflow-conditions: no policy and no settings\.yaml in it"):
        read(data)


def test_a_condition_without_any_policy_is_refused_with_the_key_to_add():
    with pytest.raises(SettingsError) as caught:
        read({"x.rego": REGO, "settings.yaml": "actions: {scale_deployment: {pre: {x: {}, new_one: {}}}}"})

    assert "no policy for scale_deployment/step/pre/new_one" in str(caught.value)
    assert "add a key scale_deployment.pre.new_one.rego (or new_one.rego)" in str(caught.value)


def test_errors_of_settings_and_facts_name_configmap_and_line():
    with pytest.raises(SettingsError, match=r"^kubernaut-workflow-conditions/settings\.yaml:2: rollouts: "):
        read({"settings.yaml": "version: 1\nrollouts: x\n"})
    with pytest.raises(SettingsError, match=r"^kubernaut-workflow-conditions/facts\.yaml:1: "):
        read({"x.rego": REGO, "facts.yaml": "facts: {a: {}}"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Secret"}, "a Secret where a ConfigMap is expected"),
        ({"data": [1]}, "data is no mapping"),
        ({"data": {"a": 1}}, "the value of key a is no text"),
        ({"data": None}, "it is empty"),
        ({"metadata": None, "data": None}, "ConfigMap without name: "),
    ],
)
def test_what_is_no_usable_configmap_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        condition_set(configmap() | change, level=Level.STEP, shipped=Shipped())


def test_above_a_mebibyte_is_refused_and_near_it_warned_of():
    full = {"x.rego": REGO, "big.rego": "é" * ((MAX_CONFIGMAP_BYTES - len(REGO)) // 2)}
    assert MAX_CONFIGMAP_BYTES - 1 <= configmap_bytes(full) <= MAX_CONFIGMAP_BYTES
    assert any("--server-side" in warning for warning in read(full).warnings)

    with pytest.raises(SettingsError, match=r"at most 1,048,576 \(the largest key is big\.rego\)"):
        check_size(full | {"y.rego": "ab"}, name="cm")


def test_more_policies_than_anybody_oversees_are_refused():
    with pytest.raises(SettingsError, match=r"1,000 policies and libraries; at most 512 are accepted"):
        read({f"c{number}.rego": REGO for number in range(1000)})


def test_a_suite_that_no_run_could_be_judged_by_is_refused():
    types = [f"c{number}" for number in range(MAX_SUITE + 1)]
    settings = {"version": 1, "actions": {"scale_deployment": {"post": {type_: {} for type_ in types}}}}

    with pytest.raises(SettingsError, match=r"actions\.scale_deployment\.post: 65 conditions; at most 64 are accepted"):
        read({f"{type_}.rego": REGO for type_ in types} | {"settings.yaml": yaml.safe_dump(settings)})


def test_a_settings_yaml_that_would_take_seconds_to_read_is_refused():
    with pytest.raises(SettingsError, match=r"settings\.yaml: 262,155 characters; at most 262,144 are accepted"):
        read({"settings.yaml": "version: 1\n" + "#" * 256 * 1024})


def documents(*objects):
    return "---\n".join(yaml.safe_dump(item) for item in objects)


def test_both_configmaps_are_read_from_one_text():
    action = configmap("kubernaut-action-conditions", **{"y.rego": REGO})
    text = documents(configmap(**{"x.rego": REGO}), action)
    sets = load_condition_sets(text, source="f.yaml", shipped=Shipped())
    from_list = load_condition_sets(
        yaml.safe_dump({"kind": "List", "items": list(yaml.safe_load_all(text))}),
        source="f",
        shipped=Shipped(),
    )

    assert list(sets[Level.STEP].by_type) == ["x"]
    assert list(sets[Level.ACTION].by_type) == ["y"]
    assert {level: one.digest for level, one in sets.items()} == {level: one.digest for level, one in from_list.items()}


def test_a_level_without_configmap_is_the_shipped_one():
    shipped = shipped_defaults()
    sets = load_condition_sets(documents(configmap(**{"x.rego": REGO})), source="f", shipped=shipped)

    assert sets[Level.ACTION] == shipped_set(Level.ACTION, shipped)


def test_strangers_are_ignored_with_a_warning():
    text = documents(
        configmap(**{"x.rego": REGO}), configmap("other"), {"kind": "Secret", "metadata": {"name": "s"}}, {"a": 1}
    )
    sets = load_condition_sets(text, source="f.yaml", shipped=Shipped())

    assert sets[Level.STEP].warnings == (
        "f.yaml: ignored ConfigMap other, Secret s, object without kind without name; only "
        "kubernaut-workflow-conditions or kubernaut-action-conditions is read",
    )


def test_names_are_configurable():
    names = {Level.STEP: "mine", Level.ACTION: "yours"}
    sets = load_condition_sets(
        documents(configmap("mine", **{"x.rego": REGO})), source="f", shipped=Shipped(), names=names
    )

    assert list(sets[Level.STEP].by_type) == ["x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: no ConfigMap named kubernaut-workflow-conditions or kubernaut-action-conditions in it$"),
        (documents({"kind": "Pod", "metadata": {"name": "p"}}), "; it holds Pod p"),
        (documents(configmap(**{"x.rego": REGO}), configmap(**{"x.rego": REGO})), "is in it twice"),
        ("just words", "holds something that is no Kubernetes object"),
        ("a: [", "this is no YAML"),
    ],
)
def test_a_text_that_is_not_it_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        load_condition_sets(text, source="f", shipped=Shipped())


def test_the_guides_configmap_loads():
    sets = load_condition_sets(GUIDE.read_text(), source=GUIDE.name, shipped=shipped_defaults())

    step = sets[Level.STEP]
    assert sorted(step.by_type) == [
        "cluster_capacity_available",
        "deployment_exists",
        "deployment_health_check",
        "desired_replicas_running",
    ]
    assert step.warnings == ()


def test_the_digest_sees_everything_but_warnings_and_names():
    base = {"x.rego": REGO, "settings.yaml": "actions: {scale_deployment: {pre: {x: {}}}}"}
    digest = read(base).digest
    changes = [
        {"x.rego": REGO + "#"},
        {"x@candidate.rego": REGO},
        {"scale_deployment.pre.x.rego": REGO},
        {"scale_deployment.pre.x@candidate.rego": REGO},
        {"lib.a.rego": "a"},
        {"facts.yaml": "facts: {a: {type: number, promql: up}}"},
        {"settings.yaml": "enforcement: false\nactions: {scale_deployment: {pre: {x: {}}}}"},
    ]

    assert read(base | {"README": "hello"}).digest == digest
    digests = [read(base | change).digest for change in changes]
    assert len({digest, *digests}) == len(changes) + 1
    assert run_digest(read(base), read(base, level=Level.ACTION)) != run_digest(read(base), read(base))


def test_what_got_weaker_is_named():
    shipped = shipped_defaults()
    name = "deployment_exists"
    before_settings = f"actions: {{scale_deployment: {{pre: {{{name}: {{}}, current_replicas_match: {{}}, cluster_capacity_available: {{}}}}}}}}"
    after_settings = f"enforcement: false\nactions: {{scale_deployment: {{pre: {{{name}: {{}}, current_replicas_match: {{required: false}}}}}}}}"
    before = read({f"{name}.rego": REGO, "settings.yaml": before_settings}, shipped=shipped)
    after = read({"settings.yaml": after_settings}, shipped=shipped)

    changes = weakening_changes(before, after)

    assert [(change.kind, change.condition) for change in changes] == [
        (ChangeKind.ENFORCEMENT_OFF, None),
        (ChangeKind.CONDITION_REMOVED, one("cluster_capacity_available")),
        (ChangeKind.REQUIRED_OFF, one("current_replicas_match")),
        (ChangeKind.POLICY_DROPPED, one(name)),
    ]
    assert all(change.message for change in changes)
    assert weakening_changes(before, before) == ()


def test_a_flag_turned_off_in_one_environment_is_named():
    before = read({"x.rego": REGO, "settings.yaml": "actions: {a: {pre: {x: {}}}}"})
    after = read(
        {
            "x.rego": REGO,
            "settings.yaml": "actions: {a: {pre: {x: {}}}}\n"
            "environments: {production: {actions: {a: {pre: {x: {required: false}}}}}}",
        }
    )

    (change,) = weakening_changes(before, after)

    assert change.message == "required was turned off for a/step/pre/x in environment production"
    assert weakening_changes(after, before) == ()


def test_the_canonical_settings_come_back_through_a_configmap():
    shipped = shipped_defaults()
    for level in Level:
        settings = shipped.settings[level]
        assert load_settings(dump_settings(settings)) == settings
        again = read({"settings.yaml": dump_settings(settings)}, shipped=shipped, level=level)
        assert again.settings == settings
        assert again.digest == shipped_set(level, shipped).digest
