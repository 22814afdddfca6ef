from pathlib import Path

import pytest
from kubernaut_simulator.rollout.budget_course import budget_course

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "rollout.md"


def rows_of_the_budget_table():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| limit | set back"))
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            return
        yield [float(cell.strip().rstrip(" %")) for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("row", list(rows_of_the_budget_table()))
def test_the_budgets_on_the_page_are_what_the_engine_does(row):
    limit = row[0] / 100
    right, double, triple = (budget_course(factor * limit, limit=limit) for factor in (1, 2, 3))
    seen = [double.incidents_at(0.5), double.blocks_at(0.5), double.blocks_at(0.95), triple.incidents_at(0.5)]

    assert round(right.spent[-1] * 100, 2) == row[1]
    assert [*seen, triple.blocks_at(0.95)] == row[2:]


def test_every_module_is_on_the_page():
    folder = ROOT / "simulator" / "kubernaut_simulator"
    modules = {path.stem for room in ("rollout", "effect") for path in (folder / room).glob("*.py")}
    page = PAGE.read_text(encoding="utf-8")

    assert {name for name in modules - {"__init__", "effect"} if f"`{name}`" not in page} == set()
