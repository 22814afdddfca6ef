"""The page on generated worlds says what every field is, and its examples can be used."""

import re
from dataclasses import fields
from inspect import getdoc
from pathlib import Path

import pytest
import yaml
from kubernaut_simulator.history.schema_page import attribute_texts
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.fits import known_fits
from kubernaut_simulator.worlds.scenario import load_scenario, shipped_scenarios
from kubernaut_simulator.worlds.scenario_page import cause_texts, markdown
from kubernaut_simulator.worlds.scenario_parts import Part
from kubernaut_simulator.worlds.truth import COLUMN_MEANINGS, TruthRow

PAGE = Path(__file__).parents[3] / "docs" / "worlds.md"


@pytest.fixture(scope="module")
def page():
    return markdown()


def test_the_page_is_what_the_code_says(page):
    assert PAGE.read_text(encoding="utf-8") == page, "docs/worlds.md is stale: run `make docs`"


@pytest.mark.parametrize("model", sorted(Part.__subclasses__(), key=lambda one: one.__name__))
def test_every_field_has_a_meaning_and_no_meaning_lacks_its_field(model):
    assert set(attribute_texts(getdoc(model))) == set(model.model_fields)


def test_every_field_is_on_the_page_with_unit_default_and_meaning(page):
    rows = [line for line in page.splitlines() if re.match(r"\| `\w+` \| ", line) and line.count(" | ") == 3]

    assert len(rows) == sum(len(model.model_fields) for model in Part.__subclasses__())
    assert all(all(cell.strip() for cell in row.strip("|").split(" | ")) for row in rows)
    assert "| `short` | share, 0..1 | `0.17` | Share of runs" in page
    assert "| `median` | duration | required |" in page


def test_every_cause_and_scenario_is_described(page):
    assert set(cause_texts()) == set(Cause)
    assert all(text.endswith(".") for text in cause_texts().values())
    assert all(f"### `{name}`" in page for name in shipped_scenarios())


def test_every_column_of_the_truth_has_a_meaning():
    assert list(COLUMN_MEANINGS) == [field.name for field in fields(TruthRow)]


def test_the_example_is_a_scenario(page, tmp_path):
    example = re.search(r"```yaml\n(version: 1\nname: my-platform.*?)```", page, re.DOTALL).group(1)
    (tmp_path / "my-platform.yaml").write_text(example)
    scenario = load_scenario(tmp_path / "my-platform.yaml")

    assert scenario.at(14).timing.start.median == 40
    assert yaml.safe_load(example)["traffic"]["outages"]["incidents"] == 50


def test_links_within_the_page_lead_somewhere(page):
    headings = {line.lstrip("# ").strip("`").lower().replace(" ", "-") for line in page.splitlines() if line[:1] == "#"}

    assert set(re.findall(r"\]\(#([\w-]+)\)", page)) <= headings


def test_fits_say_what_they_do_not_describe():
    assert all(fit.not_described and fit.left_out and fit.source for fit in known_fits().values())
