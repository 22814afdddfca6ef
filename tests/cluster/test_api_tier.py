"""The control plane is a real one: versions, validation, controllers."""

import json

import pytest

from .errors import ClusterError
from .programs import KUBERNETES_VERSION

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_it_is_the_pinned_kubernetes(cluster):
    versions = json.loads(cluster.kubectl("version", "-o", "json"))

    assert f"v{KUBERNETES_VERSION}" == versions["serverVersion"]["gitVersion"]


def test_controllers_work(cluster, namespace):
    cluster.kubectl("create", "deployment", "web", "-n", namespace, "--image=localhost/none:1", "--replicas=0")

    cluster.kubectl(
        "wait", "-n", namespace, "deployment/web", "--for=jsonpath={.status.observedGeneration}=1", "--timeout=20s"
    )


def test_the_api_server_validates(cluster, namespace):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Not-A-Name"}, "spec": {"containers": []}}

    with pytest.raises(ClusterError, match="Invalid value"):
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))


def test_rights_are_checked(cluster, namespace):
    answer = cluster.kubectl(
        "create",
        "-f",
        "-",
        "-o",
        "json",
        stdin=json.dumps(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": f"system:serviceaccount:{namespace}:default",
                    "resourceAttributes": {
                        "namespace": namespace,
                        "verb": "patch",
                        "group": "apps",
                        "resource": "deployments",
                        "subresource": "scale",
                    },
                },
            }
        ),
    )

    assert not json.loads(answer)["status"]["allowed"]
