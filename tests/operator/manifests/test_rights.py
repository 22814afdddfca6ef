"""Least privilege, read off the manifests: nothing on Secrets, no wildcard, each account what its action needs."""

import pytest
from kubernaut_operator.manifests.action_accounts import action_accounts, opt_in
from kubernaut_operator.manifests.install import installation
from kubernaut_operator.manifests.options import InstallOptions
from kubernaut_operator.manifests.people import people
from kubernaut_operator.manifests.rights import CUSTOM_FACT_RESOURCES, fact_rules, operator_rights

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.conditions.custom_facts import DEFAULT_KINDS
from kubernaut.errors import InputError
from kubernaut.facts.definitions import RIGHTS

OPTIONS = InstallOptions()
ALL = [
    manifest
    for part in installation(InstallOptions(custom_kinds=("widgets.example.org/v1", "services/v1"))).values()
    for manifest in part
]
ROLES = [one for one in ALL if one["kind"] in ("Role", "ClusterRole")]
OPERATOR_ROLES = [one for one in operator_rights(OPTIONS) if "rules" in one]


def rules_of(manifests):
    return [(one["metadata"]["name"], rule) for one in manifests for rule in one["rules"]]


def grants(manifests, resource):
    return [rule for _, rule in rules_of(manifests) if resource in rule["resources"]]


@pytest.mark.parametrize(("name", "rule"), rules_of(ROLES))
def test_no_rule_has_a_wildcard_or_touches_secrets(name, rule):
    said = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]

    assert not any("*" in word for word in said), name
    assert "secrets" not in rule["resources"]
    assert not {"escalate", "bind", "impersonate", "deletecollection"} & set(rule["verbs"])
    assert rule["resources"] != ["pods/exec"]


def test_nobody_is_bound_but_our_own_accounts():
    bindings = [one for one in ALL if one["kind"].endswith("RoleBinding")]

    assert {(one["kind"], one["subjects"][0]["name"]) for one in bindings} == {
        ("ClusterRoleBinding", "kubernaut-operator"),
        ("RoleBinding", "kubernaut-operator"),
    }


def test_the_operator_reads_what_facts_need_and_nothing_else_of_them():
    wanted = {(right.group, right.resource, verb) for right in RIGHTS.values() for verb in right.verbs}

    given = {
        (rule["apiGroups"][0], resource, verb)
        for rule in fact_rules()
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    custom = {(*resource, "get") for resource in CUSTOM_FACT_RESOURCES.values()}
    assert CUSTOM_FACT_RESOURCES.keys() == set(DEFAULT_KINDS)
    assert given == wanted | custom
    assert {verb for _, _, verb in given} <= {"get", "list", "watch"}


def test_the_operator_writes_only_what_is_its_own():
    (cluster,) = (one for one in OPERATOR_ROLES if one["kind"] == "ClusterRole")
    written = {
        resource
        for _, rule in rules_of([cluster])
        for resource in rule["resources"]
        if {"create", "update", "patch", "delete"} & set(rule["verbs"])
    }

    assert written == {
        "kubernetesexecutions",
        "kubernetesexecutions/status",
        "workflowexecutions",
        "workflowexecutions/status",
        "events",
        "subjectaccessreviews",
    }


def test_tokens_are_had_for_the_actions_accounts_by_name():
    (rule,) = grants(OPERATOR_ROLES, "serviceaccounts/token")

    assert rule["resourceNames"] == sorted(action.account for action in ACTIONS.values())


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_each_action_has_an_account_with_its_rules_and_no_more(name):
    action = ACTIONS[name]
    mine = [one for one in action_accounts(OPTIONS) if one["metadata"]["name"] == action.account]
    account, role = mine

    assert account["kind"] == "ServiceAccount"
    assert account["automountServiceAccountToken"] is False
    assert role["kind"] == "ClusterRole"
    assert role["rules"] == [dict(rule.as_manifest) for rule in action.rules]


def test_a_namespace_opts_in_action_by_action():
    (binding,) = opt_in("shop", ["scale_deployment", "scale_deployment"], OPTIONS)
    every = opt_in("shop", [], OPTIONS)

    assert binding["kind"] == "RoleBinding"
    assert binding["metadata"]["namespace"] == "shop"
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "kubernaut-scale-deployment",
    }
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "namespace": "kubernaut-actions", "name": "kubernaut-scale-deployment"}
    ]
    assert len(every) == len(ACTIONS)


@pytest.mark.parametrize(
    ("namespace", "actions", "said"),
    [("shop", ["scale_deploment"], "did you mean scale_deployment"), ("--all", [], "is none: lower-case")],
)
def test_what_cannot_be_opted_in_is_said(namespace, actions, said):
    with pytest.raises(InputError, match=said):
        opt_in(namespace, actions, OPTIONS)


def test_custom_kinds_may_be_read_and_never_secrets():
    roles = operator_rights(InstallOptions(custom_kinds=("widgets.example.org/v1", "services/v1")))

    (widgets,) = grants([one for one in roles if "rules" in one], "widgets")
    assert widgets == {"apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["get"]}
    for kind, said in (("secrets/v1", "never enter"), ("configmaps/v1", "never enter"), ("pods", "e.g. pods/v1")):
        with pytest.raises(InputError, match=said):
            operator_rights(InstallOptions(custom_kinds=(kind,)))


def test_people_get_nothing_by_edit_but_the_resources_themselves():
    aggregated = [
        one for one in people(InstallOptions()) if any("aggregate-to" in label for label in one["metadata"]["labels"])
    ]

    verbs = {verb for _, rule in rules_of(aggregated) for verb in rule["verbs"]}

    assert verbs == {"get", "list", "watch", "create", "update", "patch", "delete"}
    assert {one["metadata"]["name"] for one in people(InstallOptions())} - {
        one["metadata"]["name"] for one in aggregated
    } == {
        "kubernaut-override",
        "kubernaut-approve",
        "kubernaut-outcome",
        "kubernaut-remediate",
        "kubernaut-history-reader",
    }
