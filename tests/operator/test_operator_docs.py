"""The operator's pages: what they show is what the code takes."""

import re
from pathlib import Path

import pytest
import typer
import yaml
from kubernaut_operator.cli import app
from kubernaut_operator.metrics.declared import METRICS

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.actions.page import markdown as actions_page
from kubernaut.conditions.custom_facts import load_custom_facts
from kubernaut.conditions.settings_text import load_settings
from kubernaut.enforcement import overrides
from kubernaut.resources.reading import read_execution, read_workflow

DOCS = Path(__file__).parents[2] / "docs" / "operator"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}


def blocks(kind):
    """Give (page, text) of every fenced block of a kind."""
    return [
        pytest.param(text, id=f"{name}-{number}")
        for name, page in PAGES.items()
        for number, text in enumerate(re.findall(rf"```{kind}\n(.*?)```", page, flags=re.DOTALL))
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_example_is_taken(text):
    document = yaml.safe_load(text)
    if "kind" in document:
        document["metadata"] |= {"uid": "u", "resourceVersion": "1", "generation": 1}
    if document.get("kind") == "WorkflowExecution":
        for step in read_workflow(document).spec.definition.steps:
            checked_parameters(step.action, step.parameters)
    elif "kind" in document:
        execution = read_execution(document)
        target = checked_parameters(execution.spec.action, execution.spec.parameters).target
        assert (target.kind, target.namespace, target.name) == (
            execution.spec.target.kind,
            execution.spec.target.namespace,
            execution.spec.target.name,
        )
    elif "facts" in document:
        assert load_custom_facts(text).facts
    else:
        assert load_settings(text).actions


@pytest.mark.parametrize("text", blocks("sh"))
def test_commands_of_ours_exist_with_their_flags(text):
    commands = typer.main.get_command(app).commands
    for line in text.replace("\\\n", " ").splitlines():
        for words in re.findall(r"kubernaut operator ([^|#]*)", line):
            name, *rest = words.split()
            known = {flag for one in commands[name].params for flag in (*one.opts, *one.secondary_opts)}
            assert {word.split("=")[0] for word in rest if word.startswith("-")} <= known


def test_flags_that_pages_name_exist():
    commands = typer.main.get_command(app).commands
    known = {flag for one in commands.values() for flag in _flags(one)}
    for name in ("install.md", "conditions-live.md"):
        named = set(re.findall(r"`(--[a-z-]+)", PAGES[name]))
        assert named <= known | {"--help"}


def _flags(command):
    return (flag for one in command.params for flag in (*one.opts, *one.secondary_opts))


def test_links_lead_somewhere():
    for name, page in PAGES.items():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page):
            assert (DOCS / link).exists(), f"{name}: {link}"


def test_metrics_that_pages_name_exist():
    page = PAGES["conditions-live.md"]

    assert "condition_set_back" in page
    for name in re.findall(r"`((?:condition|history|policies)_[a-z_]+)", page):
        assert name in METRICS


def test_annotations_are_written_as_the_engine_reads_them():
    page = PAGES["conditions-live.md"]

    assert set(re.findall(r"kubernaut\.io/override-[a-z]+", page)) == {
        overrides.CONDITION,
        overrides.REASON,
        overrides.BY,
        overrides.UNTIL,
    }


def test_the_page_of_actions_is_what_the_catalogue_says():
    assert PAGES["actions.md"] == actions_page()
