"""From records and notes to a data set, its sheet, and the table beside a generated world; the records are a world's here."""

import pandas as pd
import pytest
from kubernaut_simulator.history.history import History
from kubernaut_simulator.worlds.generate import generate

from kubernaut.errors import InputError

from .collecting import FAULTS_FILE, faults_frame, recorded, write_dataset
from .comparing import CAUSES, compare, like_the_campaign
from .plan import Fault
from .sheet import sheet_text
from .test_campaign_looking import note

FAULTS = [Fault.HEALTHY] * 6 + [Fault.NO_CPU, Fault.CRASH_AT_START, Fault.CRASH_ONCE]


@pytest.fixture(scope="module")
def planned():
    return [note(f"planned-{number}", fault=fault) for number, fault in enumerate(FAULTS)]


@pytest.fixture(scope="module")
def world(planned):
    return History.from_rows(generate(like_the_campaign(planned), incidents=40, seed=5).rows)


@pytest.fixture(scope="module")
def notes(world):
    workflows = world.frame("workflows")
    return [
        note(row.incident_id, uid=row.workflow_uid, outcome=row.outcome, fault=Fault.HEALTHY)
        for row in workflows.head(25).itertuples()
    ]


@pytest.fixture(scope="module")
def ours(world, notes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    world.to_jsonl(folder, compress=True)
    return recorded([folder, folder / "not-there"], notes)


def test_only_the_campaigns_runs_are_taken_and_those_whole(world, ours, notes):
    uids = {one.workflow_uid for one in notes}

    assert set(ours.frame("workflows")["workflow_uid"]) == uids
    evaluations = world.frame("evaluations")
    assert len(ours.evaluations) == evaluations["workflow_uid"].isin(uids).sum()
    assert set(ours.frame("attempts")["evaluation_id"]) <= set(ours.frame("evaluations")["record_id"])
    assert set(ours.frame("evaluations")["policy_digest"]) <= set(ours.frame("policies")["digest"])


def test_without_a_noted_incident_there_is_no_data_set(tmp_path):
    with pytest.raises(InputError, match="run the campaign first"):
        recorded([tmp_path], [])


def test_the_faults_lie_beside_the_history_and_are_not_loaded_with_it(ours, notes, tmp_path):
    write_dataset(tmp_path, ours, notes)

    assert History.load(tmp_path).digest == ours.digest
    faults = pd.read_parquet(tmp_path / FAULTS_FILE)
    assert faults.equals(faults_frame(notes))


def test_the_sheet_says_how_it_was_made_and_counts_what_is_there(ours, notes):
    text = sheet_text(ours, notes, {"seed": "7"}, None)

    assert "- seed: 7" in text
    assert f"| `workflows.parquet` | {len(notes)} |" in text
    assert "| `healthy` | 25 |" in text
    assert "generated world" not in text


def test_a_history_agrees_with_itself(ours):
    found = compare(ours, ours)

    assert found.rates["meet"].all()
    assert found.curves["meet"].all()
    assert "differ" not in found.text()


def test_another_rate_is_marked(ours):
    found = compare(ours, ours)
    rates = found.rates.assign(meet=False)

    assert "**differ**" in type(found)(rates=rates, curves=found.curves).text()


def test_every_fault_has_a_cause_in_generated_worlds():
    assert set(CAUSES) == set(Fault)
