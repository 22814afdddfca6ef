"""What must hold for any stage, any world, any order of events and any restart."""

from dataclasses import replace

from helpers.verification_worlds import PASS, not_yet, post_stages, pre_stages, settling_worlds_of, world, worlds_of
from helpers.virtual_clock import START, drive
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.identity import Phase
from kubernaut.verdicts import Code, Verdict
from kubernaut.verification.polls import gap_limit_s
from kubernaut.verification.post_stage import observed_to_timeout
from kubernaut.verification.postcondition import terms_of
from kubernaut.verification.settle import Recorded, settle, settled_of
from kubernaut.verification.stage_step import may_stop
from kubernaut.verification.types import (
    EndCause,
    EnforcementSwitched,
    ObservationEnded,
    Override,
    OverridesSeen,
    StagePhase,
)

stages = st.one_of(post_stages(), pre_stages())
reads_s = st.sampled_from([0.0, 0.05, 0.7])
lates_s = st.sampled_from([0.0, 0.1])
MORE = settings(max_examples=100, deadline=None)


@st.composite
def aways(draw):
    gone_s = draw(st.floats(0.0, 150.0))
    return [(gone_s, round(gone_s + draw(st.floats(0.5, 400.0)), 3))]


@st.composite
def happenings(draw, spec):
    """Observations in any order, at any time."""
    keys = [item.key for item in spec.conditions]
    events = st.one_of(
        st.booleans().map(lambda on: EnforcementSwitched(enforcement=on)),
        st.sets(st.sampled_from(keys)).map(
            lambda some: OverridesSeen(overrides={key: Override(by="ann", reason="why") for key in sorted(some)})
        ),
        st.sampled_from(list(EndCause)).map(lambda cause: ObservationEnded(cause=cause)),
    )
    told = draw(st.lists(st.tuples(st.floats(0, 250).map(lambda s: round(s, 3)), events), max_size=5))
    return sorted(told, key=lambda pair: pair[0])


def decision_of(run):
    """Everything that must be the same after a restart."""
    status = run.status
    return (
        status.phase,
        status.stopped_by,
        status.message,
        dict(status.overridden),
        status.ended,
        dict(status.preconditions),
        dict(status.postconditions),
        status.decided_at,
    )


@MORE
@given(st.data(), stages, reads_s, lates_s, aways())
def test_every_stage_ends_whatever_happens(data, spec, read_s, late_s, away):
    run = drive(
        spec,
        data.draw(worlds_of(spec)),
        observations=data.draw(happenings(spec)),
        read_s=read_s,
        late_s=late_s,
        away=away,
    )

    assert run.status.over
    assert run.status.phase not in (StagePhase.EVALUATING, StagePhase.VERIFYING)
    assert all(run.status.verdict(item.key) is not None for item in spec.conditions)
    assert {key for key, _ in run.evaluated} == {item.key for item in spec.conditions}


@MORE
@given(st.data(), post_stages(), reads_s, lates_s, st.lists(aways(), max_size=2))
def test_nothing_passes_on_a_read_begun_after_its_deadline(data, spec, read_s, late_s, away):
    run = drive(
        spec,
        data.draw(worlds_of(spec)),
        read_s=read_s,
        late_s=late_s,
        away=sorted(span for spans in away for span in spans),
    )

    for item in spec.conditions:
        state = run.status.postconditions[item.key]
        if state.verdict is Verdict.PASSED:
            deciding = {look.slot: look for look in run.looks(item.key)}[state.settled_slot]
            assert deciding.judgement.code is Code.PASSED
            assert deciding.began_s <= state.deadline_s
            assert deciding.began_s - state.held_since_s >= item.condition.hold_for_s - 1e-6 or (
                item.condition.hold_for_s == 0.0
            )
        if not state.extended:
            assert state.deadline_s == item.condition.timeout_s


@MORE
@given(st.data(), stages, reads_s, st.sets(st.integers(0, 60), max_size=6))
def test_a_restart_that_remembers_everything_changes_nothing(data, spec, read_s, points):
    scripted, told = data.draw(worlds_of(spec)), data.draw(happenings(spec))
    plain = drive(spec, scripted, observations=told, read_s=read_s)
    restarted = drive(spec, scripted, observations=told, read_s=read_s, restarts=dict.fromkeys(points, "json"))

    assert decision_of(restarted) == decision_of(plain)
    assert restarted.schedule() == plain.schedule()


