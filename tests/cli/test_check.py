"""`kubernaut check` on small dumps: formats of dumps, targets, parameters, exit codes, what is said."""

import io
import json

import pytest
import yaml
from helpers.command_line import kubernaut
from helpers.kube_objects import (
    NAME,
    NAMESPACE,
    bare_pod,
    budget,
    container_status,
    deployment,
    node,
    pod,
    replica_set,
    waiting,
)
from kubernaut_simulator.cli.dumps import read_dumps

from kubernaut.facts.objects import ObjectSet

ALL = "-o", "json"


def family(replicas=3, **changed):
    return [
        deployment(replicas=replicas),
        replica_set(),
        *(pod(f"web-{n}", **changed) for n in range(replicas)),
        node("n1"),
    ]


def written(path, text):
    path.write_text(text)
    return path


def as_list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def verdicts(ran):
    rows = json.loads(ran.out)["conditions"]
    return {row["condition"].removeprefix("scale_deployment/"): (row["verdict"], row["message"]) for row in rows}


def test_one_dump_in_every_form_gives_the_same_objects(tmp_path):
    objects = family()
    split = tmp_path / "split"
    split.mkdir()
    for number, one in enumerate(objects):
        written(split / f"{number}.json", json.dumps(one))
    forms = [
        written(tmp_path / "list.json", as_list(objects)),
        written(tmp_path / "tabs.json", json.dumps({"kind": "List", "items": objects}, indent="\t")),
        written(tmp_path / "lines.json", "\n".join(map(json.dumps, objects))),
        written(tmp_path / "array.json", json.dumps(objects)),
        written(tmp_path / "list.yaml", yaml.safe_dump(json.loads(as_list(objects)))),
        written(tmp_path / "documents.yaml", "---\n" + yaml.safe_dump_all(objects)),
        written(tmp_path / "marked.json", "\ufeff" + as_list(objects)),
        split,
    ]

    sets = [ObjectSet.from_objects(read_dumps([form])) for form in forms]

    whole = [[member.fields.whole for kind in sorted(one.by_kind) for member in one.by_kind[kind]] for one in sets]

    assert all(one == whole[0] for one in whole)
    assert len(sets[0].of("Pod")) == 3


def test_the_answer_for_people(tmp_path):
    dump = written(
        tmp_path / "dump.json",
        as_list(family(1, statuses=[container_status(state=waiting("ImagePullBackOff"), ready=False)], ready=False)),
    )

    ran = kubernaut("check", "--objects", dump, "-p", "replicas=1")

    lines = ran.out.splitlines()
    assert ran.code == 2
    assert lines[0].startswith(f"scale_deployment on Deployment {NAMESPACE}/{NAME}, as of ")
    assert lines[1:3] == ["  0 of 1 pods ready", "  web-0: ImagePullBackOff"]
    assert any(
        line.split()[:4] == ["scale_deployment/step/post/desired_replicas_running", "yes", "NotYet", "0"]
        for line in lines
    )
    assert ran.err.splitlines()[-1].startswith("not passed: ")


@pytest.mark.parametrize("output", ["wide", "yaml", "csv", "html"])
def test_every_format(tmp_path, output):
    dump = written(tmp_path / "dump.json", as_list(family()))

    assert "desired_replicas_running" in kubernaut("check", "--objects", dump, "-p", "replicas=3", "-o", output).out


def test_restarts_count_from_a_dump_before_the_action(tmp_path):
    before = written(tmp_path / "before.json", as_list(family(1, statuses=[container_status(restarts=7)])))
    after = written(tmp_path / "after.json", as_list(family(1, statuses=[container_status(restarts=8)])))

    alone = kubernaut("check", "--objects", after, "-p", "replicas=1", *ALL)
    compared = kubernaut("check", "--objects", after, "--before", before, "-p", "replicas=1", *ALL)

    assert verdicts(alone)["action/post/no_crashloop_pods"][0] == "NotYet"
    assert "no --before dump" in alone.err
    assert verdicts(compared)["action/post/no_crashloop_pods"][0] == "Passed"
    assert "no --before dump" not in compared.err


