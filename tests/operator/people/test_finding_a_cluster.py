"""Which cluster and namespace a person's flags mean, and what is said where they lead nowhere."""

import pytest
import yaml
from helpers.people_commands import people
from kubernaut_operator.people import reaching
from kubernaut_operator.people.reaching import asking, reach

from kubernaut.errors import ConflictError, ForbiddenError, InputError


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    """A kubeconfig of two contexts, which KUBECONFIG names; no server stands behind it."""
    contexts = [
        {"name": "first", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
        {"name": "second", "context": {"cluster": "c", "user": "u"}},
    ]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "first",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": contexts,
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def found(**flags):
    place = reach(**({"kubeconfig": None, "context": None, "namespace": None} | flags))
    place.api.close()
    return place.namespace, place.flags


def test_the_namespace_is_the_flags_or_the_contexts_or_default(kubeconfig):
    assert found() == ("shop", "")
    assert found(context="second") == ("default", " --context=second")
    assert found(namespace="mine") == ("mine", " --namespace=mine")
    assert found(everywhere=True) == ("", "")
    assert found(kubeconfig=str(kubeconfig)) == ("shop", f" --kubeconfig={kubeconfig}")
    assert found(as_user="it's me", as_groups=["a", "b"])[1] == """ --as='it'"'"'s me' --as-group=a --as-group=b"""


def test_what_leads_nowhere_is_said(kubeconfig, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="nowhere"):
        found(context="nowhere")
    with pytest.raises(InputError, match="no such file"):
        found(kubeconfig=str(tmp_path / "none"))
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match="set KUBECONFIG, or give --kubeconfig"):
        found()


def test_in_a_pod_the_pods_account_is_what_is_left(tmp_path, monkeypatch):
    (tmp_path / "namespace").write_text("ops", encoding="utf-8")
    monkeypatch.setattr(reaching, "_OF_THE_POD", tmp_path / "namespace")
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(InputError, match="needs a kubeconfig"):
        found(context="first")
    assert reaching._source(None) is None
    assert reaching._namespace_of_pod() == "ops"


@pytest.mark.parametrize("error", [ForbiddenError, ConflictError])
def test_a_refusal_is_told_in_the_servers_words(error):
    with pytest.raises(InputError, match="the API server refused: you may not"), asking():
        raise error("GET /x: 403", status=403, reason="Forbidden", said="you may\x1b not")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get", "one", "-A"), "a run is named in one namespace"),
        (("get", "-A", "-n", "shop"), "exclude each other"),
        (("get", "-w", "-o", "json"), "--watch shows trees"),
        (("why", "one", "-o", "name"), "has no meaning here"),
        (("override", "one"), "say why"),
        (("override", "one", "--remove", "--reason=x"), "--remove takes the whole override back"),
        (("override", "one", "--reason=x", "--for=25h"), "at most 24h"),
        (("get", "pod/one"), "wfx/NAME"),
        (("get", "--as-group=ops"), "--as-group needs --as"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(kubeconfig, arguments, said):
    ran = people(*arguments)

    assert (ran.code, said in ran.err) == (1, True), ran.err


def test_a_server_that_is_not_there_is_no_fault_of_the_input(kubeconfig):
    ran = people("get")

    assert (ran.code, "no answer" in ran.err) == (3, True), ran.err