@MORE
@given(st.data(), stages, st.sets(st.integers(0, 60), min_size=1, max_size=4))
def test_a_restart_from_what_was_stored_comes_to_the_same_end(data, spec, points):
    """Looks that decided nothing are not stored, so the current poll is taken once more.

    In a world that makes up its mind once, that cannot change a verdict: only a hold may be seen to begin a little
    earlier. Reads take no time here: a lost answer is read again at the very same moment.
    """
    scripted, told = data.draw(settling_worlds_of(spec)), data.draw(happenings(spec))
    plain = drive(spec, scripted, observations=told, read_s=0.0)
    restarted = drive(spec, scripted, observations=told, read_s=0.0, restarts=dict.fromkeys(points, "stored"))

    sooner = [
        item.key
        for item in spec.conditions
        if spec.phase is Phase.POST
        and plain.status.verdict(item.key) is not Verdict.PASSED
        and restarted.status.verdict(item.key) is Verdict.PASSED
    ]
    for item in spec.conditions:
        if item.key in sooner:
            assert item.condition.hold_for_s > 0.0
            continue
        assert restarted.status.verdict(item.key) is plain.status.verdict(item.key)
        if spec.phase is Phase.POST:
            before, after = plain.status.postconditions, restarted.status.postconditions
            assert after[item.key].deadlines_s == before[item.key].deadlines_s
    if not sooner:
        assert restarted.status.phase is plain.status.phase
        assert restarted.status.stopped_by == plain.status.stopped_by


@MORE
@given(st.data(), post_stages(), reads_s, lates_s, aways())
def test_enforcement_never_changes_what_is_evaluated(data, spec, read_s, late_s, away):
    scripted = data.draw(worlds_of(spec))
    runs = [
        drive(
            replace(spec, conditions=tuple(replace(item, enforced=enforced) for item in spec.conditions)),
            scripted,
            observations=told,
            read_s=read_s,
            late_s=late_s,
            away=away,
        )
        for enforced, told in (
            (True, ()),
            (False, ()),
            (True, [(7.0, EnforcementSwitched(enforcement=False))]),
        )
    ]

    assert runs[0].schedule() == runs[1].schedule()
    assert runs[0].status.postconditions == runs[1].status.postconditions
    assert [a.judgement for a in runs[0].attempts] == [a.judgement for a in runs[1].attempts]
    for item in spec.conditions:
        assert runs[2].status.verdict(item.key) is runs[0].status.verdict(item.key)


@MORE
@given(st.data(), pre_stages())
def test_enforcement_never_changes_the_vote_of_a_precondition(data, spec):
    scripted = data.draw(worlds_of(spec))
    strict, lax = (
        drive(
            replace(spec, conditions=tuple(replace(item, enforced=enforced) for item in spec.conditions)),
            scripted,
        )
        for enforced in (True, False)
    )

    assert [strict.status.verdict(item.key) for item in spec.conditions] == [
        lax.status.verdict(item.key) for item in spec.conditions
    ]
    assert strict.reads[0] == lax.reads[0]
    assert lax.status.phase is StagePhase.PASSED


@MORE
@given(st.data(), stages, aways())
def test_enforcing_less_never_stops_more(data, spec, away):
    scripted = data.draw(worlds_of(spec))
    some = data.draw(st.sets(st.sampled_from([item.key for item in spec.conditions])))
    fewer = replace(
        spec,
        conditions=tuple(replace(item, enforced=item.enforced and item.key in some) for item in spec.conditions),
    )
    strict, lax = (drive(each, scripted, away=away) for each in (spec, fewer))

    if strict.status.phase is StagePhase.PASSED:
        assert lax.status.phase is StagePhase.PASSED
        assert lax.status.decided_at <= strict.status.decided_at
    assert not any(
        may_stop(item, strict.status) is False and item.key in strict.status.stopped_by for item in spec.conditions
    )


