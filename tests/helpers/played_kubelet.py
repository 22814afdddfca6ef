"""Plays the kubelet where there is no node: what an action's pod would do is done, by its own account, and reported.

In the API tier a Job's pod is made and nobody runs it. This takes each such pod, performs its very command line with
the real kubectl under a token of the pod's ServiceAccount, and writes the pod's status as a kubelet would. Pods of
other namespaces can be made to run and be ready, which is all that facts look at.
"""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from cluster.boot import Cluster
from cluster.programs import program

POLL_S = 0.2

_AS = ("--as=played-kubelet", "--as-group=system:nodes", "--as-group=system:masters")
"""The actions' namespace gives tokens of its accounts to nodes; being a node by name would bind it to pods of its own."""

Ending = Callable[[Mapping[str, Any]], "tuple[int, str] | None"]
"""Gives exit code and last words of a pod in place of performing it; None performs it."""


class PlayedKubelet:
    """Runs the pods of one namespace until it is closed.

    Parameters
    ----------
    namespace : str
        Whose pods perform their command line.
    ready : sequence of str
        Namespaces whose pods are said to run and be ready.
    ending : callable or None
        Decides otherwise for single pods.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, *, ready: Sequence[str] = (), ending: Ending | None = None
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._ready = ready
        self._ending = ending
        self._closing = threading.Event()
        self._seen: set[str] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.performed: list[list[str]] = []
        self.paused = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._closing.wait(POLL_S):
            if self.paused.is_set():
                continue
            for namespace in (self._namespace, *self._ready):
                listed = self._kubectl("get", "pods", "-n", namespace, "-o", "json")
                for pod in json.loads(listed)["items"] if listed else ():
                    uid = pod["metadata"]["uid"]
                    waits = pod["status"].get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]
                    if waits and uid not in self._seen:
                        self._seen.add(uid)
                        (self._perform if namespace == self._namespace else self._be_ready)(pod)

    def _perform(self, pod: Mapping[str, Any]) -> None:
        container = pod["spec"]["containers"][0]
        began = _now()
        code, said = (self._ending and self._ending(pod)) or self._carry_out(pod, container)
        ended = {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": began,
            "finishedAt": _now(),
            "containerID": f"played://{pod['metadata']['uid']}",
            **({"message": said[-4096:]} if code else {}),
        }
        self._status(
            pod,
            {
                "phase": "Succeeded" if code == 0 else "Failed",
                "startTime": began,
                "containerStatuses": [_container(container, ready=False, state={"terminated": ended})],
            },
        )

    def _carry_out(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[int, str]:
        metadata, account = pod["metadata"], pod["spec"]["serviceAccountName"]
        token = self._kubectl("create", "token", account, "-n", metadata["namespace"]).strip()
        with tempfile.TemporaryDirectory() as folder:
            argv = [*container.get("command", ()), *container.get("args", ())]
            for name, text in _files(pod, container).items():
                place = Path(folder) / name.strip("/").replace("/", "-")
                place.write_text(text)
                argv = [word.replace(name, str(place)) for word in argv]
            config = self._config(Path(folder) / "config", token=token)
            self.performed.append(argv)
            done = subprocess.run(
                [str(program("kubectl")), *argv[1:]] if argv[:1] == ["kubectl"] else [str(program("kubectl")), *argv],
                env={**os.environ, "KUBECONFIG": str(config)},
                capture_output=True,
                text=True,
                check=False,
            )
        return done.returncode, done.stdout + done.stderr

    def _config(self, path: Path, *, token: str) -> Path:
        """Write a kubeconfig of the pod's account, and give its path."""
        config = yaml.safe_load(self._cluster.layout.kubeconfig.read_text(encoding="utf-8"))
        config["users"] = [{"name": "played", "user": {"token": token}}]
        for context in config["contexts"]:
            context["context"] |= {"user": "played", "namespace": "default"}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        path.chmod(0o600)
        return path

    def _be_ready(self, pod: Mapping[str, Any]) -> None:
        moment = _now()
        conditions = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        self._status(
            pod,
            {
                "phase": "Running",
                "startTime": moment,
                "podIP": "10.0.0.9",
                "conditions": [{"type": name, "status": "True", "lastTransitionTime": moment} for name in conditions],
                "containerStatuses": [
                    _container(one, ready=True, state={"running": {"startedAt": moment}})
                    for one in pod["spec"]["containers"]
                ],
            },
        )

    def _status(self, pod: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        self._kubectl(
            *("patch", "pod", metadata["name"], "-n", metadata["namespace"], "--subresource=status"),
            *("--type=merge", f"--patch={json.dumps({'status': status})}"),
        )

    def _kubectl(self, *arguments: str) -> str:
        """Give what kubectl prints, or nothing where it fails: pods go away under a kubelet's hands, too."""
        done = subprocess.run(
            [str(program("kubectl")), *arguments, *_AS],
            env={**os.environ, "KUBECONFIG": str(self._cluster.layout.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode == 0 else ""


def _files(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, str]:
    """Give the contents of the pod's downwardAPI files that show an annotation, by path."""
    annotations = pod["metadata"].get("annotations") or {}
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    found = {}
    for mount in container.get("volumeMounts", ()):
        for item in (volumes[mount["name"]].get("downwardAPI") or {}).get("items", ()):
            path = (item.get("fieldRef") or {}).get("fieldPath", "")
            key = path.removeprefix("metadata.annotations['").removesuffix("']")
            if key in annotations:
                found[f"{mount['mountPath']}/{item['path']}"] = str(annotations[key])
    return found


def _container(container: Mapping[str, Any], *, ready: bool, state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "played",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
