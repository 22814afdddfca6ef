"""`kubernaut policy lint|test|show`: shipped policies, files, folders, ConfigMaps."""

import json

import pytest
import yaml
from helpers.command_line import kubernaut

from kubernaut import shipped

GOOD = """# METADATA
# title: Found
# description: The Deployment is there.
# custom:
#   parameters:
#     least: {default: 1, minimum: 0, maximum: 9, description: pods}
package precondition.found

import data.lib.own
import rego.v1

default allow := false

allow if {
	input.deployment_found
	own.enough(input.ready_pods, input.settings.least)
}

error_message := "not there" if not allow
"""
LIBRARY = """package lib.own

import rego.v1

enough(number, least) if number >= least
"""
TESTS = """package precondition.found_test

import data.precondition.found
import rego.v1

cases := {
	"there": {"input": {"deployment_found": true, "ready_pods": 2, "settings": {"least": 1}}, "allow": true},
	"gone": {"input": {"deployment_found": false, "ready_pods": 2, "settings": {"least": 1}}, "allow": %s},
}
"""


@pytest.fixture
def folder(tmp_path):
    """A policy, its library and its tests."""
    (tmp_path / "found.rego").write_text(GOOD)
    (tmp_path / "own.rego").write_text(LIBRARY)
    (tmp_path / "found_test.rego").write_text(TESTS % "false")
    return tmp_path


def test_shipped_policies_have_no_findings():
    ran = kubernaut("policy", "lint", "-o", "json")

    assert ran.code == 0
    assert json.loads(ran.out) == []
    assert ran.err.startswith("0 errors and 0 warnings in ")


def test_shipped_policies_pass_their_tests():
    ran = kubernaut("policy", "test", "-o", "json")

    cases = json.loads(ran.out)
    assert ran.code == 0
    assert all(one["passed"] for one in cases)
    files = {one.file for one in (*shipped.shipped_policies(), *shipped.shipped_safety_policies())}
    assert {one["policy"] for one in cases} >= files
    assert ran.err == f"{len(cases)} tests passed\n"


def test_a_folder_with_its_own_library(folder):
    lint = kubernaut("policy", "lint", folder)
    tests = kubernaut("policy", "test", folder)
    one = kubernaut("policy", "test", folder / "found_test.rego")

    assert (lint.code, lint.out, lint.err) == (0, "", "0 errors and 0 warnings in 2 policies\n")
    assert tests.code == 0
    assert tests.out.splitlines()[1].split() == [str(folder / "found.rego"), "2", "0"]
    assert "warning: lib.own.rego has no tests" in tests.err
    assert (one.code, one.err) == (0, "2 tests passed\n")


def test_a_failing_test_leaves_with_2(folder):
    (folder / "found_test.rego").write_text(TESTS % "true")

    ran = kubernaut("policy", "test", folder / "found.rego")
    wide = kubernaut("policy", "test", folder / "found.rego", "-o", "csv")

    assert ran.code == 2
    assert f"{folder / 'found_test.rego'}:8:2" in ran.out
    assert "expected Passed, got Failed: not there" in ran.out
    assert ran.err == "1 of 2 tests failed\n"
    assert wide.code == 2


def test_without_tests(folder):
    (folder / "found_test.rego").unlink()

    ran = kubernaut("policy", "test", folder / "found.rego")

    assert ran.code == 1
    assert f"warning: {folder / 'found.rego'} has no tests; write {folder / 'found_test.rego'} beside it" in ran.err
    assert "error: no test file; it lies beside its policy and is called NAME_test.rego" in ran.err


def test_warnings_count_when_asked_for(folder):
    file = folder / "found.rego"
    file.write_text(GOOD.replace("# description: The Deployment is there.\n", ""))

    assert kubernaut("policy", "lint", file).code == 0
    ran = kubernaut("policy", "lint", file, "--fail-level", "warning")
    assert (ran.code, ran.err) == (1, "error: 0 errors and 1 warning in 1 policy\n")


def test_findings_as_annotations_of_a_forge(folder):
    file = folder / "found.rego"
    file.write_text(GOOD.replace("allow if {", "allow if {{"))

    ran = kubernaut("policy", "lint", file, "-o", "github")

    assert ran.code == 1
    assert ran.out.startswith(f"::error file={file},line=14,col=10,title=load::")


def test_an_annotation_cannot_be_ended_by_a_message(folder):
    file = folder / "a,b.rego"
    file.write_text("package lib\n")

    ran = kubernaut("policy", "lint", file, "-o", "github")

    assert f"file={folder}/a%2Cb.rego," in ran.out


