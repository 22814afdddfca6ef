"""What a caller sees, and what is noted of it."""

import itertools

from .plan import Fault
from .running import Journal, Note
from .serving import ASKED_FOR_EACH, ROUNDS, look


def note(incident_id, *, run=1, fault=Fault.HEALTHY, outcome="effective", uid="u1"):
    return Note(
        incident_id=incident_id,
        fault=fault.value,
        weather="calm",
        run=run,
        mended=False,
        before=1,
        need=2,
        delay_s=0.0,
        namespace=f"{incident_id}-0000",
        workflow_uid=uid,
        outcome=outcome,
    )


def test_as_many_pods_as_are_needed_serve():
    pods = itertools.cycle(["a", "b"])

    seen = look(lambda: next(pods), 2, between_s=0)

    assert (seen.asked, seen.answered, seen.pods) == (ROUNDS * ASKED_FOR_EACH * 2,) * 2 + (2,)
    assert seen.serves(2)
    assert not seen.serves(3)


def test_a_pod_that_is_gone_in_one_round_does_not_serve():
    pages = iter(["a", "b"] * 8 + ["a"] * 16 + ["a", "b"] * 8)

    assert not look(lambda: next(pages), 2, between_s=0).serves(2)


def test_refused_requests_are_no_service():
    pages = itertools.cycle(["a", "b", None])

    seen = look(lambda: next(pages), 2, between_s=0)

    assert seen.pods == 2
    assert not seen.serves(2)


def test_nobody_answers():
    seen = look(lambda: None, 1, between_s=0)

    assert (seen.answered, seen.pods) == (0, 0)
    assert not seen.serves(1)


def test_a_journal_keeps_whole_incidents_and_leaves_out_a_line_that_was_cut_off(tmp_path):
    journal = Journal(tmp_path / "out" / "journal.jsonl")
    assert journal.notes() == []

    journal.add([note("campaign-0001", outcome="ineffective"), note("campaign-0001", run=2)])
    journal.add([note("campaign-0002")])
    with (tmp_path / "out" / "journal.jsonl").open("a") as file:
        file.write('{"incident_id": "campaign-0003", "fau')

    again = Journal(tmp_path / "out" / "journal.jsonl").notes()
    assert [(one.incident_id, one.run) for one in again] == [
        ("campaign-0001", 1),
        ("campaign-0001", 2),
        ("campaign-0002", 1),
    ]