def test_what_the_dump_lacks_is_no_verdict_unless_the_user_says_it_is_complete(tmp_path):
    dump = written(tmp_path / "dump.json", as_list([deployment()]))

    ran = kubernaut("check", "--objects", dump, "-p", "replicas=3", *ALL)
    complete = kubernaut(
        "check", "--objects", dump, "-p", "replicas=3", "--complete", "Pod", "--complete", "ReplicaSet", *ALL
    )

    assert "the dump has no Pods" in verdicts(ran)["action/post/no_crashloop_pods"][1]
    assert verdicts(complete)["action/post/no_crashloop_pods"] == ("NotYet", "no pods to judge, 3 wanted")


def test_the_target(tmp_path):
    other = deployment()
    other["metadata"] = {**other["metadata"], "name": "api", "uid": "other"}
    two = written(tmp_path / "two.json", as_list([deployment(), other]))
    none = written(tmp_path / "none.json", as_list([node("n1")]))

    assert kubernaut("check", "--objects", two, "-p", "replicas=1").err == (
        f"error: say which Deployment with --target NAMESPACE/NAME; in the dump: {NAMESPACE}/api, {NAMESPACE}/{NAME}\n"
    )
    assert kubernaut("check", "--objects", none, "-p", "replicas=1").err == (
        "error: no Deployment in the dump; say which one is meant with --target NAMESPACE/NAME\n"
    )
    chosen = kubernaut("check", "--objects", two, "--target", f"{NAMESPACE}/gone", "-p", "replicas=1", *ALL)
    assert verdicts(chosen)["step/pre/deployment_exists"][0] == "Failed"
    assert json.loads(chosen.out)["seen"] == ["there is no such Deployment"]


def test_a_target_that_is_not_in_the_dump_is_told_from_the_deployments_that_are(tmp_path):
    dump = written(tmp_path / "dump.json", as_list(family()))

    gone = kubernaut("check", "--objects", dump, "--target", f"{NAMESPACE}/wbe", "-p", "replicas=3")
    there = kubernaut("check", "--objects", dump, "--target", f"{NAMESPACE}/{NAME}", "-p", "replicas=3")

    assert f"warning: the dump has no Deployment {NAMESPACE}/wbe; in it: {NAMESPACE}/{NAME}\n" in gone.err
    assert "warning" not in there.err


@pytest.mark.parametrize("word", ["Pod", "pod", "pods", "PODS"])
def test_a_complete_kind_in_any_form(tmp_path, word):
    dump = written(tmp_path / "dump.json", as_list([deployment()]))

    ran = kubernaut(
        "check", "--objects", dump, "-p", "replicas=3", "--complete", word, "--complete", "replicasets", *ALL
    )

    assert verdicts(ran)["action/post/no_crashloop_pods"] == ("NotYet", "no pods to judge, 3 wanted")


@pytest.mark.parametrize(
    ("word", "hint"), [("Nodse", "did you mean Node?"), ("Zebra", "kinds are Deployment, ReplicaSet, Pod, all-pods, ")]
)
def test_a_complete_kind_that_is_not_known_is_refused(dump, word, hint):
    ran = kubernaut("check", "--objects", dump, "-p", "replicas=3", "--complete", word)

    assert ran.code == 1
    assert ran.err.startswith(f"error: --complete {word!r}: no fact rests on this kind; {hint}")


def test_kinds_for_want_of_which_nothing_is_judged_are_hinted_at(dump):
    ran = kubernaut("check", "--objects", dump, "-p", "replicas=3")

    (hint,) = [line for line in ran.err.splitlines() if line.startswith("if the dump holds all that there is")]
    assert "--complete Pod" in hint
    assert "--complete Deployment" not in hint