@MORE
@given(st.data(), post_stages(), reads_s, lates_s, st.one_of(st.just([]), aways()))
def test_folding_the_recorded_looks_comes_to_what_was_decided(data, spec, read_s, late_s, away):
    run = drive(
        spec,
        data.draw(worlds_of(spec)),
        observations=data.draw(happenings(spec)),
        read_s=read_s,
        late_s=late_s,
        away=away,
    )

    for item in spec.conditions:
        state, terms = run.status.postconditions[item.key], terms_of(item.condition)
        decided = settled_of(state)
        if decided.verdict is Verdict.SKIPPED or state.last_slot < 0:
            continue
        recorded = Recorded(
            terms=terms,
            observed_s=state.deadline_s if decided.verdict in (Verdict.FAILED, Verdict.ERROR) else decided.settled_s,
            passed_s=decided.settled_s if decided.verdict is Verdict.PASSED else None,
        )
        replayed = settle(run.looks(item.key), terms, recorded=recorded)
        assert replayed.replayable
        assert (replayed.verdict, replayed.reason) == (decided.verdict, decided.reason)
        assert replayed.time_to_pass_s == decided.time_to_pass_s
        assert replayed.time_to_pass_lower_s == decided.time_to_pass_lower_s
        assert (replayed.attempts, replayed.deadline_s) == (decided.attempts, decided.deadline_s)
        if decided.verdict is not Verdict.CENSORED:
            assert replayed.message == decided.message


@MORE
@given(st.data(), post_stages(), st.sampled_from([0.0, 0.05, 0.7, 9.0, 40.0]), lates_s)
def test_no_deadline_moves_while_somebody_looks(data, spec, read_s, late_s):
    """Slow reads included: a read under way is somebody looking.

    A read across the deadline may begin after it where another condition's was under way; that is as it was.
    """
    run = drive(spec, data.draw(worlds_of(spec)), read_s=read_s, late_s=late_s)

    for item in spec.conditions:
        state = run.status.postconditions[item.key]
        began_in_time = all(look.began_s <= item.condition.timeout_s for look in run.looks(item.key))
        assert not (state.extended and began_in_time)


@MORE
@given(st.data(), post_stages(), st.floats(0.0, 250.0), st.floats(0.5, 250.0), reads_s)
def test_a_hold_that_is_there_when_somebody_is_back_is_seen(data, spec, gone_s, away_s, read_s):
    # One condition: another's read under way may cost the poll on the deadline, which is no absence.
    spec = replace(spec, conditions=spec.conditions[:1])
    back_s = round(gone_s + away_s, 3)
    there_s = data.draw(st.floats(0.0, back_s))
    scripted = world({item.key: [(0.0, not_yet()), (there_s, PASS)] for item in spec.conditions})
    run = drive(spec, scripted, away=[(gone_s, back_s)], read_s=read_s)

    for item in spec.conditions:
        state = run.status.postconditions[item.key]
        looks = run.looks(item.key)
        times = [0.0, *(look.read_s for look in looks)]
        absent = [
            at
            for at, look in enumerate(looks)
            if look.began_s - times[at] > gap_limit_s(times[at], item.condition.poll_interval_s) + 1e-6
        ]
        if absent and looks[absent[-1]].judgement.code is Code.PASSED and state.last_slot == looks[-1].slot:
            assert state.verdict is Verdict.PASSED


@MORE
@given(st.data(), post_stages(), st.sets(st.integers(0, 60), min_size=1, max_size=4), aways())
def test_a_restart_moves_no_deadline_and_hides_no_absence(data, spec, points, away):
    """With everything lost that was not stored, and an absence: live and replayed from the record, the same end."""
    scripted = data.draw(settling_worlds_of(spec))
    run = drive(spec, scripted, read_s=0.0, away=away, restarts=dict.fromkeys(points, "stored"))

    for item in spec.conditions:
        if item.condition.hold_for_s == 0.0:
            continue
        state = run.status.postconditions[item.key]
        replayed = settle(run.looks(item.key), terms_of(item.condition))
        assert replayed.deadline_s == state.deadline_s


@MORE
@given(
    st.data(),
    stages,
    st.dictionaries(st.integers(1, 60), st.floats(0.1, 500.0).map(lambda s: round(s, 3)), max_size=6),
)
def test_a_clock_set_back_breaks_nothing(data, spec, set_back):
    run = drive(spec, data.draw(worlds_of(spec)), clock_set_back=set_back)

    assert run.status.over
    assert run.status.decided_at >= START


@MORE
@given(st.data(), post_stages(), reads_s)
def test_a_slot_is_read_once(data, spec, read_s):
    run = drive(spec, data.draw(worlds_of(spec)), read_s=read_s)
    named = [(attempt.key, attempt.slot) for attempt in run.attempts]

    assert len(set(named)) == len(named)
    for item in spec.conditions:
        slots = [slot for key, slot in named if key == item.key]
        assert slots == sorted(slots)
    assert observed_to_timeout(spec) == (spec.observed_share == 1.0)
