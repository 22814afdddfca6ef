from pathlib import Path

import pytest
import yaml
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.conditions import world_sets
from kubernaut_simulator.worlds.fleet import make_fleet
from kubernaut_simulator.worlds.scenario import Scenario, load_scenario, shipped_scenarios
from kubernaut_simulator.worlds.streams import Stream
from kubernaut_simulator.worlds.traffic import incidents

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Level


def test_the_shipped_scenarios():
    assert shipped_scenarios() == (
        "bad-policy",
        "capacity-crunch",
        "drift",
        "flapping",
        "late-labels",
        "metrics-away",
        "rare-incidents",
        "steady",
    )


def test_each_is_named_as_its_file_and_says_what_it_is():
    for name in shipped_scenarios():
        scenario = load_scenario(name)

        assert scenario.name == name
        assert scenario.summary.endswith(".")


def test_durations_are_read_in_gos_form():
    assert load_scenario("capacity-crunch").room.relief.median == 90
    assert load_scenario("late-labels").labels.sources["person"].delay.median == 40 * 3600


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roam": {}}, "own.yaml:3: roam: unknown key; did you mean `room`?"),
        (
            {"room": {"short": 1.5}},
            "own.yaml:4: room.short: input should be less than or equal to 1, not 1.5",
        ),
        ({"room": {"relief": {"median": "40d"}}}, "'40d' is not a duration"),
        ({"room": {"relief": {"family": "normal"}}}, "input should be 'lognormal', 'log-logistic' or 'weibull'"),
        ({"causes": {"load_spike": 0}}, "own.yaml:3: causes: no weight is above zero"),
        ({"causes": {"gremlins": 1}}, "gremlins"),
        ({"additional": [4, 2]}, "additional: the least is above the most"),
        ({"changes": [{"after_days": 3, "set": {"room.shrt": 1}}]}, "changes: no field `room.shrt`"),
        ({"changes": [{"after_days": 3, "set": {"room.short": 7}}]}, "less than or equal to 1"),
        ({"changes": [{"after_days": 3, "set": {"teams": []}}]}, "`teams` is the same throughout a world"),
        ({"policies": {"a/step/pre/b": "nowhere.rego"}}, "no file nowhere.rego for a/step/pre/b"),
        ({"summary": None}, "summary: input should be a valid string"),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_field(tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    file = Path("own.yaml")
    file.write_text(yaml.safe_dump({"name": "own", "summary": "Own.", **change}, sort_keys=False))

    with pytest.raises(InputError) as caught:
        load_scenario(file)
    assert message in str(caught.value)


def test_an_empty_file_says_what_is_missing(tmp_path):
    (tmp_path / "own.yaml").write_text("")

    with pytest.raises(InputError, match="name: missing; add it"):
        load_scenario(tmp_path / "own.yaml")


def test_an_unknown_scenario_names_the_shipped_ones():
    with pytest.raises(
        InputError, match=r"no such scenario; did you mean steady\? shipped are bad-policy, capacity-crunch"
    ):
        load_scenario("steadi")


def test_rubbish_is_not_yaml(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("a: [")

    with pytest.raises(InputError, match="this is no YAML"):
        load_scenario(file)


def test_a_change_holds_from_its_day_on():
    scenario = load_scenario("drift")

    assert scenario.change_days == (56,)
    assert scenario.at(55.9) is scenario
    assert scenario.at(56).timing.start.median == 15
    assert scenario.at(56).room.short == 0.4
    assert scenario.at(80) is scenario.at(56)
    assert all(before is after for before, after in zip(scenario.pools, scenario.at(56).pools, strict=True))


def test_a_scenarios_policy_and_settings_go_through_the_loader():
    condition = ConditionId.parse("scale_deployment/action/post/no_crashloop_pods")
    bad = world_sets(load_scenario("bad-policy"))[Level.ACTION]
    scenario = load_scenario("steady").model_copy(
        update={
            "settings": {
                "step": {"actions": {"scale_deployment": {"pre": {"deployment_exists": {"rolloutPercent": 5}}}}}
            }
        }
    )
    step = world_sets(scenario)[Level.STEP]
    exists = ConditionId.parse("scale_deployment/step/pre/deployment_exists")

    assert "restarts == 0" in bad.policy(condition).source
    assert step.settings.effective(exists).rollout_percent == 5
    assert len([one for one in step.suite if one.action == exists.action]) == 5


def first(scenario: Scenario, count: int, seed: int = 1):
    arriving = incidents(scenario, make_fleet(scenario, seed), seed)
    return [next(arriving) for _ in range(count)]


def test_incidents_come_in_order_and_outages_strike_few_targets():
    found = first(load_scenario("flapping"), 300)
    outages = {}
    for incident in found:
        if incident.outage:
            outages.setdefault(incident.outage, []).append(incident)

    assert [incident.onset_s for incident in found] == sorted(incident.onset_s for incident in found)
    assert len({incident.key for incident in found}) == len(found)
    assert outages
    for members in outages.values():
        assert len({member.cause for member in members}) == 1
        assert len({member.deployment.uid for member in members}) <= 2


def test_weekends_and_nights_are_quieter():
    found = first(load_scenario("steady"), 1500)
    weekend = sum(incident.onset_s // 86_400 % 7 >= 5 for incident in found)
    night = sum(incident.onset_s % 86_400 < 6 * 3600 for incident in found)

    assert weekend / len(found) < 2 / 7 * 0.8
    assert night / len(found) < 0.25 * 0.8


def test_rates_are_as_asked():
    found = first(load_scenario("rare-incidents"), 200)
    weeks = found[-1].onset_s / 86_400 / 7

    assert 1 < len(found) / weeks < 2.5


def test_causes_follow_their_weights():
    found = [incident for incident in first(load_scenario("steady"), 1500) if not incident.outage]
    share = sum(incident.cause is Cause.LOAD_SPIKE for incident in found) / len(found)

    assert 0.55 < share < 0.7


def test_a_stream_depends_on_its_names_only():
    a, b = Stream(1, "x", 2), Stream(1, "x", 2)
    b_child = b.child("y")
    a.uniform()

    assert a.child("y").uniform() == b_child.uniform()
    assert Stream(1, "x", 2).uniform() != Stream(2, "x", 2).uniform()
    assert Stream(1, "w").weighted({"a": 0, "b": 1}) == "b"
    with pytest.raises(InputError, match="none is above zero"):
        Stream(1, "w").weighted({"a": 0})
