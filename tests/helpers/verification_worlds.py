"""Stages and scripted worlds for the tests of verification, by hand and as hypothesis strategies."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification.types import StageCondition, StageSpec

from .virtual_clock import World

PASS = Judgement(Code.PASSED, Reason.ALLOWED)
ERROR = Judgement(Code.ERROR, Reason.FACT_UNOBSERVED, "pods: Forbidden")
FATAL = Judgement(Code.FAILED, Reason.FATAL, "the image does not exist", fatal=True)


def not_yet(message: str = "3 of 5 pods ready") -> Judgement:
    """Give a judgement that has not passed."""
    return Judgement(Code.FAILED, Reason.NOT_ALLOWED, message)


def condition(type_: str = "ready", *, phase: Phase = Phase.POST, **changes: Any) -> ResolvedCondition:
    """Give a resolved condition."""
    fields: dict[str, Any] = {
        "id": ConditionId("scale_deployment", Level.STEP, phase, type_),
        "description": "",
        "policy_digest": f"digest-of-{type_}",
        "policy_source": PolicySource.SHIPPED,
        "required": True,
        "rollout_percent": 50.0,
        "timeout_s": 120.0 if phase is Phase.POST else 30.0,
    }
    return ResolvedCondition(**(fields | changes))


def entry(type_: str = "ready", *, enforced: bool = True, **changes: Any) -> StageCondition:
    """Give a condition of a stage."""
    return StageCondition(condition=condition(type_, **changes), enforced=enforced)


def stage(*entries: StageCondition, phase: Phase = Phase.POST, **changes: Any) -> StageSpec:
    """Give a stage that is not observed after a pass, unless said otherwise."""
    fields: dict[str, Any] = {"uid": "run-1", "observed_share": 0.0}
    return StageSpec(level=Level.STEP, phase=phase, conditions=entries, **(fields | changes))


def script(changes: Sequence[tuple[float, Judgement]]) -> Callable[[float], Judgement]:
    """Give a function of time that says each judgement from its moment on; the first from the start."""
    moments = [moment for moment, _ in changes]
    return lambda at_s: changes[max(bisect_right(moments, at_s) - 1, 0)][1]


def world(scripts: Mapping[str, Sequence[tuple[float, Judgement]]]) -> World:
    """Give a world of scripts by condition key."""
    told = {key: script(changes) for key, changes in scripts.items()}
    return lambda key, at_s: told[key](at_s)


def one(*changes: tuple[float, Judgement]) -> World:
    """Give a world that says the same of every condition."""
    told = script(changes)
    return lambda _key, at_s: told(at_s)


judgements = st.sampled_from([PASS, PASS, not_yet("1 of 5 pods ready"), not_yet(), ERROR, FATAL])
"""Fatal is one in six: most timelines must live long enough to be interesting."""

scripts = st.lists(st.tuples(st.floats(0.1, 60.0).map(lambda s: round(s, 3)), judgements), min_size=1, max_size=8).map(
    lambda spans: [
        (round(sum(length for length, _ in spans[:index]), 3), judgement) for index, (_, judgement) in enumerate(spans)
    ]
)


@st.composite
def post_entries(draw: st.DrawFn, type_: str) -> StageCondition:
    """Give postconditions of all sorts."""
    timeout_s = draw(st.sampled_from([3.0, 20.0, 60.0, 120.0, 200.5]))
    hold_for_s = draw(st.sampled_from([0.0, 0.0, 1.5, 10.0, 20.0]))
    return entry(
        type_,
        enforced=draw(st.booleans()),
        timeout_s=timeout_s,
        hold_for_s=hold_for_s if hold_for_s < timeout_s else 0.0,
        poll_interval_s=draw(st.sampled_from([None, None, 2.0, 5.0, 15.0])),
        candidate=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def post_stages(draw: st.DrawFn) -> StageSpec:
    """Give stages of one to three postconditions."""
    types = ["ready", "healthy", "quiet"][: draw(st.integers(1, 3))]
    return stage(
        *(draw(post_entries(type_)) for type_ in types),
        uid=draw(st.sampled_from(["run-1", "run-2", "run-3"])),
        observed_share=draw(st.sampled_from([0.0, 1.0])),
        wake_ahead_s=draw(st.sampled_from([0.0, 0.25])),
    )


@st.composite
def pre_stages(draw: st.DrawFn) -> StageSpec:
    """Give stages of one to three preconditions."""
    types = ["exists", "capacity", "current"][: draw(st.integers(1, 3))]
    return stage(
        *(
            entry(
                type_,
                phase=Phase.PRE,
                enforced=draw(st.booleans()),
                candidate=draw(st.sampled_from([False, False, True])),
            )
            for type_ in types
        ),
        phase=Phase.PRE,
        blocked_deadline_s=draw(st.sampled_from([0.0, 45.0, 300.0])),
        wake_ahead_s=draw(st.sampled_from([0.0, 0.25])),
    )


@st.composite
def worlds_of(draw: st.DrawFn, spec: StageSpec) -> World:
    """Give a world for all conditions of a stage."""
    return world({item.key: draw(scripts) for item in spec.conditions})


@st.composite
def settling_worlds_of(draw: st.DrawFn, spec: StageSpec) -> World:
    """Give a world in which every condition changes its mind once at most."""
    changes = st.tuples(st.floats(0.1, 150.0).map(lambda s: round(s, 3)), st.sampled_from([PASS, ERROR, FATAL]))
    told = {}
    for item in spec.conditions:
        at_s, judgement = draw(changes)
        told[item.key] = [(0.0, draw(st.sampled_from([PASS, not_yet(), ERROR]))), (at_s, judgement)]
        if told[item.key][0][1] is PASS:
            told[item.key].pop()
    return world(told)
