"""The difference of two files of conditions: complete, told in words, and nothing where nothing differs."""

from pathlib import Path

import pytest
import yaml
from helpers.fact_histories import PRE, REGO
from helpers.golden import golden
from kubernaut_simulator.replay.conditions import load_conditions
from kubernaut_simulator.tuning.difference import ConditionsFile, What, changes_between, conditions_file
from kubernaut_simulator.tuning.difference_told import difference_document, difference_text
from kubernaut_simulator.tuning.previous import previous_configmaps
from kubernaut_simulator.tuning.provenance import written_configmaps

GOLDEN = Path(__file__).parent / "golden"
EXPORT = (GOLDEN / "kubernaut-conditions.yaml").read_text()
PARAMETERS = """\
# METADATA
# custom:
#   parameters:
#     spare: {default: 1, minimum: 0, maximum: 9, description: more than asked for}
package postcondition

import rego.v1

allow if input.current_replicas >= input.settings.spare
"""
BEFORE = """
version: 1
actions:
  scale_deployment:
    pre:
      deployment_exists: {required: true, rolloutPercent: 5, timeout: 30s}
      leaves: {required: true, rolloutPercent: 10, timeout: 30s}
    post:
      ready: {required: true, rolloutPercent: 0, timeout: 2m, holdFor: 5s}
environments:
  canary:
    actions:
      scale_deployment:
        pre:
          deployment_exists: {rolloutPercent: 100}
"""
AFTER = """
version: 1
rollout: second
enforcement: false
recordFacts: all
blockedDeadline: 30m
inlinePolicies: {namespaces: [shop]}
actions:
  scale_deployment:
    pre:
      deployment_exists: {required: true, rolloutPercent: 50, timeout: 30s}
      enters: {required: true, rolloutPercent: 5, timeout: 30s}
    post:
      ready: {required: true, rolloutPercent: 5, timeout: 45s, pollInterval: 2s, settings: {spare: 3}}
environments:
  canary:
    actions:
      scale_deployment:
        pre:
          deployment_exists: {rolloutPercent: 100}
        post:
          ready: {required: false}
"""


def text_of(settings, **texts):
    """Give one ConfigMap of the step level."""
    data = {
        "settings.yaml": settings,
        "deployment_exists.rego": REGO[PRE],
        "leaves.rego": REGO[PRE],
        "enters.rego": REGO[PRE],
        "ready.rego": PARAMETERS,
    }
    metadata = {"name": "kubernaut-workflow-conditions"}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data | texts})


@pytest.fixture
def file(tmp_path):
    def load(text, name):
        path = tmp_path / name
        path.write_text(text)
        return ConditionsFile(
            source=name, conditions=load_conditions(path), written=written_configmaps(text, source=name)
        )

    return load


def told(before, after):
    document = difference_document(before, after)
    return difference_text(document) + "\n"


def test_a_tuning_against_what_it_replaced(file):
    text = told(file(previous_configmaps(EXPORT), "before.yaml"), file(EXPORT, "after.yaml"))

    assert text == golden(GOLDEN / "difference-of-a-tuning.txt", text)


def test_everything_that_can_be_set(file):
    after = text_of(AFTER, **{"deployment_exists.rego": REGO[PRE] + "# newer\n", "ready@candidate.rego": PARAMETERS})
    text = told(file(text_of(BEFORE), "before.yaml"), file(after, "after.yaml"))

    assert text == golden(GOLDEN / "difference-of-settings.txt", text)


def test_the_way_back_is_told_as_the_opposite(file):
    before, after = file(text_of(BEFORE), "before.yaml"), file(text_of(AFTER), "after.yaml")
    there, back = changes_between(before, after), changes_between(after, before)

    assert [(one.subject, one.environment, one.what, one.before, one.after) for one in there] == [
        (one.subject, one.environment, one.what, one.after, one.before) for one in back
    ]


def test_nothing_differs_from_itself(file):
    document = difference_document(file(EXPORT, "one.yaml"), conditions_file(EXPORT, source="a text"))

    assert document["changes"] == []
    assert document["summary"] == "nothing differs: 3 conditions"


def test_a_file_with_one_configmap_is_compared_with_what_ships(file):
    document = difference_document(file(text_of(BEFORE), "before.yaml"), file(EXPORT, "after.yaml"))

    assert any("before.yaml has no kubernaut-action-conditions" in note for note in document["notes"])


def test_a_policy_that_was_edited_after_the_export_is_named(file):
    edited = EXPORT.replace('error_message := "no"', 'error_message := "not there"', 1)
    document = difference_document(file(EXPORT, "before.yaml"), file(edited, "after.yaml"))

    assert [one["what"] for one in document["changes"]] == [What.POLICY.value]
    assert any("edited after the export" in note for note in document["notes"])
