"""What is installed as a whole: complete, in order, fresh, and as the options say."""

import subprocess
import sys

import pytest
import yaml
from cluster.errors import ClusterError
from kubernaut_operator.cli import app
from kubernaut_operator.manifests.install import (
    INSTALL,
    deploy_files,
    installation,
    installation_text,
    main,
    manifests_text,
    stale_files,
    write_files,
)
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions
from typer.testing import CliRunner

from kubernaut.conditions.condition_set import shipped_set
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.errors import InputError, OutputError
from kubernaut.identity import Level
from kubernaut.policy.compiling import compile_policy
from kubernaut.safety import safety_set

DEFAULT = installation(InstallOptions())


def of_kind(parts, kind):
    return [one for part in parts.values() for one in part if one["kind"] == kind]


def stateful_set(**options):
    (found,) = of_kind(installation(InstallOptions(**options)), "StatefulSet")
    return found


def pod_of(manifest):
    return manifest["spec"]["template"]["spec"]


def may(cluster, verb, resource, account, namespace):
    try:
        kind, _, sub = resource.partition("/")
        words = [kind, f"--subresource={sub}"] if sub else [kind]
        cluster.kubectl("auth", "can-i", verb, *words, f"--as={account}", f"--namespace={namespace}")
    except ClusterError:
        return False
    return True


def operator_arguments(**options):
    (container,) = pod_of(stateful_set(**options))["containers"]
    return container["args"]


def test_the_deploy_folder_is_fresh():
    assert stale_files() == [], "run `make manifests`"


def test_files_are_written_once_and_left_overs_go(tmp_path):
    folder = tmp_path / "deploy"
    made = write_files(folder)
    (folder / "left-over.yaml").write_text("a: 1")
    (folder / INSTALL).write_text("a: 1")

    assert set(made) == set(deploy_files(InstallOptions()))
    assert stale_files(folder) == ["install.yaml", "left-over.yaml"]
    assert write_files(folder) == ["install.yaml", "left-over.yaml"]
    assert stale_files(folder) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be written"):
        write_files(tmp_path / "file")


def test_the_check_names_what_is_stale(tmp_path, capsys):
    assert main(["--check"], folder=tmp_path) == 1
    assert "operator/deploy/install.yaml is stale: run `make manifests`" in capsys.readouterr().err
    assert main([], folder=tmp_path) == 0
    assert "wrote operator/deploy/install.yaml" in capsys.readouterr().out
    assert main(["--check"], folder=tmp_path) == 0


def test_what_others_need_comes_first():
    kinds = [(one["kind"], one["metadata"].get("namespace")) for part in DEFAULT.values() for one in part]
    seen = set()
    for kind, namespace in kinds:
        assert namespace is None or "Namespace" in seen
        assert not kind.endswith("Binding") or kind == "ValidatingAdmissionPolicyBinding" or "ClusterRole" in seen
        seen.add(kind)
    assert kinds[-1] == ("StatefulSet", "kubernaut-system")
    everything = list(yaml.safe_load_all(deploy_files(InstallOptions())[INSTALL]))
    assert everything == [one for part in DEFAULT.values() for one in part]
    assert len({(one["kind"], str(one["metadata"])) for one in everything}) == len(everything)


def test_every_object_says_what_it_belongs_to():
    for part in DEFAULT.values():
        for manifest in part:
            assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "kubernaut"