@pytest.mark.parametrize(("phase", "phases"), [("pre", {"pre"}), ("post", {"post"}), ("all", {"pre", "post"})])
def test_one_phase(tmp_path, phase, phases):
    dump = written(tmp_path / "dump.json", as_list(family()))

    ran = kubernaut("check", "--objects", dump, "-p", "replicas=3", "--phase", phase, *ALL)

    assert {name.split("/")[1] for name in verdicts(ran)} == phases


def test_objects_from_standard_input(monkeypatch, tmp_path):
    dump = written(tmp_path / "dump.json", as_list(family()))
    monkeypatch.setattr("sys.stdin", io.StringIO(as_list(family())))

    piped = kubernaut("check", "--objects", "-", "-p", "replicas=3", *ALL)

    assert piped.out == kubernaut("check", "--objects", dump, "-p", "replicas=3", *ALL).out
    monkeypatch.setattr("sys.stdin", io.StringIO("hello"))
    assert kubernaut("check", "--objects", "-").err.startswith("error: standard input: no Kubernetes object in it")


def test_parameters_from_a_file(tmp_path):
    dump = written(tmp_path / "dump.json", as_list(family()))
    file = written(tmp_path / "parameters.yaml", "deployment: {replicas: 3}\nexpectedReplicas: 2\n")
    wrong = written(tmp_path / "wrong.yaml", "- 3\n")

    ran = kubernaut("check", "--objects", dump, "-p", file, *ALL)

    assert verdicts(ran)["step/pre/current_replicas_match"][0] == "Failed"
    assert "parameters are a mapping" in kubernaut("check", "--objects", dump, "-p", wrong).err
    assert (
        "deployment is a mapping"
        in kubernaut(
            "check", "--objects", dump, "-p", "deployment.x=1", "-p", written(tmp_path / "w.yaml", "deployment: web\n")
        ).err
    )


def test_what_cannot_be_read_of_a_dump_is_named(tmp_path):
    dump = written(
        tmp_path / "dump.json", as_list([*family(), {"spec": {}, "metadata": {}}, {"kind": "Pod", "metadata": {}}])
    )

    ran = kubernaut("check", "--objects", dump, "-p", "replicas=3")

    assert "warning: ignored: object of no known kind with the fields metadata, spec" in ran.err
    assert "warning: Pod without a name" in ran.err


def test_many_pods_that_are_not_well_are_counted(tmp_path):
    dump = written(tmp_path / "dump.json", as_list(family(14, statuses=[container_status(ready=False)], ready=False)))

    lines = json.loads(kubernaut("check", "--objects", dump, "-p", "replicas=14", *ALL).out)["seen"]

    assert lines[0] == "0 of 14 pods ready"
    assert lines[1] == "web-0: Running, not ready"
    assert lines[11] == "and 4 more pods like these"