def test_a_library_is_examined_through_whoever_imports_it(folder):
    (folder / "own.rego").write_text(LIBRARY.replace("number >= least", "nowhere(number, least)"))

    ran = kubernaut("policy", "lint", folder / "own.rego", "-o", "json")

    assert ran.code == 1
    assert [(one["place"].partition(":")[0], one["rule"]) for one in json.loads(ran.out)] == [("lib.own.rego", "load")]


def test_two_libraries_of_one_package(folder):
    (folder / "second.rego").write_text(LIBRARY + "# another\n")

    ran = kubernaut("policy", "lint", folder)

    assert ran.code == 1
    assert "second.rego: a second library of package lib.own; keep one" in ran.err


def test_the_policies_of_configmaps(folder):
    data = {"scale_deployment.pre.found.rego": GOOD, "lib.own.rego": LIBRARY, "found@candidate.rego": GOOD}
    settings = {"version": 1, "actions": {"scale_deployment": {"pre": {"found": {}}}}}
    data["settings.yaml"] = yaml.safe_dump(settings)
    file = folder / "conditions.yaml"
    metadata = {"name": "kubernaut-workflow-conditions"}
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))

    ran = kubernaut("policy", "lint", file)

    assert (ran.code, ran.err) == (0, "0 errors and 0 warnings in 3 policies\n")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"least": 12}, "settings.least: 12 is out of the bounds that"),
        ({"lest": 1}, "settings.lest: the policy declares no such parameter; it declares least"),
    ],
)
def test_settings_that_do_not_fit_the_policies_of_configmaps(folder, numbers, message):
    settings = {"version": 1, "actions": {"scale_deployment": {"pre": {"found": {"settings": numbers}}}}}
    data = {
        "scale_deployment.pre.found.rego": GOOD,
        "lib.own.rego": LIBRARY,
        "settings.yaml": yaml.safe_dump(settings),
    }
    file = folder / "conditions.yaml"
    metadata = {"name": "kubernaut-workflow-conditions"}
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))

    ran = kubernaut("policy", "lint", file, "-o", "json")

    (finding,) = json.loads(ran.out)
    assert ran.code == 1
    assert (finding["place"], finding["severity"], finding["rule"]) == (str(file), "error", "settings")
    assert message in finding["message"]


@pytest.mark.parametrize(("restarts", "code"), [(3, 0), (99, 1)])
def test_settings_alone_are_held_against_the_shipped_policies(tmp_path, restarts, code):
    terms = {"no_crashloop_pods": {"settings": {"tolerated_restarts": restarts}}}
    settings = {"version": 1, "actions": {"scale_deployment": {"post": terms}}}
    metadata = {"name": "kubernaut-action-conditions"}
    data = {"settings.yaml": yaml.safe_dump(settings)}
    file = tmp_path / "conditions.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))

    ran = kubernaut("policy", "lint", file)

    assert ran.code == code
    assert ("out of the bounds" in ran.out) == bool(code)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.rego", "nowhere.rego: No such file or directory; check the path"),
        ("notes.txt", "policies are .rego files, or keys of ConfigMaps in a .yaml file"),
        ("empty", "no policy in "),
    ],
)
def test_files_that_hold_no_policy(tmp_path, monkeypatch, name, message):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)

    ran = kubernaut("policy", "lint", name)

    assert ran.code == 1
    assert message in ran.err


def test_show_a_shipped_policy():
    ran = kubernaut("policy", "show", "no_crashloop_pods")
    document = json.loads(kubernaut("policy", "show", "scale_deployment/post/no_crashloop_pods", "-o", "json").out)

    assert ran.code == 0
    assert "tolerated_restarts = 1 (0 to 20)" in ran.out
    assert "\nreads\n  pods[*].name\n" in ran.out
    assert ran.out.endswith(document["source"].rstrip("\n") + "\n")
    assert document["parameters"][0]["name"] == "tolerated_restarts"
    assert len(document["digest"]) == 64


def test_show_a_file_a_library_and_a_safety_policy(folder):
    assert json.loads(kubernaut("policy", "show", folder / "found.rego", "-o", "json").out)["libraries"] == [
        "lib.own.rego"
    ]
    assert json.loads(kubernaut("policy", "show", "lib.pods", "-o", "json").out)["role"] == "library"
    assert json.loads(kubernaut("policy", "show", "bounded_change", "-o", "json").out)["role"] == "safety"
    assert kubernaut("policy", "show", folder / "found.rego", "-o", "csv").out.startswith("name,default,")
    assert "<pre>" in kubernaut("policy", "show", "bounded_change", "-o", "html").out


def test_show_what_is_not_there(folder):
    ran = kubernaut("policy", "show", "deployment_exist")
    several = kubernaut("policy", "show", folder)

    assert (ran.code, ran.err) == (
        1,
        "error: no policy is called 'deployment_exist'; did you mean deployment_exists?\n",
    )
    assert several.code == 1
    assert "means 2 policies; say which: " in several.err