def test_both_namespaces_are_restricted():
    for namespace in of_kind(DEFAULT, "Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_policy_worker_has_a_door_and_nothing_else():
    pod = pod_of(stateful_set())
    (worker,) = pod["initContainers"]
    (operator,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert worker["restartPolicy"] == "Always"
    assert [mount["name"] for mount in worker["volumeMounts"]] == ["socket", "worker-tmp"]
    assert "worker-tmp" not in [mount["name"] for mount in operator["volumeMounts"]]
    assert "token" in [mount["name"] for mount in operator["volumeMounts"]]
    assert worker["command"] == ["python", "-m", "kubernaut.policy.worker"]
    for container in (worker, operator):
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_two_replicas_of_which_one_may_be_away():
    (budget,) = of_kind(DEFAULT, "PodDisruptionBudget")

    assert stateful_set()["spec"]["replicas"] == 2
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"]["matchLabels"].items() <= (
        stateful_set()["spec"]["template"]["metadata"]["labels"].items()
    )


def test_options_reach_the_operator():
    arguments = operator_arguments(
        namespace="guard",
        actions_namespace="guard-actions",
        action_image="mirror/kubectl:1",
        image_pull_policy="Never",
        prometheus_url="http://prometheus.monitoring:9090",
        custom_kinds=("pods/v1",),
        records_gib=10,
    )

    assert arguments == [
        "run",
        "--conditions-namespace=guard",
        "--lease-namespace=guard",
        "--actions-namespace=guard-actions",
        "--action-image=mirror/kubectl:1",
        "--worker-socket=/run/kubernaut/worker.sock",
        "--history-folder=/var/lib/kubernaut/history",
        "--history-mib=9216",
        "--history-port=8081",
        "--image-pull-policy=Never",
        "--prometheus-url=http://prometheus.monitoring:9090",
        "--custom-kind=pods/v1",
    ]


def test_the_operator_knows_each_flag_it_is_given():
    known = CliRunner().invoke(app, ["run", "--help"]).output

    for argument in operator_arguments(
        image_pull_policy="Never", prometheus_url="http://p:1", custom_kinds=("pods/v1",)
    ):
        assert argument.partition("=")[0] in known


def test_history_lies_on_a_volume_or_in_the_pod():
    kept, lost = stateful_set(storage_class="fast", records_gib=5), stateful_set(keep_records=False)

    (claim,) = kept["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"] == {"storage": "5Gi"}
    assert "volumeClaimTemplates" not in lost["spec"]
    assert "records" in [volume["name"] for volume in pod_of(lost)["volumes"]]


def test_network_policies_let_through_what_is_used():
    parts = installation(InstallOptions(prometheus_url="https://prometheus", api_ports=(6443,)))
    operator, actions = of_kind(parts, "NetworkPolicy")

    assert [port["port"] for port in operator["spec"]["egress"][0]["ports"]] == [53, 53, 6443, 443]
    assert [port["port"] for port in actions["spec"]["egress"][0]["ports"]] == [53, 53, 6443]
    assert "ingress" not in actions["spec"]


def test_the_config_maps_are_what_ships_in_warn_mode():
    shipped = shipped_defaults()

    sets = load_condition_sets(manifests_text(DEFAULT["conditions"][:2]), source=INSTALL, shipped=shipped)

    for level in Level:
        settings = sets[level].settings
        assert settings == shipped_set(level, shipped).settings
        assert {settings.effective(condition).rollout_percent for condition in settings.condition_ids(level)} == {0.0}
        assert not sets[level].warnings


def test_the_safety_config_map_adds_nothing_by_itself():
    (manifest,) = DEFAULT["conditions"][2:]

    found = safety_set(manifest, compile_=compile_policy)

    assert found.policies == safety_set(None, compile_=compile_policy).policies
    assert not found.warnings


def test_an_upgrade_can_leave_tuned_conditions_alone():
    assert not of_kind(installation(InstallOptions(conditions=False)), "ConfigMap")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": "Kube"}, "is none: lower-case"),
        ({"namespace": "one", "actions_namespace": "one"}, "need a namespace each"),
        ({"image_pull_policy": "Sometimes"}, "write one of Always"),
        ({"prometheus_url": "prometheus:9090"}, "is no address"),
        ({"prometheus_url": "http://prometheus:many"}, "--prometheus-url"),
        ({"custom_kinds": ("secrets/v1",)}, "never enter facts"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        installation(InstallOptions(**options))


def test_the_commands_print_what_can_be_applied():
    printed = CliRunner().invoke(app, ["manifests", "--image=registry.example.org/operator:2", "--no-keep-records"])
    bindings = CliRunner().invoke(app, ["opt-in", "shop", "pay", "--action=restart_pod"])

    assert printed.output == installation_text(
        InstallOptions(image="registry.example.org/operator:2", keep_records=False)
    )
    assert [one["metadata"]["namespace"] for one in yaml.safe_load_all(bindings.output)] == ["shop", "pay"]


def test_the_package_runs_as_a_check():
    done = subprocess.run(
        [sys.executable, "-m", "kubernaut_operator.manifests", "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.xdist_group("control-plane")
@pytest.mark.cluster
def test_the_api_server_takes_all_of_it_without_a_warning(installed):
    text = manifests_text(manifest for part in DEFAULT.values() for manifest in part)

    installed.cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=text
    )


@pytest.mark.xdist_group("control-plane")
@pytest.mark.cluster
def test_the_operator_may_look_and_not_touch(installed, namespace):
    operator = f"system:serviceaccount:kubernaut-system:{OPERATOR}"

    def can(verb, resource, where=namespace):
        return may(installed.cluster, verb, resource, operator, where)

    assert can("get", "deployments")
    assert can("update", "kubernetesexecutions/status")
    assert can("create", "jobs", "kubernaut-actions")
    for verb, resource in (
        *(("patch", "deployments"), ("patch", "deployments/scale"), ("delete", "pods"), ("create", "pods")),
        *(("get", "secrets"), ("get", "configmaps"), ("create", "jobs"), ("create", "rolebindings")),
        *(("create", "serviceaccounts/token"), ("create", "pods/exec"), ("impersonate", "users")),
    ):
        assert not can(verb, resource), f"{verb} {resource}"
    for resource in ("pods", "secrets", "pods/exec"):
        assert not can("create", resource, "kubernaut-actions"), resource


@pytest.mark.xdist_group("control-plane")
@pytest.mark.cluster
def test_each_action_may_do_its_own_where_a_namespace_opted_in(installed, namespace):
    def can(action, verb, resource, where):
        account = f"system:serviceaccount:kubernaut-actions:kubernaut-{action}"
        return may(installed.cluster, verb, resource, account, where)

    installed.opt_in(namespace, "scale_deployment")

    assert can("scale-deployment", "patch", "deployments/scale", namespace)
    assert not can("scale-deployment", "delete", "pods", namespace)
    assert not can("scale-deployment", "patch", "deployments", namespace)
    assert not can("scale-deployment", "get", "secrets", namespace)
    assert not can("scale-deployment", "patch", "deployments/scale", "kube-system")
    assert not can("restart-pod", "delete", "pods", namespace)
