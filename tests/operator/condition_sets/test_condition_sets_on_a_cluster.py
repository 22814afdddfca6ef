"""The three ConfigMaps on a real API server: in force within two seconds, refused with an Event, never a guess."""

import threading
import time
from random import Random

import pytest
import structlog
import yaml
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS
from kubernaut_operator.condition_sets.names import CONFIG_MAPS, ConfigMapNames, Part
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.condition_sets.wiring import keep_up_to_date
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import EVENTS
from prometheus_client import CollectorRegistry

from kubernaut.errors import ApiError, EvaluatorError
from kubernaut.identity import ConditionId, Level, Phase

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

EXISTS = ConditionId("scale_deployment", Level.ACTION, Phase.PRE, "deployment_exists")
GOOD = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found\n"
TYPO = GOOD.replace("deployment_found", "deployment_fuond")
FREEZE = "package safety.freeze\n\nimport rego.v1\n\nallow if not input.parameters.frozen\n"
IN_FORCE_S = 2.0


@pytest.fixture(autouse=True)
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def api(cluster):
    return connect(str(cluster.layout.kubeconfig))


@pytest.fixture(scope="module")
def compiler():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS)
    yield compiler
    compiler.close()


class States:
    """Keeps what the metrics would be told."""

    def __init__(self):
        self.seen = []

    def loaded(self, state):
        self.seen.append(state)


@pytest.fixture
def states():
    return States()


@pytest.fixture
def make(api, namespace, compiler, states):
    """Make sets that a watch keeps up to date, as the manager does."""
    running = []

    def make(*, events=True, watched=True, relist_s=600.0, reader=api):
        recorder = EventRecorder(api, controller="kubernaut.io/operator", instance="a") if events else None
        names = ConfigMapNames(namespace=namespace)
        sets = ConditionSets(reader, compile_=compiler, names=names, events=recorder, observer=states)
        if watched:
            controller, watcher = keep_up_to_date(
                reader, sets, metrics=KernelMetrics(CollectorRegistry()), random=Random(1), relist_s=relist_s
            )
            controller.start()
            watcher.start()
            running.append((controller, watcher))
            wait_for(lambda: watcher.synced)
        return sets

    yield make
    for controller, watcher in running:
        watcher.end()
        controller.end(limit_s=5)


def wait_for(what, *, limit_s=20.0):
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < limit_s, "not in time"
        time.sleep(0.02)
    return time.monotonic() - began


def config_map(part, **data):
    data = {key.replace("__", "."): text for key, text in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ConfigMapNames().key(part).name},
        "data": data,
    }


def change(api, namespace, part, **data):
    """Put other texts into a ConfigMap."""
    found = api.get(CONFIG_MAPS, ConfigMapNames().key(part).name, namespace)
    return api.replace(CONFIG_MAPS, found | {"data": config_map(part, **data)["data"]})


def source(sets):
    return sets.current().action.policies[EXISTS].source


def events_about(api, namespace, part):
    found, _ = api.list_all(EVENTS, namespace)
    name = ConfigMapNames().key(part).name
    found = [event for event in found if event["regarding"]["name"] == name]
    return [(event["reason"], event["type"], event["note"]) for event in sorted(found, key=lambda e: e["eventTime"])]


def settings(**conditions):
    return yaml.safe_dump({"version": 1, "actions": {"scale_deployment": {"pre": conditions}}})


def test_without_configmaps_the_shipped_ones_hold_and_are_said_once(make, states, logged):
    sets = make()

    current = sets.current()
    sets.safety()
    sets.choice(None)

    assert EXISTS in current.action.policies
    assert sets.safety().unusable == ""
    assert {(state.part, state.accepted) for state in states.seen} == {(part, True) for part in Part}
    said = [entry for entry in logged if entry["event"].startswith("no such ConfigMap")]
    assert len(said) == len(Part)


