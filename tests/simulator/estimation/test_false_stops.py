from helpers.vote_frames import Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.clustering import Unit
from kubernaut_simulator.estimation.false_stops import false_stops, false_stops_table
from kubernaut_simulator.estimation.votes import cast_votes


def history():
    rows = Rows()
    hour = 0
    for verdict, outcome, times in [
        ("Passed", "effective", 20),
        ("Failed", "effective", 3),
        ("Error", "effective", 2),
        ("Failed", "ineffective", 6),
        ("Passed", "ineffective", 4),
        ("Failed", "inconclusive", 5),
        ("Censored", "effective", 1),
    ]:
        for _ in range(times):
            rows.run(f"i{hour}", {"a": verdict}, hour=hour * 25, outcome=outcome)
            hour += 1
    rows.run("o1", {"a": "Failed"}, evaluation={"overridden": True}, hour=hour * 25)
    return rows


def estimate(rows):
    return false_stops(cast_votes(*rows.frames(), as_of=hours(1e5)).data)


def test_every_reading_of_the_question_has_its_own_denominator():
    (found,) = estimate(history())
    rates = found.rates

    assert (rates.failed_given_good.k, rates.failed_given_good.n) == (3, 25)
    assert (rates.error_given_good.k, rates.error_given_good.n) == (2, 25)
    assert (rates.stop_given_good.k, rates.stop_given_good.n) == (5, 25)
    assert (rates.good_given_failed.k, rates.good_given_failed.n) == (3, 9)
    assert (rates.failed_and_good.k, rates.failed_and_good.n) == (3, 35)
    assert (found.overridden.k, found.overridden.n) == (1, 1)
    assert found.without_outcome == {"inconclusive": 5, "overridden": 1}
    assert found.censored == 1
    assert found.votes == 42
    assert found.unit is Unit.INCIDENT
    assert found.wilson.lower < 0.2 < found.wilson.upper
    assert found.korn_graubard is None


def test_one_outage_is_counted_as_one_target_day():
    rows = Rows()
    for i in range(20):
        rows.run(f"calm{i}", {"a": "Passed"}, hour=24 * i)
    for i in range(20):
        rows.run(f"outage{i}", {"a": "Failed"}, hour=24 * 40 + i)
    (found,) = estimate(rows)

    assert found.unit is Unit.TARGET_DAY
    assert (found.rates.stop_given_good.k, found.rates.stop_given_good.n) == (20, 40)
    assert (found.shown.stop_given_good.k, found.shown.stop_given_good.n) == (1, 21)


def test_health_labels_are_shown_but_not_among_the_independent():
    rows = Rows()
    rows.run("i1", {"a": "Failed"}, source="health")
    rows.run("i2", {"a": "Passed"}, hour=1)
    (found,) = estimate(rows)

    assert (found.rates.stop_given_good.k, found.rates.stop_given_good.n) == (1, 2)
    assert (found.independent.stop_given_good.k, found.independent.stop_given_good.n) == (0, 1)
    assert found.not_in_gate == {"label is not independent of the condition's facts": 1}


def test_any_run_counts_an_incident_whose_later_good_run_was_stopped():
    rows = Rows()
    rows.run("i1", {"a": "Passed"}, hour=0)
    rows.run("i1", {"a": "Failed"}, hour=1)
    (found,) = estimate(rows)

    assert (found.rates.stop_given_good.k, found.any_run.k, found.any_run.n) == (0, 1, 1)


def test_the_table_has_a_row_for_each_rate_and_unit():
    table = false_stops_table(estimate(history()))
    row = table[(table["unit"] == "incident") & (table["rate"] == "P(stop|G)")].iloc[0]

    assert row["text"] == "5/25 = 20.0 % (upper 95 % 37.5 %)"
    assert len(table) == 17
    assert set(table["unit"]) == {
        "incident", "target-day", "incident, independent labels", "any run", "overridden incident",
    }  # fmt: skip


def test_from_sixty_incidents_the_clustered_interval_is_shown():
    rows = Rows()
    for i in range(60):
        rows.run(f"i{i}", {"a": "Failed" if i % 12 == 0 else "Passed"}, hour=25 * i)
    (found,) = estimate(rows)

    assert found.korn_graubard.lower < 5 / 60 < found.korn_graubard.upper


def test_no_votes_are_no_rows():
    rows = Rows()
    rows.run("i1", {"a": "Skipped"})

    assert estimate(rows) == []
    assert false_stops_table([]).empty


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Passed", "Failed", "Error", "Censored"]),
            st.sampled_from(["effective", "ineffective", "inconclusive", None]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_counts_add_up_whatever_happened(runs):
    rows = Rows()
    for i, (verdict, outcome) in enumerate(runs):
        rows.run(f"i{i}", {"a": verdict}, outcome=outcome, hour=i)
    (found,) = estimate(rows)
    rates = found.rates

    assert rates.stop_given_good.k == rates.failed_given_good.k + rates.error_given_good.k
    assert rates.failed_given_good.k == rates.good_given_failed.k == rates.failed_and_good.k
    assert rates.failed_and_good.n + found.censored + sum(found.without_outcome.values()) == found.votes
