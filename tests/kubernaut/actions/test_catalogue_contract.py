"""What holds for every action of the catalogue, those still to come included."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import kubernaut.actions
from kubernaut.actions.catalogue import ACTIONS, checked_parameters
from kubernaut.actions.definition import ActionDefinition, PolicyRule
from kubernaut.actions.page import markdown
from kubernaut.conditions.settings_text import load_settings
from kubernaut.facts.definitions import RIGHTS
from kubernaut.identity import Level, Phase
from kubernaut.kubernetes_names import is_namespace
from kubernaut.shipped import shipped_settings

FORBIDDEN_RESOURCES = {"secrets", "configmaps", "serviceaccounts", "roles", "rolebindings", "pods/exec", "pods/attach"}


def test_each_folder_is_one_action_and_each_action_one_folder():
    folders = {one.name for one in pkgutil.iter_modules(kubernaut.actions.__path__) if one.ispkg}

    assert folders == set(ACTIONS)
    for name in folders:
        assert importlib.import_module(f"kubernaut.actions.{name}").DEFINITION is ACTIONS[name]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_an_action_asks_for_few_rights_and_no_wildcard(action: ActionDefinition):
    for rule in action.rules:
        assert "*" not in (rule.group, rule.resource, *rule.verbs)
        assert rule.resource not in FORBIDDEN_RESOURCES
        assert not set(rule.verbs) & {"create", "escalate", "bind", "impersonate", "deletecollection"}
    assert action.rules


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_an_action_says_everything_of_itself(action: ActionDefinition):
    assert action.description.endswith(".")
    assert action.compares
    assert bool(action.rollback) == action.reversible
    assert is_namespace(action.account)
    assert action.account == f"kubernaut-{action.name.replace('_', '-')}"
    assert 10 <= action.timeout_s <= 3600
    assert checked_parameters(action.name, action.example).as_input == action.example


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_what_an_action_reads_is_known_to_whoever_reads_it(action: ActionDefinition):
    target = checked_parameters(action.name, action.example).target

    assert {target.kind, *action.related} <= RIGHTS.keys()


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_ships_with_conditions_before_and_after_it(action: str):
    phases = {condition.phase for level in Level for condition in settings(level) if condition.action == action}

    assert phases == set(Phase)


def settings(level: Level):
    return load_settings(shipped_settings(level)).condition_ids(level)


def test_a_rule_is_written_as_a_role_holds_it():
    rule = PolicyRule(group="apps", resource="deployments/scale", verbs=("get", "patch"))

    assert rule.as_manifest == {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "patch"]}


def test_the_page_tells_of_every_action():
    page = markdown()

    for action in ACTIONS.values():
        assert f"## {action.name}\n" in page
        assert f"`{action.account}`" in page
        assert action.compares in page


def test_the_engine_asks_nothing_of_the_outside_here():
    sources = Path(kubernaut.actions.__file__).parent.rglob("*.py")

    assert not [path for path in sources if "import subprocess" in path.read_text() or "import os" in path.read_text()]
