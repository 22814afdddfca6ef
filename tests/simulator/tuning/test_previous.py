"""The way back: what an export replaced comes out of it again, byte for byte, and nothing that never was in force."""

import json
from dataclasses import replace
from pathlib import Path
from textwrap import indent

import pytest
import yaml
from helpers.fact_histories import PRE, REGO, FactRun, PostRun, fact_history
from helpers.golden import golden
from kubernaut_simulator.replay.conditions import load_conditions
from kubernaut_simulator.tuning.previous import previous_configmaps
from kubernaut_simulator.tuning.provenance import PREVIOUS, RESTORED_FROM, TRACED, written_configmaps
from kubernaut_simulator.tuning.tune import TuningTerms, tune

from kubernaut.errors import InputError
from kubernaut.identity import Level
from kubernaut.policy.evaluating import InProcessEvaluator

GOLDEN = Path(__file__).parent / "golden"
EXPORT = GOLDEN / "kubernaut-conditions.yaml"
BY_HAND = f"""\
# ours
apiVersion: v1
kind: ConfigMap
metadata: {{name: kubernaut-workflow-conditions, namespace: guards}}
data:
  settings.yaml: |
    version: 1
    actions:  # of the shop
      scale_deployment:
        pre:
          deployment_exists: {{required: true, rolloutPercent: 50, timeout: 20s}}
  deployment_exists.rego: |
{indent(REGO[PRE], "    ")}
  lib.mine.rego: |
    package lib.mine
    import rego.v1
    one := 1
  facts.yaml: |
    version: 1   # a comment that no model keeps
    facts:
      budget: {{type: number, kind: PodDisruptionBudget, apiVersion: policy/v1, jsonPath: "{{.spec.minAvailable}}"}}
  notes.txt: the operator does not read this
"""


@pytest.fixture(scope="module")
def history():
    return fact_history(
        [FactRun(found={PRE: n % 25 > 0}, post=PostRun(passes_from_s=2.0), good=n % 5 > 0) for n in range(200)]
    )


def exported(history, path, *, target=0.15):
    """Tune what a file holds, and export it as the command does."""
    tuned = tune(history, load_conditions(path), terms=TuningTerms(target=target), evaluator=InProcessEvaluator())
    return tuned.to_configmaps(replaced=written_configmaps(path.read_text(), source=str(path)))


def maps(text):
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(text)}


def test_what_was_recorded_comes_back_from_an_export_of_it():
    restored = previous_configmaps(EXPORT.read_text())

    assert restored == golden(GOLDEN / "kubernaut-conditions-previous.yaml", restored)


def test_a_file_written_by_hand_comes_back_to_the_byte(history, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(BY_HAND)
    text = exported(history, path)

    (before,) = maps(BY_HAND).values()
    after = maps(text)["kubernaut-workflow-conditions"]
    restored = maps(previous_configmaps(text))["kubernaut-workflow-conditions"]
    assert after["data"]["settings.yaml"] != before["data"]["settings.yaml"]
    assert "notes.txt" not in after["data"]
    assert restored["data"] == before["data"]
    assert restored["metadata"]["annotations"] == {RESTORED_FROM: after["metadata"]["labels"]["version"]}


def test_a_tuning_that_replaced_a_tuning_gives_it_back_with_its_evidence(tmp_path, history):
    first = tmp_path / "first.yaml"
    first.write_text(BY_HAND)
    second = tmp_path / "second.yaml"
    second.write_text(exported(history, first))
    text = exported(history, second, target=0.05)

    before, after, restored = maps(second.read_text()), maps(text), maps(previous_configmaps(text))
    for name, one in restored.items():
        assert one["data"] == before[name]["data"]
        assert one["metadata"]["labels"] == before[name]["metadata"]["labels"]
        annotations = before[name]["metadata"]["annotations"]
        assert one["metadata"]["annotations"] == {
            **{key: annotations[key] for key in TRACED},
            RESTORED_FROM: after[name]["metadata"]["labels"]["version"],
        }


def test_what_kubectl_shows_can_be_taken_back():
    items = list(yaml.safe_load_all(EXPORT.read_text()))
    for one in items:
        one["metadata"] |= {"resourceVersion": "7", "uid": "u", "managedFields": []}
        one["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
    shown = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})

    assert previous_configmaps(shown) == previous_configmaps(EXPORT.read_text())


def test_settings_edited_by_hand_since_do_not_stand_in_the_way():
    raised = EXPORT.read_text().replace("rolloutPercent: 5\n", "rolloutPercent: 50\n")

    assert previous_configmaps(raised) == previous_configmaps(EXPORT.read_text())


def changed(change):
    """Give the golden export with its first ConfigMap changed."""
    items = list(yaml.safe_load_all(EXPORT.read_text()))
    change(items[0])
    return yaml.safe_dump_all(items)


def edit_policy(one):
    one["data"]["scale_deployment.pre.deployment_exists.rego"] += "# edited\n"


def drop_policy(one):
    del one["data"]["scale_deployment.pre.deployment_exists.rego"]


def forget(one):
    del one["metadata"]["annotations"][PREVIOUS]


def shorten(one):
    one["metadata"]["annotations"][PREVIOUS] = json.dumps({"texts": {}})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (changed(edit_policy), r"edited after its export \(scale_deployment.pre.deployment_exists.rego\)"),
        (changed(drop_policy), r"edited after its export \(scale_deployment.pre.deployment_exists.rego\)"),
        (changed(forget), r"kubernaut-workflow-conditions does not say what it replaced: it was written by hand"),
        (changed(shorten), r"annotation kubernaut.io/previous of kubernaut-workflow-conditions is incomplete"),
        (previous_configmaps(EXPORT.read_text()), "itself a way back .* only one step is kept"),
        ("kind: ConfigMap\nmetadata: {name: other}\n", "neither of the two ConfigMaps is in it"),
    ],
)
def test_what_cannot_be_taken_back_says_why(text, why):
    with pytest.raises(InputError, match=why):
        previous_configmaps(text)


def test_every_export_names_the_policies_that_were_judged(history, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(BY_HAND)
    text = exported(history, path)
    path.write_text(text)

    written, conditions = written_configmaps(text, source="test"), load_conditions(path)
    evidence = written[Level.STEP].json("kubernaut.io/evidence")
    assert evidence[str(PRE)]["policy"] == conditions[Level.STEP].policies[PRE].digest


def test_an_annotation_that_is_no_object_is_named():
    (one, *_) = written_configmaps(EXPORT.read_text(), source="export").values()

    with pytest.raises(InputError, match=r"kubernaut.io/previous is no object"):
        replace(one, annotations={PREVIOUS: "[]"}).json(PREVIOUS)
