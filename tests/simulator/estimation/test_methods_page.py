from pathlib import Path

import pytest
from kubernaut_simulator.estimation.multiplicity import version_price
from kubernaut_simulator.estimation.power import chance_to_pass

PAGE = Path(__file__).parents[3] / "docs" / "methods.md"


def rows_of_the_power_table():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| target | conditions |"))
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            return
        yield [float(cell.strip().rstrip(" %")) for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("row", list(rows_of_the_power_table()))
def test_the_chances_to_pass_on_the_page_are_what_the_gate_does(row):
    target, conditions, true_rate, *shown = row
    alpha = 0.05 / conditions / version_price(1)
    chance = chance_to_pass(true_rate / 100, 1000, target=target / 100, alpha=alpha)

    assert [round(float(chance[n - 1]) * 100, 1) for n in (60, 120, 240, 500, 1000)] == pytest.approx(shown, abs=0.051)


def test_every_module_of_the_estimates_is_on_the_page():
    folder = Path(__file__).parents[3] / "simulator" / "kubernaut_simulator" / "estimation"
    # `columns` reads tables and estimates nothing.
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "columns"}
    page = PAGE.read_text(encoding="utf-8")

    assert {name for name in modules if f"`{name}`" not in page} == set()
