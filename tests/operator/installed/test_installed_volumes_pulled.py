"""`kubernaut history pull` from the real pods, through the API server and the kubelet, by somebody who may just that.

The image has neither shell nor tar; what stands on the replicas' volumes is what must arrive.
"""

import gzip
import json
import os
import re
import subprocess
import sys
import time

import pytest
import yaml
from helpers.command_line import kubernaut
from helpers.installed_operator import NAMESPACE
from kubernaut_operator.settings import HISTORY_READER
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.resource_import import convert_resources

from kubernaut.history.codec import row_to_line

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

PERSON = "reads-history"


@pytest.fixture(scope="module")
def run(operator, open_shop, make_namespace):
    """One run that succeeded; what other tests recorded is on the volumes beside it."""
    shop = open_shop(make_namespace("pulled"))
    shop.deploy()
    status = shop.follow(shop.scale(2))
    return shop.get("kubernetesexecution", "scale"), status


@pytest.fixture(scope="module")
def person(operator, tmp_path_factory):
    """A kubeconfig of an account without any right, and what gives it the one that it needs."""
    kubectl = operator.cluster.kubectl
    kubectl("create", "serviceaccount", PERSON, f"--namespace={NAMESPACE}")
    token = kubectl("create", "token", PERSON, f"--namespace={NAMESPACE}").strip()
    config = yaml.safe_load(operator.cluster.layout.kubeconfig.read_text(encoding="utf-8"))
    for user in config["users"]:
        user["user"] = {"token": token}
    path = tmp_path_factory.mktemp("person") / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    path.chmod(0o600)

    def give():
        account = f"--serviceaccount={NAMESPACE}:{PERSON}"
        kubectl("create", "rolebinding", PERSON, f"--role={HISTORY_READER}", account, f"--namespace={NAMESPACE}")

    yield path, give
    kubectl("delete", "rolebinding,serviceaccount", PERSON, f"--namespace={NAMESPACE}", "--ignore-not-found")


def test_history_is_pulled_by_whoever_may_and_is_what_the_volumes_hold(operator, run, person, tmp_path):
    kubeconfig, give = person
    arguments = ("history", "pull", "--to", tmp_path / "here", "--kubeconfig", kubeconfig)

    refused = kubernaut(*arguments)
    give()
    pulled = kubernaut(*arguments)
    again = kubernaut(*arguments)

    assert refused.code == 1
    assert not refused.out
    assert "you may not read the operator's history" in refused.err
    assert f"--role={HISTORY_READER}" in refused.err
    assert (pulled.code, again.code) == (0, 0), pulled.err + again.err
    assert all(pod["metadata"]["name"] in pulled.err for pod in operator.pods())
    on_volumes = {path.name: path for folder in operator.records() for path in folder.glob("*.jsonl.gz")}
    here = {path.name: path.read_bytes() for path in (tmp_path / "here").glob("*.jsonl.gz")}
    assert here.keys() == on_volumes.keys()
    assert all(on_volumes[name].read_bytes().startswith(text) for name, text in here.items())
    resource, status = run
    history = History.load(tmp_path / "here", strict=True)
    frame = history.frame("evaluations")
    frame = frame[frame.execution_uid == resource["metadata"]["uid"]]
    results = status["validationResults"]
    told = {
        one["conditionType"]: one["verdict"]
        for one in (*results["preConditionResults"], *results["postConditionResults"])
        if "verdict" in one
    }
    recorded = dict(zip(frame.type, frame.verdict, strict=True))
    assert told
    assert told.items() <= recorded.items()


LARGE_MIB = 96
"""A second and a half on two cores: long enough to be killed in between."""


@pytest.fixture
def large(operator, run):
    """A long file on the volume of a replica that recorded, in many members that nothing makes smaller."""
    folder = next(one for one in operator.records() if one.exists())
    path = folder / f"{folder.parent.name}_20260101T000000Z_00001.jsonl.gz"
    member = gzip.compress(os.urandom(1 << 20), 1)
    with path.open("wb") as file:
        file.writelines(member for _ in range(LARGE_MIB))
    path.chmod(0o644)
    yield path
    path.unlink()


def test_a_pull_that_was_killed_goes_on_behind_what_came(operator, large, tmp_path):
    kubeconfig = operator.cluster.layout.kubeconfig
    arguments = ["history", "pull", "--to", str(tmp_path / "here"), "--kubeconfig", str(kubeconfig)]
    program = "import sys; from kubernaut_simulator.cli.main import run; sys.argv[0] = 'kubernaut'; run()"
    copy = tmp_path / "here" / large.name

    with subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=subprocess.DEVNULL) as killed:
        while killed.poll() is None and not (copy.exists() and copy.stat().st_size > 4 << 20):
            time.sleep(0.02)
        killed.kill()
    came = copy.stat().st_size
    pulled = kubernaut(*arguments)

    assert 0 < came < large.stat().st_size
    assert pulled.code == 0, pulled.err
    assert copy.read_bytes() == large.read_bytes()
    (new_kib,) = re.findall(r"([\d,]+) KiB new", pulled.err)
    assert int(new_kib.replace(",", "")) << 10 < large.stat().st_size


def test_resources_tell_what_the_records_do(operator, run, tmp_path):
    resource, _ = run
    fresh = operator.cluster.kubectl(
        "get", "kubernetesexecutions", f"--namespace={resource['metadata']['namespace']}", "--output=json"
    )
    cluster = operator.cluster.kubectl("get", "namespace", "kube-system", "--output=json")
    for name, text in (("runs", fresh), ("cluster", cluster)):
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")

    made = convert_resources([tmp_path / "runs.json", tmp_path / "cluster.json"], strict=True)

    uid = resource["metadata"]["uid"]
    written = {row["record_id"]: row for row in operator.rows() if row.get("execution_uid") == uid}
    same = (
        "verdict",
        "reason",
        "started_at",
        "read_at",
        "deadline",
        "held_since",
        "policy_digest",
        "bucket",
        "required",
    )
    found = [json.loads(row_to_line(row)) for row in made.history.rows("evaluations")]
    assert found
    for row in found:
        recorded = written[row["record_id"]]
        assert {key: row.get(key) for key in same} == {key: recorded.get(key) for key in same}
    (own,) = [json.loads(row_to_line(row)) for row in made.history.rows("executions")]
    timed = ("started_at", "action_started_at", "action_ended_at", "finished_at", "result", "message", "incident_id")
    assert {key: own.get(key) for key in timed} == {key: written[own["record_id"]].get(key) for key in timed}
