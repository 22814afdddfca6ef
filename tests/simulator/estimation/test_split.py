import pytest
from helpers.vote_frames import Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.split import split_in_time
from kubernaut_simulator.estimation.votes import cast_votes

from kubernaut.errors import HistoryError


def votes_of(starts, later=()):
    rows = Rows()
    for i, hour in enumerate(starts):
        rows.run(f"i{i}", {"a": "Passed", "b": "Passed"}, hour=hour)
    for i, hour in later:
        rows.run(f"i{i}", {"c": "Passed"}, hour=hour)
    return cast_votes(*rows.frames(), as_of=hours(1e6)).data


def test_the_first_sixty_percent_of_incidents_are_searched_and_the_others_judge():
    split = split_in_time(votes_of(range(10)), candidates_compared=36)

    assert (split.search_incidents, split.gate_incidents) == (6, 4)
    assert split.cut_at == hours(6)
    assert split.text() == (
        "searched 6 incidents before 2025-03-01 06:00 UTC, gate on 4 after it; 36 candidates compared"
    )


def test_all_votes_of_an_incident_are_on_the_side_of_its_first_run():
    split = split_in_time(votes_of(range(10), later=[(0, 50)]))

    assert set(split.search["incident_id"]) & set(split.gate["incident_id"]) == set()
    assert "i0" in set(split.search["incident_id"])
    assert (split.search["condition"] == "scale_deployment/step/pre/c").sum() == 1


def test_a_cut_made_earlier_stays_where_it_is():
    early = split_in_time(votes_of(range(10)))
    later = split_in_time(votes_of(range(30)), cut_at=early.cut_at)

    assert set(early.gate["incident_id"]) <= set(later.gate["incident_id"])
    assert later.search_incidents == 6


def test_nothing_to_cut_is_said():
    with pytest.raises(HistoryError, match="no incident has a vote"):
        split_in_time(votes_of([0]).iloc[:0])


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(HistoryError, match="must lie between 0 and 1"):
        split_in_time(votes_of([0]), search_share=share)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=20), st.floats(0.05, 0.95))
def test_every_vote_is_on_one_side_and_every_gate_incident_starts_after_every_searched_one(starts, share):
    votes = votes_of(starts)
    split = split_in_time(votes, search_share=share)

    assert len(split.search) + len(split.gate) == len(votes)
    assert split.gate_incidents > 0
    if len(split.search):
        assert split.search["run_started_at"].max() < split.gate["run_started_at"].min()