def test_an_empty_folder(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()

    assert kubernaut("check", "--objects", folder).err.startswith(f"error: {folder}: an empty folder; save a dump with")


def restarting(name="web-0", **changed):
    sets = replica_set(revision="2")
    sets["spec"]["replicas"] = 3
    return [deployment(), sets, pod(name, **changed), pod("web-1"), pod("web-2"), budget(), node("n1")]


def pod_verdicts(ran, action="restart_pod"):
    rows = json.loads(ran.out)["conditions"]
    return {row["condition"].removeprefix(f"{action}/"): (row["verdict"], row["message"]) for row in rows}


def test_a_pod_as_target(tmp_path):
    looping = {
        "ready": False,
        "statuses": [container_status(ready=False, restarts=7, state=waiting("CrashLoopBackOff"))],
    }
    before = written(tmp_path / "before.json", as_list(restarting(**looping)))
    after = written(tmp_path / "after.json", as_list(restarting("web-9")))
    asked = "check", "--action", "restart_pod", "--target", f"{NAMESPACE}/web-0"

    pre = kubernaut(*asked, "--objects", before, "--phase", "pre", *ALL)
    post = kubernaut(*asked, "--objects", after, "--before", before, "--phase", "post", *ALL)
    alone = kubernaut(*asked, "--objects", after)

    assert (pre.code, set(pod_verdicts(pre).values())) == (0, {("Passed", "")})
    assert json.loads(pre.out)["target"] == f"Pod {NAMESPACE}/web-0"
    assert json.loads(pre.out)["seen"] == [
        "a pod of Deployment web",
        "2 of 3 pods ready",
        "web-0: CrashLoopBackOff, 7 restarts",
    ]
    assert (post.code, set(pod_verdicts(post).values())) == (0, {("Passed", "")})
    assert json.loads(post.out)["seen"] == ["the pod is gone", "new since then: web-9: Running", "3 of 3 pods ready"]
    assert "warning" not in post.err
    assert alone.code == 2
    assert f"warning: the dump has no Pod {NAMESPACE}/web-0; in it: {NAMESPACE}/web-1" in alone.err
    assert "no --before dump: what the pod belonged to" in alone.err


def test_which_pod_is_meant(tmp_path):
    dump = written(tmp_path / "dump.json", as_list(restarting()))
    many = written(tmp_path / "many.json", as_list([pod(f"web-{n:02}") for n in range(14)]))
    none = written(tmp_path / "none.json", as_list([node("n1")]))

    def error(path):
        return kubernaut("check", "--action", "restart_pod", "--objects", path).err

    assert error(dump) == (
        f"error: say which Pod with --target NAMESPACE/NAME; in the dump: {NAMESPACE}/web-0, {NAMESPACE}/web-1, "
        f"{NAMESPACE}/web-2\n"
    )
    assert error(many).endswith(f"{NAMESPACE}/web-09 and 4 more\n")
    assert error(none) == "error: no Pod in the dump; say which one is meant with --target NAMESPACE/NAME\n"


def test_a_pod_that_nothing_controls_and_one_of_another_workload(tmp_path):
    sets = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "uid": "s-1", "labels": {}}}
    alone = written(tmp_path / "alone.json", as_list([bare_pod("one", node="n1")]))
    owned = written(tmp_path / "owned.json", as_list([pod("db-0", owner=sets), pod("db-1", owner=sets)]))

    def answer(path, target):
        return kubernaut("check", "--action", "restart_pod", "--objects", path, "--target", target, *ALL)

    assert json.loads(answer(alone, "other/one").out)["seen"] == ["a pod that nothing controls", "one: Running"]
    assert pod_verdicts(answer(alone, "other/one"))["action/pre/pod_will_be_recreated"][0] == "Failed"
    assert json.loads(answer(owned, f"{NAMESPACE}/db-0").out)["seen"] == ["a pod of StatefulSet db", "db-0: Running"]


def test_parameters_of_the_other_actions(tmp_path):
    dump = written(tmp_path / "dump.json", as_list(restarting()))

    graceful = kubernaut(
        "check", "--action", "restart_pod", "--objects", dump, "--target", f"{NAMESPACE}/web-0", "-p", "gracePeriodSeconds=400"
    )  # fmt: skip
    back = kubernaut("check", "--action", "rollback_deployment", "--objects", dump, "-p", "toRevision=7", *ALL)

    assert "gracePeriodSeconds" in graceful.err
    assert pod_verdicts(back, "rollback_deployment")["action/pre/earlier_revision_exists"] == (
        "Failed",
        "revision 7 is not kept",
    )


def test_no_such_action(tmp_path):
    dump = written(tmp_path / "dump.json", as_list(restarting()))

    assert kubernaut("check", "--action", "restart_pods", "--objects", dump).err == (
        "error: no action 'restart_pods'; did you mean restart_pod?\n"
    )
