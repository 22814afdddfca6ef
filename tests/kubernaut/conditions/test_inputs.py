from kubernaut.conditions.inputs import CustomValues, RunContext, policy_input
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.identity import ConditionId, Level, Phase

CONDITION = ConditionId("scale_deployment", Level.ACTION, Phase.POST, "no_crashloop_pods")
CONTEXT = RunContext(step=2, incident="incident-1")
MISSING = Unobserved(UnobservedReason.FORBIDDEN, "pods.metrics.k8s.io: forbidden")


def completed(snapshot, *, custom=None):
    return policy_input(
        snapshot,
        condition=CONDITION,
        context=CONTEXT,
        parameters={"deployment": {"replicas": 5}},
        settings={"tolerated": 1.0},
        custom=custom,
    )


def test_facts_lie_flat_and_everything_else_has_its_key():
    result = completed(Snapshot(facts={"ready_pods": 3}), custom=CustomValues(values={"queue": 7}, unobserved={}))

    assert result.facts == {
        "ready_pods": 3,
        "parameters": {"deployment": {"replicas": 5}},
        "settings": {"tolerated": 1.0},
        "custom": {"queue": 7},
        "context": {
            "action": "scale_deployment",
            "step": 2,
            "level": "action",
            "phase": "post",
            "incident": "incident-1",
        },
    }
    assert result.recorded is None


def test_what_could_not_be_observed_stays_known_custom_facts_included():
    custom = CustomValues(values={"there": None}, unobserved={"queue": MISSING})
    result = completed(Snapshot(facts={}, unobserved={"pods[0].cpu_usage": MISSING}), custom=custom)

    assert result.first_unobserved([("custom", "queue")]) == ("custom.queue", MISSING)
    assert result.first_unobserved([("custom", "there")]) is None
    assert result.first_unobserved([("pods", "*", "cpu_usage")]) == ("pods[0].cpu_usage", MISSING)


def test_a_record_gets_new_settings_and_keeps_what_it_did_not_record():
    record = Snapshot(facts={"ready_pods": 3, "settings": {"tolerated": 9}}, recorded=(("ready_pods",),))
    result = completed(record)

    assert result.facts["settings"] == {"tolerated": 1.0}
    assert result.first_not_recorded([("settings", "tolerated"), ("context", "step"), ("ready_pods",)]) is None
    assert result.first_not_recorded([("total_pods",)]) == ("total_pods",)
    assert result.first_not_recorded([("custom", "queue")]) == ("custom", "queue")


def test_a_records_custom_facts_are_kept_unless_new_ones_come():
    record = Snapshot(facts={"custom": {"queue": 1}}, recorded=(("custom", "queue"),))

    assert completed(record).facts["custom"] == {"queue": 1}
    assert (
        completed(record, custom=CustomValues(values={"other": 2}, unobserved={})).first_not_recorded(
            [("custom", "other")]
        )
        is None
    )


def test_the_snapshot_itself_is_left_alone():
    snapshot = Snapshot(facts={"ready_pods": 3})
    completed(snapshot)

    assert snapshot.facts == {"ready_pods": 3}
