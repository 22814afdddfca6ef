import pytest

from kubernaut.actions.catalogue import ACTIONS, action_definition, checked_parameters, target_of, top_level_parameters
from kubernaut.errors import InputError, SettingsError

RAW = {"deployment": {"name": "web-app", "namespace": "production", "replicas": 5}}


def test_the_guides_nested_form_is_read():
    parameters = checked_parameters("scale_deployment", RAW)

    assert parameters.deployment.replicas == 5
    assert parameters.expected_replicas is None
    assert parameters.as_input == RAW
    assert str(parameters.target) == "Deployment production/web-app"


def test_expected_replicas_are_kept_for_policies():
    raw = RAW | {"expectedReplicas": 3}

    assert checked_parameters("scale_deployment", raw).as_input == raw


def test_the_target_is_named():
    target = target_of("scale_deployment", RAW)

    assert (target.api_version, target.kind, target.namespace, target.name) == (
        "apps/v1",
        "Deployment",
        "production",
        "web-app",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Web_App"}, "deployment.name: 'Web_App' is no name"),
        ({"name": "a" * 254}, "deployment.name: "),
        ({"name": ""}, "deployment.name: '' is no name"),
        ({"name": "web\n"}, "deployment.name: "),
        ({"namespace": "a.b"}, "deployment.namespace: 'a.b' is no namespace"),
        ({"namespace": "a" * 64}, "deployment.namespace: "),
        ({"replicas": -1}, "deployment.replicas: input should be greater than or equal to 0, not -1"),
        ({"replicas": 10_001}, "deployment.replicas: "),
        ({"replicas": "5"}, "deployment.replicas: input should be a valid integer, not '5'"),
        ({"replicas": True}, "deployment.replicas: "),
        ({"replicas": 2.5}, "deployment.replicas: "),
        ({"replica": 5}, "deployment.replica: unknown key; did you mean `replicas`?"),
    ],
)
def test_bad_parameters_are_told_with_their_path(change, message):
    raw = {"deployment": RAW["deployment"] | change}

    with pytest.raises(SettingsError) as caught:
        checked_parameters("scale_deployment", raw)

    assert message in str(caught.value)
    assert str(caught.value).startswith("scale_deployment parameters: ")


@pytest.mark.parametrize(
    "raw", [{}, {"deployment": {}}, {"deployment": None}, {"replicas": 5}, RAW | {"expected_replicas": 3}]
)
def test_missing_parts_and_the_models_own_names_are_refused(raw):
    with pytest.raises(SettingsError):
        checked_parameters("scale_deployment", raw)


def test_an_unknown_action_suggests_one():
    with pytest.raises(InputError, match="did you mean scale_deployment"):
        action_definition("scale_deploymnt")
    with pytest.raises(InputError, match="there are: restart_pod, rollback_deployment, scale_deployment"):
        action_definition("dance")


def test_every_action_says_who_it_is():
    for name, definition in ACTIONS.items():
        assert definition.name == name
        assert definition.description
        assert bool(definition.rollback) == definition.reversible


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("scale_deployment", {"expectedReplicas"}),
        ("restart_pod", {"gracePeriodSeconds"}),
        ("rollback_deployment", {"toRevision"}),
    ],
)
def test_parameters_that_stand_beside_the_target_are_named(action, names):
    assert top_level_parameters(action) == names


def test_defaults_are_part_of_what_policies_see():
    raw = {"pod": {"name": "web-a", "namespace": "shop"}}

    assert checked_parameters("restart_pod", raw).as_input == raw | {"gracePeriodSeconds": 30}
    assert str(target_of("restart_pod", raw)) == "Pod shop/web-a"


@pytest.mark.parametrize(
    "change", [{"gracePeriodSeconds": 301}, {"gracePeriodSeconds": -1}, {"gracePeriodSeconds": "1"}]
)
def test_a_grace_out_of_bounds_is_refused(change):
    with pytest.raises(SettingsError, match="gracePeriodSeconds"):
        checked_parameters("restart_pod", {"pod": {"name": "web-a", "namespace": "shop"}} | change)
