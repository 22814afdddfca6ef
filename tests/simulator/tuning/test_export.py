"""The export: the same bytes for the same inputs, read back by the engine's own loader, with the evidence beside it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from helpers.fact_histories import (
    POST,
    PRE,
    REGO,
    FactRun,
    PostRun,
    changed_tables,
    conditions_of,
    fact_history,
    shuffled,
)
from helpers.golden import golden
from kubernaut_simulator.replay.conditions import load_conditions
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.tuning.export import configmaps_of
from kubernaut_simulator.tuning.tune import TuningTerms, compiled, tune

from kubernaut import __version__
from kubernaut.conditions.condition_set import PolicyText, Shipped
from kubernaut.conditions.configmap_texts import MAX_CONFIGMAP_BYTES
from kubernaut.conditions.configmaps import DEFAULT_NAMES, load_condition_sets
from kubernaut.conditions.custom_facts import load_custom_facts
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import InputError, SettingsError
from kubernaut.identity import ConditionId, Level
from kubernaut.policy.evaluating import InProcessEvaluator

GOLDEN = Path(__file__).parent / "golden" / "kubernaut-conditions.yaml"
AT_ACTION = ConditionId(PRE.action, Level.ACTION, PRE.phase, PRE.type)
FACTS = """
version: 1
facts:
  budget:
    type: number
    kind: PodDisruptionBudget
    apiVersion: policy/v1
    jsonPath: "{.spec.minAvailable}"
  errors_per_second:
    type: number
    promql: sum(rate(http_errors_total{namespace="$namespace"}[5m]))
"""


@pytest.fixture(scope="module")
def history():
    runs = [
        FactRun(
            found={PRE: n % 25 > 0, AT_ACTION: n % 3 > 0},
            post=PostRun(passes_from_s=2.0 + n % 9),
            good=n % 5 > 0,
        )
        for n in range(200)
    ]
    return fact_history(runs)


def tuned(history, conditions=None):
    return tune(history, conditions, terms=TuningTerms(share=0.9), evaluator=InProcessEvaluator())


@pytest.fixture(scope="module")
def tuning(history):
    return tuned(history)


def loaded(text):
    return load_condition_sets(text, source="test", shipped=Shipped())


def text_of(source, name="test"):
    return PolicyText(name=name, source=source, origin=PolicySource.CONFIGMAP)


def with_texts(history, **changes):
    """Give the step level's recorded conditions with other texts."""
    found = conditions_of(history)
    return {**found, **compiled({Level.STEP: replace(found[Level.STEP].texts, **changes)})}


def test_the_golden_file(tuning):
    text = configmaps_of(tuning)

    assert text == golden(GOLDEN, text)


def test_the_same_rows_in_any_order_give_the_same_bytes(history, tuning):
    other = changed_tables(
        history,
        **{
            kind: shuffled(history.table(kind), seed=1) for kind in ("evaluations", "attempts", "workflows", "policies")
        },
    )

    assert tuned(other).to_configmaps() == tuning.to_configmaps()


def test_both_configmaps_with_labels_and_evidence(history, tuning):
    documents = list(yaml.safe_load_all(tuning.to_configmaps()))

    assert [one["metadata"]["name"] for one in documents] == [DEFAULT_NAMES[level] for level in Level]
    assert {one["metadata"]["namespace"] for one in documents} == {"kubernaut-system"}
    for level, one in zip(Level, documents, strict=True):
        labels, annotations = one["metadata"]["labels"], one["metadata"]["annotations"]
        assert labels["app"] == "kubernaut"
        assert labels["component"] in {"workflow-execution", "kubernetes-execution"}
        assert labels["version"] == tuning.after[level].texts.digest[:12]
        assert annotations["kubernaut.io/history-digest"] == history.digest
        assert annotations["kubernaut.io/history-window"] == tuning.replay.window
        assert annotations["kubernaut.io/tool-version"] == __version__
        evidence = json.loads(annotations["kubernaut.io/evidence"])
        own = {str(found.condition): found for found in tuning.decisions if found.condition.level is level}
        assert set(evidence) == set(own)
        for name, found in own.items():
            assert evidence[name]["falseStops"] == f"{found.gate.stops.k}/{found.gate.stops.n}"
            assert evidence[name]["upper95"] == pytest.approx(found.gate.stops.upper, rel=1e-5)
            assert evidence[name]["required"] == found.after.required
        terms = json.loads(annotations["kubernaut.io/tuning"])
        assert terms["gateIncidents"] + terms["searchIncidents"] == 200
        assert terms["target"] == 0.15


def test_another_namespace_can_be_named(tuning):
    documents = yaml.safe_load_all(configmaps_of(tuning, namespace="guards"))

    assert {one["metadata"]["namespace"] for one in documents} == {"guards"}


