"""Policies, ConfigMaps and dumps that cannot be used: what is said, and with which code the command leaves."""

import json

import pytest
from helpers.command_line import kubernaut, kubernaut_process

HEAD = "package precondition.mine\n\nimport rego.v1\n\n"
NO_END = (
    "default allow := false\n\nallow if count([1 | some a in numbers.range(1, 3000); "
    "some b in numbers.range(1, 3000); a + b == input.current_replicas]) > 0\n"
)
MEMORY = (
    'default allow := false\n\nallow if count([[a, b, "0123456789012345678901234567890123456789"] | '
    "some a in numbers.range(1, 4000); some b in numbers.range(1, 4000); a != b]) > input.current_replicas\n"
)


def judged(dump, conditions, *more):
    ran = kubernaut("check", "--objects", dump, "-p", "replicas=5", "-f", conditions, "-o", "json", *more)
    if ran.code in (1, 3):
        return ran, None
    return ran, next(row for row in json.loads(ran.out)["conditions"] if row["condition"].endswith("/mine"))


def test_one_that_does_not_compile(tmp_path, dump, configmap):
    rego = HEAD + "allow if {\n"
    file = tmp_path / "mine.rego"
    file.write_text(rego)

    lint = kubernaut_process("policy", "lint", file)
    check, _ = judged(dump, configmap(rego))

    assert lint.code == 1
    assert f"{file}:5:10  error     `{{` is never closed  load" in lint.out
    assert lint.err == "error: 1 error and 0 warnings in 1 policy\n"
    assert check.code == 1
    assert check.err == (
        "error: kubernaut-workflow-conditions/scale_deployment.pre.mine.rego:5:10: `{` is never closed\n"
    )


def test_one_that_reads_an_unknown_fact(tmp_path, dump, configmap):
    rego = HEAD + "default allow := false\n\nallow if input.runing_pods > 0\n"
    file = tmp_path / "mine.rego"
    file.write_text(rego)

    lint = kubernaut("policy", "lint", file, "-o", "json")
    check, _ = judged(dump, configmap(rego))

    first = json.loads(lint.out)[0]
    assert lint.code == 1
    assert first["message"] == "unknown fact `runing_pods`; did you mean `running_pods`?"
    assert first["place"] == f"{file}:7:10"
    assert check.code == 1
    assert check.err == (
        "error: kubernaut-workflow-conditions/scale_deployment.pre.mine.rego:7:10: "
        "unknown fact `runing_pods`; did you mean `running_pods`?\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("body", [NO_END, MEMORY], ids=["loops", "memory"])
def test_one_that_never_ends_costs_one_verdict(dump, configmap, body):
    ran, row = judged(dump, configmap(HEAD + body))

    assert ran.code == 2
    assert (row["verdict"], row["reason"]) == ("Error", "LimitExceeded")
    assert row["message"]
    others = [
        one for one in json.loads(ran.out)["conditions"] if one["condition"].endswith("action/pre/deployment_exists")
    ]
    assert [one["verdict"] for one in others] == ["Passed"]


def test_one_that_returns_a_string(dump, configmap):
    ran, row = judged(dump, configmap(HEAD + 'allow := "yes" if input.deployment_found\n'))

    assert ran.code == 2
    assert (row["verdict"], row["reason"]) == ("Error", "NonBooleanResult")
    assert '"yes" (a string)' in row["message"]


def test_one_that_reaches_the_network(dump, configmap):
    rego = (
        HEAD + 'default allow := false\n\nallow if http.send({"method": "get", "url": "http://x"}).status_code == 200\n'
    )

    ran, _ = judged(dump, configmap(rego))

    assert ran.code == 1
    assert "the builtin `http.send` is not allowed: it reaches the network" in ran.err


def test_a_configmap_without_policies(dump, configmap):
    ran, _ = judged(dump, configmap(settings=False))

    assert ran.code == 1
    assert ran.err.startswith(
        "error: kubernaut-workflow-conditions: no policy and no settings.yaml in it (it is empty); keys that are read: "
    )


def test_a_file_without_the_configmaps(tmp_path, dump):
    file = tmp_path / "other.yaml"
    file.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n")

    ran, _ = judged(dump, file)

    assert ran.code == 1
    assert "no ConfigMap named kubernaut-workflow-conditions or kubernaut-action-conditions in it" in ran.err
    assert "it holds Secret s" in ran.err


def test_a_condition_without_a_policy(dump, configmap):
    ran, _ = judged(dump, configmap())

    assert ran.code == 1
    assert ran.err == (
        "error: kubernaut-workflow-conditions/settings.yaml: no policy for scale_deployment/step/pre/mine; add a key "
        "scale_deployment.pre.mine.rego (or mine.rego), or take the condition out\n"
    )


def test_a_timeout_of_zero(dump, configmap):
    ran, _ = judged(dump, configmap(HEAD + "allow := true\n", timeout="0s"))

    assert ran.code == 1
    assert ran.err == (
        "error: kubernaut-workflow-conditions/settings.yaml:5: actions.scale_deployment.pre.mine.timeout: "
        "0s is zero; write at least 100ms\n"
    )


def test_more_than_one_mebibyte(dump, configmap):
    ran, _ = judged(dump, configmap(HEAD + "allow := true\n" + f"# {'x' * 1000}\n" * 1100))

    assert ran.code == 1
    assert "a ConfigMap holds at most 1,048,576 (the largest key is scale_deployment.pre.mine.rego)" in ran.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no Kubernetes object in it; save a dump with kubectl get"),
        ("Name:  web\nNamespace:  shop\nEvents:  <none>\n", "no Kubernetes object in it"),
        ("NAME   READY   STATUS\nweb-1  1/1     Running\n", "no Kubernetes object in it"),
        ('{"kind": "List", "items": [', ":1:28: not JSON (Expecting value)"),
        ("kind: Pod\nmetadata: [\n", ":3: not YAML ("),
        ('{"kind": "List"}', "no Kubernetes object in it"),
    ],
)
def test_dumps_that_are_none(tmp_path, text, message):
    file = tmp_path / "dump"
    file.write_text(text)

    ran = kubernaut("check", "--objects", file)

    assert ran.code == 1
    assert ran.err.startswith(f"error: {file}")
    assert message in ran.err
    assert "save a dump with kubectl get" in ran.err


def test_a_dump_that_is_no_text(tmp_path):
    file = tmp_path / "dump"
    file.write_bytes(b"\xff\xfe{\x00")

    assert kubernaut("check", "--objects", file).err == f"error: {file}: not UTF-8 text (byte 0); save it as UTF-8\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-p", "replicas=many"],
            "scale_deployment parameters: deployment.replicas: input should be a valid integer, not 'many'",
        ),
        (["-p", "replicas=["], "--parameters replicas=[:1:2: this is no YAML: "),
        (
            ["-p", "expectedReplicas=1", "-p", "deployment.x=1", "-p", "deployment.x.y=2"],
            "--parameters deployment.x.y: ",
        ),
        (["-p", "nowhere.yaml"], "nowhere.yaml: No such file or directory; check the path"),
        (["--target", "web"], "--target 'web': write NAMESPACE/NAME, e.g. shop/web"),
        (["--action", "scale"], "no action 'scale'; there are: restart_pod, rollback_deployment, scale_deployment"),
        (["-p", "replicas=5", "--at", "now"], "--at 'now' is not an instant"),
    ],
)
def test_options_of_check(dump, arguments, message):
    ran = kubernaut("check", "--objects", dump, *arguments)

    assert ran.code == 1
    assert ran.err.startswith(f"error: {message}")
