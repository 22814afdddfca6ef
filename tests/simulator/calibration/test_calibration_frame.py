import json
import re

import pandas as pd
import pytest
from helpers.command_line import kubernaut
from kubernaut_simulator.calibration import registry
from kubernaut_simulator.calibration.calibration import calibrate
from kubernaut_simulator.calibration.claims import Claim, Verdict
from kubernaut_simulator.calibration.figures import share_of_worlds
from kubernaut_simulator.calibration.page import page, write_page
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator, proof_name
from kubernaut_simulator.calibration.registry import PROOFS, chosen_proofs, proofs_by_name

from kubernaut.errors import InputError


def _chart(cells):
    import plotly.graph_objects as go

    return go.Figure(go.Bar(x=cells["rate"], y=cells["share"]), layout={"title": "Worlds that covered"})


def made(name, *, k, worlds=1000, size=Size.REDUCED, seed=0):
    figure = share_of_worlds(k, worlds)
    return ProofResult(
        name=name,
        heading=f"Coverage, of {name}",
        question="Does it cover?",
        method="Worlds of one rate.",
        claims=[Claim(text="covers in at least 95 %", figure=figure, at_least=0.95, tolerance=0.02, where="rate 5%")],
        cells=pd.DataFrame({"rate": [0.05, 0.1], "share": [k / worlds, 1.0], "hidden": [1, 2]}),
        meanings={"rate": "true rate", "share": "worlds that covered", "hidden": "nothing"},
        chart=_chart,
        size=size,
        seed=seed,
        naive="It does not look.",
        limits=("One rate only.",),
        shown_columns=["rate", "share"],
        share_columns=("rate", "share"),
        shown_rows=lambda cells: cells[cells["rate"] < 0.1],
    )


def kept(size, seed):
    return made("kept", k=960, size=size, seed=seed)


def missed(size, seed):
    return made("missed", k=900, size=size, seed=seed)


def open_question(size, seed):
    return made("open-question", k=9, worlds=10, size=size, seed=seed)


@pytest.fixture
def three(monkeypatch):
    monkeypatch.setattr(registry, "PROOFS", (kept, missed, open_question))


def test_names_are_those_of_the_functions_and_each_is_there_once():
    names = [proof_name(proof) for proof in PROOFS]

    assert len(set(names)) == len(names)
    assert {"coverage", "wrong-flips", "power", "after-enforcement", "wrong-labels"} <= set(names)
    assert list(proofs_by_name()) == names


def test_an_unknown_proof_is_bad_input_and_names_those_there_are(three):
    with pytest.raises(InputError, match=r"no proof 'covrage'; there are: kept, missed, open-question"):
        chosen_proofs(["covrage"])
    assert kubernaut("calibrate", "--only", "covrage").code == 1


def test_random_numbers_depend_on_seed_and_part_alone():
    first = generator(1, "coverage", "0.05").random(3)

    assert first.tolist() == generator(1, "coverage", "0.05").random(3).tolist()
    assert first.tolist() != generator(1, "coverage", "0.1").random(3).tolist()
    assert first.tolist() != generator(2, "coverage", "0.05").random(3).tolist()


def test_one_line_a_claim_and_2_when_one_is_not_held(three):
    ran = kubernaut("calibrate", "--quick", "--seed", 3)
    lines = [line for line in ran.out.splitlines() if "covers in at least 95 %" in line]

    assert ran.code == 2
    assert ran.err == "not held: missed: covers in at least 95 %\n"
    assert ran.out.startswith("Proof on known truth: 3 claims, 1 held, 1 not shown, 1 not held\n")
    assert [re.split(r"\s{2,}", line)[:4] for line in lines] == [
        ["kept", "covers in at least 95 %", "held", "96.00 %"],
        ["missed", "covers in at least 95 %", "not held", "90.00 %"],
        ["open-question", "covers in at least 95 %", "not shown", "90.00 %"],
    ]


def test_what_is_not_shown_does_not_fail(three):
    assert kubernaut("calibrate", "--only", "kept", "--only", "open-question").code == 0


def test_json_holds_claims_and_cells(three):
    document = json.loads(kubernaut("calibrate", "--only", "kept", "-o", "json").out)

    assert [row["verdict"] for row in document["rows"]] == ["held"]
    (proof,) = document["proofs"]
    assert proof["rows"] == [
        {"rate": 0.05, "share": 0.96, "hidden": 1},
        {"rate": 0.1, "share": 1.0, "hidden": 2},
    ]
    assert proof["columns"]["hidden"] == "nothing"
    assert (proof["name"], proof["verdict"], document["summary"]["size"]) == ("kept", "held", "full")


def test_html_holds_every_proof_and_a_chart(three):
    ran = kubernaut("calibrate", "--only", "kept", "-o", "html")

    assert ran.code == 0
    assert "Coverage, of kept" in ran.out
    assert "right of 0 the claim is kept" in ran.out


def test_the_page_tells_each_proof_with_its_picture_and_no_date(three, tmp_path):
    found = calibrate(chosen_proofs([]), size=Size.REDUCED, seed=3)
    written = write_page(found, tmp_path)
    text = (tmp_path / "statistics.md").read_text()

    assert [path.name for path in written] == ["statistics.md", "kept.svg", "missed.svg", "open-question.svg"]
    assert "| 5.0 % | 96.0 % |" in text
    assert "1 more rows: `kubernaut calibrate --only kept -o json`" in text
    assert "`rate`: true rate; `share`: worlds that covered." in text
    assert "*The naive method.* It does not look." in text
    assert "*Limits.* One rate only." in text
    assert "[kept](#coverage-of-kept)" in text
    assert "--quick --seed 3" in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)
    assert (tmp_path / "statistics" / "kept.svg").read_text().startswith(("<svg", "<?xml"))


def test_the_page_differs_from_run_to_run_in_its_time_alone(three):
    chosen = chosen_proofs([])
    pages = [
        re.sub(r"It took .* processor time", "", page(calibrate(chosen, size=Size.REDUCED, seed=3))) for _ in range(2)
    ]

    assert pages[0] == pages[1]


def test_a_proof_is_a_result_like_all_others():
    result = kept(Size.REDUCED, 7)

    assert result.verdict is Verdict.HELD
    assert "claim 1" in result.text()
    assert "reduced, 7" in result.text()
    assert "hidden" in result.text(wide=True)
    assert result.page_table()["rate"].tolist() == ["5.0 %"]
    assert "<table" in result.html()
    assert result.plot().data


@pytest.mark.slow
def test_processes_change_nothing_but_the_time():
    chosen = chosen_proofs(["power", "wrong-labels"])
    alone = calibrate(chosen, size=Size.REDUCED, seed=5)
    beside = calibrate(chosen, size=Size.REDUCED, seed=5, jobs=2)

    pd.testing.assert_frame_equal(alone.data, beside.data)
    for one, other in zip(alone.proofs, beside.proofs, strict=True):
        pd.testing.assert_frame_equal(one.cells, other.cells)