def test_a_change_is_in_force_within_two_seconds(api, namespace, make):
    sets = make()
    shipped = sets.current()

    api.create(CONFIG_MAPS, config_map(Part.ACTION, deployment_exists__rego=GOOD), namespace)
    took_s = [wait_for(lambda: source(sets) == GOOD)]
    first = sets.current()
    other = GOOD + "\n# another text\n"
    change(api, namespace, Part.ACTION, deployment_exists__rego=other)
    took_s.append(wait_for(lambda: source(sets) == other))
    api.delete(CONFIG_MAPS, ConfigMapNames().action, namespace)
    took_s.append(wait_for(lambda: source(sets) not in (GOOD, other)))

    # A machine with other work may take longer now and then.
    assert sorted(took_s)[1] < IN_FORCE_S, took_s
    assert sets.current().digest == shipped.digest
    # Runs that were pinned meanwhile keep theirs.
    assert sets.known(first.digest) is first
    assert sets.choice(first.digest).sets is first
    assert sets.choice("0" * 64).note.startswith("the condition set 000000000000 that this run started with is gone")


def test_a_bad_one_changes_nothing_and_says_where_it_is_wrong(api, namespace, make, states, logged):
    sets = make()
    made = api.create(CONFIG_MAPS, config_map(Part.ACTION, deployment_exists__rego=GOOD), namespace)
    wait_for(lambda: source(sets) == GOOD)

    bad = change(api, namespace, Part.ACTION, deployment_exists__rego=TYPO)
    wait_for(lambda: not states.seen[-1].accepted)

    assert source(sets) == GOOD
    version, last_good = bad["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]
    wait_for(lambda: events_about(api, namespace, Part.ACTION))
    assert events_about(api, namespace, Part.ACTION) == [
        (
            "ConfigMapRefused",
            "Warning",
            "kubernaut-action-conditions/deployment_exists.rego:5:10: unknown fact `deployment_fuond`; did you mean "
            f"`deployment_found`?; in force instead: the ConfigMap of resourceVersion {last_good} "
            f"(this is resourceVersion {version})",
        )
    ]
    (entry,) = [one for one in logged if one["event"] == "ConfigMap refused"]
    assert ":5:10: unknown fact" in entry["reason"]
    assert states.seen[-1].digest == sets.current().action.texts.digest

    change(api, namespace, Part.ACTION, deployment_exists__rego=TYPO)
    mended = change(api, namespace, Part.ACTION, deployment_exists__rego=GOOD + "\n")
    wait_for(lambda: source(sets) == GOOD + "\n")
    wait_for(lambda: len(events_about(api, namespace, Part.ACTION)) > 1)
    version = mended["metadata"]["resourceVersion"]
    assert events_about(api, namespace, Part.ACTION)[-1] == (
        "ConfigMapAccepted",
        "Normal",
        f"it can be used and is in force (this is resourceVersion {version})",
    )


def test_a_weaker_guard_is_named_each_time(api, namespace, make, states):
    strict = {"settings__yaml": settings(deployment_exists={"required": True}, node_selector_matches={})}
    weak = {"settings__yaml": settings(deployment_exists={"required": False})}
    sets = make()
    sets.current()
    api.create(CONFIG_MAPS, config_map(Part.ACTION, deployment_exists__rego=GOOD, **strict), namespace)
    wait_for(lambda: source(sets) == GOOD)
    known = len(events_about(api, namespace, Part.ACTION))

    for _ in range(2):
        loads = len(states.seen)
        change(api, namespace, Part.ACTION, **weak)
        wait_for(lambda loads=loads: len(states.seen) > loads)
        change(api, namespace, Part.ACTION, deployment_exists__rego=GOOD, **strict)
        wait_for(lambda loads=loads: len(states.seen) > loads + 1)

    wait_for(lambda: len(events_about(api, namespace, Part.ACTION)) >= known + 6)
    said = [(reason, note.partition(" (this is")[0]) for reason, _, note in events_about(api, namespace, Part.ACTION)]
    once = {
        ("RequiredOff", "required was turned off for scale_deployment/action/pre/deployment_exists"),
        (
            "ConditionRemoved",
            "scale_deployment/action/pre/node_selector_matches is no longer evaluated on every run: settings.yaml does "
            "not name it any more",
        ),
        (
            "PolicyDropped",
            "the ConfigMap's policy of scale_deployment/action/pre/deployment_exists was dropped; the shipped one is "
            "used now",
        ),
    }
    assert {one: said[known:].count(one) for one in once} == dict.fromkeys(once, 2)


def test_safety_additions_that_break_stay_in_force_and_deny_all_after_a_restart(api, namespace, make, states):
    sets = make()
    api.create(CONFIG_MAPS, config_map(Part.SAFETY, freeze__rego=FREEZE), namespace)
    wait_for(lambda: "freeze" in {one.key for one in sets.safety().policies})
    change(api, namespace, Part.SAFETY, freeze__rego=FREEZE.replace("allow if", "allow when"))
    wait_for(lambda: not states.seen[-1].accepted)
    assert "freeze" in {one.key for one in sets.safety().policies}
    assert sets.safety().unusable == ""

    restarted = make()

    assert "every action is denied until its ConfigMap is mended: kubernaut-safety-policies/freeze.rego:5" in (
        restarted.safety().unusable
    )
    assert restarted.current().digest == sets.current().digest
    assert events_about(api, namespace, Part.SAFETY)[-1][2].count("in force instead: a denial of every action") == 1
    change(api, namespace, Part.SAFETY, freeze__rego=FREEZE)
    wait_for(lambda: restarted.safety().unusable == "")


def test_a_change_that_the_watch_did_not_tell_is_found_by_the_next_list(api, namespace, make):
    class Deaf:
        """An API whose watches never say anything."""

        def __getattr__(self, name):
            return getattr(api, name)

        def watch(self, *_, **__):
            time.sleep(0.1)
            return iter(())

    sets = make(reader=Deaf(), relist_s=1.0)
    sets.current()

    api.create(CONFIG_MAPS, config_map(Part.ACTION, deployment_exists__rego=GOOD), namespace)

    assert wait_for(lambda: source(sets) == GOOD) < 5.0


def test_nothing_is_guessed_while_the_api_server_or_the_worker_is_away(api, namespace, compiler, cluster, tmp_path):
    names = ConfigMapNames(namespace=namespace)
    config = yaml.safe_load(cluster.layout.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(yaml.safe_dump(config))
    without_server = ConditionSets(connect(str(nowhere)), compile_=compiler, names=names)
    away = PolicyCompiler(limits=OPERATOR_LIMITS, socket_path="/nowhere/policy.sock")
    without_worker = ConditionSets(api, compile_=away, names=names)

    for _ in range(2):
        with pytest.raises(ApiError):
            without_server.current()
        with pytest.raises(EvaluatorError):
            without_worker.safety()

    assert (without_server.states(), without_worker.states()) == ((), ())


def test_other_configmaps_of_the_namespace_wake_nobody(api, namespace, make, states):
    sets = make()
    sets.current()
    loads = len(states.seen)

    api.create(CONFIG_MAPS, {**config_map(Part.STEP), "metadata": {"name": "something-else"}}, namespace)
    sets.reconcile(ConfigMapNames(namespace=namespace).key(Part.STEP))

    assert len(states.seen) == loads


def test_many_threads_ask_while_it_changes(api, namespace, make):
    sets = make()
    api.create(CONFIG_MAPS, config_map(Part.ACTION, deployment_exists__rego=GOOD), namespace)
    failed = []
    ending = threading.Event()

    def ask():
        while not ending.is_set():
            current = sets.current()
            if sets.known(current.digest) is None:
                failed.append(current.digest)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        text = f"{GOOD}\n# {number}\n"
        change(api, namespace, Part.ACTION, deployment_exists__rego=text)
        wait_for(lambda text=text: source(sets) == text)
    ending.set()
    for thread in threads:
        thread.join()

    assert failed == []


def test_a_thousand_policies_are_refused_and_the_operator_lives_on(api, namespace, make, states):
    sets = make()
    sets.current()
    data = {f"c{number}__rego": "package precondition.x\nimport rego.v1\nallow if true\n" for number in range(1000)}

    api.create(CONFIG_MAPS, config_map(Part.ACTION, **data), namespace)
    wait_for(lambda: not states.seen[-1].accepted)

    assert "1,000 policies and libraries; at most 512 are accepted" in states.seen[-1].reason
    change(api, namespace, Part.ACTION, deployment_exists__rego=GOOD)
    wait_for(lambda: source(sets) == GOOD)