def test_what_is_loaded_is_what_was_tuned(tuning):
    sets = loaded(tuning.to_configmaps())

    assert {level: one.settings for level, one in sets.items()} == dict(tuning.settings)
    for level, one in tuning.after.items():
        assert {name: text.source for name, text in sets[level].policies.items()} == {
            name: text.source for name, text in one.texts.policies.items()
        }
    assert {one.after.required for one in tuning.decisions} == {True, False}


def test_what_was_exported_is_tuned_to_itself(history, tuning):
    again = tuned(history, compiled(loaded(tuning.to_configmaps())))

    assert [one.after.required for one in again.decisions] == [one.after.required for one in tuning.decisions]
    assert configmaps_of(again) == configmaps_of(tuned(history, again.after))


def test_the_file_can_be_replayed_by(history, tuning, tmp_path):
    path = tmp_path / "kubernaut-conditions.yaml"
    path.write_text(tuning.to_configmaps(), encoding="utf-8")

    by_file = load_conditions(path)

    assert {level: one.texts.settings for level, one in by_file.items()} == dict(tuning.settings)
    replayed = replay(history, by_file, evaluator=InProcessEvaluator())
    assert replayed.data["not replayable"].sum() == 0
    assert replayed.false_stops().data["P(stop|G)"].tolist() == tuning.replay.false_stops().data["P(stop|G)"].tolist()
    with pytest.raises(InputError, match="cannot be read as UTF-8 text"):
        load_conditions(tmp_path / "none.yaml")


def test_challengers_custom_facts_and_every_text_survive(history):
    challenger, by_type, unnamed = (f"{REGO[PRE]}\n# {name}\n" for name in ("challenger", "by type", "unnamed"))
    other = ConditionId(PRE.action, Level.STEP, PRE.phase, "asked_for_by_a_resource")
    conditions = with_texts(
        history,
        candidates={PRE: text_of(challenger)},
        candidates_by_type={POST.type: text_of(REGO[POST] + "\n# by type\n")},
        exact={POST: text_of(REGO[POST]), other: text_of(unnamed)},
        by_type={PRE.type: text_of(by_type)},
        libraries={"lib.mine.rego": "package lib.mine\n\nimport rego.v1\n\none := 1\n"},
        custom_facts=load_custom_facts(FACTS),
    )

    sets = loaded(tuned(history, conditions).to_configmaps())

    step = sets[Level.STEP]
    assert step.candidate(PRE).source == challenger
    assert step.candidate(POST).source.endswith("# by type\n")
    assert step.policy(PRE).source == by_type
    assert step.policy(other).source == unnamed
    assert step.libraries == conditions[Level.STEP].texts.libraries
    assert step.custom_facts == conditions[Level.STEP].texts.custom_facts
    assert set(step.custom_facts.facts) == {"budget", "errors_per_second"}


@pytest.mark.parametrize(
    "odd",
    [
        "# tabs\t\tand trailing spaces   \n\t# indented\n",
        "# umlaut \u00e4, snowman \u2603, emoji \U0001f600\n",
        "# windows\r\n",
        "# no newline at the end",
        "\n\n# empty lines\n\n\n",
        "# looks like YAML: {a: [1, 2]}\n# ---\n",
    ],
)
def test_policies_keep_their_bytes(history, odd):
    source = REGO[PRE] + odd
    conditions = with_texts(history, exact={PRE: text_of(source), POST: text_of(REGO[POST])})

    sets = loaded(tuned(history, conditions).to_configmaps())

    assert sets[Level.STEP].policy(PRE).source == source


def test_a_configmap_that_is_too_large_is_refused(tuning):
    step = tuning.after[Level.STEP]
    large = "# " + "x" * MAX_CONFIGMAP_BYTES + "\n"
    texts = replace(step.texts, exact={**step.texts.exact, PRE: text_of(REGO[PRE] + large)})
    too_large = replace(tuning, after={**tuning.after, Level.STEP: replace(step, texts=texts)})

    with pytest.raises(SettingsError, match=r"1,048,576.*largest key is scale_deployment.pre.deployment_exists.rego"):
        too_large.to_configmaps()


def test_evidence_that_is_too_large_is_refused(tuning):
    with pytest.raises(SettingsError, match="bytes of annotations"):
        replace(tuning, history_digest="x" * 300_000).to_configmaps()


def test_a_text_that_does_not_read_back_is_not_given_out(tuning):
    step = tuning.after[Level.STEP]
    texts = replace(step.texts, libraries={"not-a-library": "package x\n"})
    broken = replace(tuning, after={**tuning.after, Level.STEP: replace(step, texts=texts)})

    with pytest.raises(SettingsError, match="does not read back as what was tuned; nothing was written"):
        broken.to_configmaps()
