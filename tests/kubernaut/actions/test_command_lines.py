"""Command lines: no shell, nothing of the body, and no name that is more than a name."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.actions.change import Change, Verb
from kubernaut.actions.command_line import CHANGE_FILE, command_line
from kubernaut.errors import InputError, SettingsError

HOSTILE = (
    "--all",
    "-n=kube-system",
    "--kubeconfig=/etc/passwd",
    "web --all",
    "web;reboot",
    "$(reboot)",
    "`reboot`",
    "web\n--all",
    "web\x00",
    "../../secrets/x",
    "web/../../namespaces/kube-system/secrets/x",
    "web?dryRun=All",
    "web%2f..",
    "web,db",
    "*",
    "@/etc/passwd",
    "{{.Name}}",
    "WEB",
    "web.",
    "ｗeb",
    "",
)


def change(**parts):
    whole = {"verb": Verb.PATCH, "group": "apps", "version": "v1", "resource": "deployments", "namespace": "shop"}
    return Change(**(whole | {"name": "web", "body": [{"op": "test", "path": "/a", "value": "--all"}]} | parts))


def test_a_patch_is_one_request_of_kubectl():
    assert command_line(change(subresource="scale")) == (
        "kubectl",
        "patch",
        "--namespace=shop",
        "--subresource=scale",
        "--type=json",
        f"--patch-file={CHANGE_FILE}",
        "--field-manager=kubernaut",
        "--",
        "deployments.v1.apps/web",
    )


def test_a_delete_names_its_path_and_the_file_of_its_preconditions():
    argv = command_line(change(verb=Verb.DELETE, group="", resource="pods", body={}), body_file="/tmp/x")

    assert argv == (
        "kubectl",
        "delete",
        "--raw=/api/v1/namespaces/shop/pods/web",
        "--filename=/tmp/x",
    )


def test_an_object_of_the_whole_cluster_has_no_namespace():
    assert "nodes/web" in command_line(change(group="", resource="nodes", namespace=""))
    assert change(group="", resource="nodes", namespace="").path == "/api/v1/nodes/web"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_refused_before_anything_is_read(text):
    for action, kind, more in (
        ("scale_deployment", "deployment", {"replicas": 1}),
        ("restart_pod", "pod", {}),
        ("rollback_deployment", "deployment", {}),
    ):
        with pytest.raises(SettingsError):
            checked_parameters(action, {kind: {"name": text, "namespace": "shop"} | more})
        with pytest.raises(SettingsError):
            checked_parameters(action, {kind: {"name": "web", "namespace": text} | more})


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
@pytest.mark.parametrize("part", ["group", "version", "resource", "namespace", "name", "subresource"])
def test_a_change_takes_no_hostile_part_either(part, text):
    with pytest.raises(InputError, match="can exist"):
        change(**{part: text})


@given(
    part=st.sampled_from(["group", "namespace", "name", "subresource", "resource", "version"]),
    text=st.text(alphabet=string.printable + "äλ\u202e\x7f", max_size=20),
    verb=st.sampled_from(Verb),
)
def test_whatever_is_taken_can_only_be_a_name(part, text, verb):
    try:
        made = change(**{part: text, "verb": verb})
    except InputError:
        return
    plain = set(string.ascii_lowercase + string.digits + "-./=:_")
    for argument in command_line(made)[2:]:
        assert set(argument) <= plain
    expected = len(command_line(change(verb=verb, **({"subresource": "scale"} if made.subresource else {}))))
    assert len(command_line(made)) == expected - (not made.namespace and verb is Verb.PATCH)
    assert ".." not in made.path
    assert made.path.count("/") == 3 + bool(made.group) + 2 * bool(made.namespace) + bool(made.subresource) + 1


@given(value=st.text(max_size=50))
def test_nothing_of_the_body_is_ever_an_argument(value):
    assert command_line(change(body=[{"op": "add", "path": "/x", "value": value}])) == command_line(change())


@pytest.mark.parametrize("verb", Verb)
def test_nothing_of_the_connection_is_among_the_flags(verb):
    # With any of them kubectl takes itself for configured, and never looks for the account of its pod.
    connection = {
        "--server",
        "--token",
        "--kubeconfig",
        "--context",
        "--cluster",
        "--user",
        "--as",
        "--request-timeout",
    }
    flags = {argument.partition("=")[0] for argument in command_line(change(verb=verb, subresource="scale"))}

    assert not flags & connection
