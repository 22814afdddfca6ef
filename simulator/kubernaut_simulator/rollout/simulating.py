"""Many rollouts at once, from stage to stage, by the engine's hash, block budget and sequential test.

Target-days arrive as a Poisson stream and bring their incidents at once, in the order recorded. An incident is enrolled
by its bucket. Enrolled incidents count against each condition's block budget; good ones that are not enrolled move its
gate when their label has come of age. Nothing loops over incidents: the tests' thresholds are lines (`lines`), and
passing one is a comparison. What the figures mean for a plan is said in `plan`.

This module is longer than one idea needs because a stage's bookkeeping is one loop over chunks of the stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from kubernaut_simulator.rollout.dealing import NAMES, enrolled_names
from kubernaut_simulator.rollout.incidents import Codes, Flags
from kubernaut_simulator.rollout.lines import above_line, budget_line, go_line
from kubernaut_simulator.rollout.terms import DAY_S, RolloutTerms
from kubernaut_simulator.rollout.truths import Blocks, Floats

LINE_LENGTHS = (1_024, 4_096)
"""Trials that a line is computed for: few take the longer one. Beyond it nothing new is decided: a condition that 4,096
incidents have not shown to be right or wrong is at its limit for every practical purpose."""

CHUNK_INCIDENTS = (64, 1_024)
"""Fewest and most incidents of one rollout that are drawn at once: speed against memory."""

NO_STAGE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedRollouts:
    """What became of each simulated rollout.

    Attributes
    ----------
    true_rates : array of float, shape (n_rollouts, n_conditions)
        P(stop|G) of the truth that each was simulated in.
    days : array of float, shape (n_rollouts, n_stages)
        How long each stage lasted; NaN where it was not reached.
    left_up : array of bool, shape (n_rollouts, n_stages)
        Went on to the next stage; in the last stage: it could be measured.
    undecided : array of bool, shape (n_rollouts, n_stages)
        Reached its longest duration without an answer.
    set_back_in : array of int, shape (n_rollouts, n_conditions)
        Stage in which the condition was set back to warn, `NO_STAGE` if it never was.
    by_budget : array of bool, shape (n_rollouts, n_conditions)
        It was the block budget, not the holdout, that set it back.
    held_by : array of int, shape (n_rollouts, n_stages)
        The condition whose answer came last, or had not come; `NO_STAGE` where the stage was not reached.
    incidents, good_holdout, good_stopped, other_stopped : array of int, shape (n_rollouts, n_stages)
        Incidents; good ones not enrolled that may judge; enforced stops of good and of other incidents.
    """

    true_rates: Floats
    days: Floats
    left_up: Flags
    undecided: Flags
    set_back_in: Codes
    by_budget: Flags
    held_by: Codes
    incidents: Codes
    good_holdout: Codes
    good_stopped: Codes
    other_stopped: Codes

    def __len__(self) -> int:
        return len(self.days)

    @classmethod
    def joined(cls, parts: Sequence["SimulatedRollouts"]) -> "SimulatedRollouts":
        """Give several lots of rollouts as one."""
        return cls(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)})

    @property
    def reached(self) -> Flags:
        """Stages that were entered, shape (n_rollouts, n_stages)."""
        entered: Flags = ~np.isnan(self.days)
        return entered

    @property
    def went(self) -> Flags:
        """Conditions still enforced when the last stage was entered, shape (n_rollouts, n_conditions)."""
        last = self.days.shape[1] - 1
        before = (self.set_back_in != NO_STAGE) & (self.set_back_in < last)
        enforced: Flags = self.reached[:, [-1]] & ~before
        return enforced

    @property
    def set_back(self) -> Flags:
        """Conditions set back in any stage, shape (n_rollouts, n_conditions)."""
        back: Flags = self.set_back_in != NO_STAGE
        return back


def simulate_rollouts(
    blocks: Blocks,
    weights: Floats,
    *,
    terms: RolloutTerms,
    per_day: float,
    limits: Sequence[float | None],
    rng: np.random.Generator,
    rollout: str = "default",
    tested_together: int | None = None,
) -> SimulatedRollouts:
    """Simulate one rollout for each row of weights.

    Parameters
    ----------
    blocks : Blocks
    weights : array of float, shape (n_rollouts, n_blocks)
        The truth of each.
    per_day : float
        Incidents a day.
    limits : sequence of float or None, length n_conditions
        Block budgets; None where nothing was promised.
    rollout : str
        The key of settings.yaml that is mixed into the hash.
    tested_together : int or None
        Conditions that share the error; None means all of `blocks`.
    """
    run = _Run(
        blocks=blocks,
        weights=weights,
        terms=terms,
        per_day=per_day,
        limits=limits,
        rng=rng,
        rollout=rollout,
        alpha=terms.alpha_of_each(tested_together or len(limits)),
    )
    for stage in range(len(terms.stages)):
        run.play(stage)
    return run.result()


class _Run:
    """Arrays of all rollouts while they are played."""

    def __init__(
        self,
        *,
        blocks: Blocks,
        weights: Floats,
        terms: RolloutTerms,
        per_day: float,
        limits: Sequence[float | None],
        rng: np.random.Generator,
        rollout: str,
        alpha: float,
    ) -> None:
        self.blocks, self.terms, self.rng, self.rollout = blocks, terms, rng, rollout
        self.limits, self.alpha = limits, alpha
        rollouts, conditions, stages = len(weights), len(limits), len(terms.stages)
        self.rates = blocks.false_stop_rates(weights)
        self.blocks_per_day = per_day / blocks.mean_size(weights)
        wanted = float(np.clip(per_day * terms.minimum_days, *CHUNK_INCIDENTS))
        self.draws = max(2, int(np.ceil(wanted / float(blocks.mean_size(weights).mean()))))
        # One sorted array serves all rows: row r lies in (r, r + 1].
        cumulative = np.cumsum(weights, axis=1)
        cumulative[:, -1] = 1.0
        self.ladder = (np.minimum(cumulative, 1.0) + np.arange(rollouts)[:, None]).ravel()
        self.active = np.ones(rollouts, dtype=bool)
        self.days = np.full((rollouts, stages), np.nan)
        self.left_up = np.zeros((rollouts, stages), dtype=bool)
        self.undecided = np.zeros((rollouts, stages), dtype=bool)
        self.set_back_in = np.full((rollouts, conditions), NO_STAGE, dtype=np.int64)
        self.by_budget = np.zeros((rollouts, conditions), dtype=bool)
        self.held_by = np.full((rollouts, stages), NO_STAGE, dtype=np.int64)
        self.enforced = np.zeros((rollouts, conditions), dtype=np.int64)
        self.blocked = np.zeros((rollouts, conditions), dtype=np.int64)
        self.counts = {
            name: np.zeros((rollouts, stages), dtype=np.int64)
            for name in ("incidents", "good_holdout", "good_stopped", "other_stopped")
        }

    def play(self, stage: int) -> None:
        """Play one stage of every rollout that has come so far."""
        rollouts, conditions = self.set_back_in.shape
        start = _Stage(rollouts, conditions, longest=self.terms.longest_days)
        start.gone = self.set_back_in != NO_STAGE
        if self.terms.stages[stage] >= 100:
            # Nobody is left to judge: the stage is watched for its least duration.
            start.shown[:] = 0.0
        alive = self.active.copy()
        while alive.any():
            self._chunk(stage, start, np.flatnonzero(alive))
            alive &= start.covered < np.minimum(start.ends(self.terms), self.terms.longest_days)
        self._close(stage, start)

    def _close(self, stage: int, start: "_Stage") -> None:
        ends = start.ends(self.terms)
        late = ends > self.terms.longest_days
        last = np.minimum(ends, self.terms.longest_days)
        gone_now = ~start.gone & (start.set_back <= last[:, None]) & self.active[:, None]
        self.set_back_in[gone_now] = stage
        self.by_budget |= gone_now & start.by_budget
        self.held_by[self.active, stage] = start.answered().argmax(axis=1)[self.active]
        none_left = (self.set_back_in != NO_STAGE).all(axis=1)
        gone_at = np.where(gone_now, start.set_back, 0.0).max(axis=1, initial=0.0)
        self.days[self.active, stage] = np.where(none_left, gone_at, last)[self.active]
        self.left_up[:, stage] = self.active & ~late & ~none_left
        self.undecided[:, stage] = self.active & late & ~none_left
        self.active = self.left_up[:, stage].copy()
        # The budget's hypothesis is the condition on its terms, whatever the percentage: its counts go on.
        self.enforced += start.enforced
        self.blocked += start.blocked

    def _chunk(self, stage: int, start: "_Stage", rows: Codes) -> None:
        """Draw the next target-days of some rollouts and count them."""
        age = self.terms.label_age_s / DAY_S
        row, incident, when, covered = self._arrivals(start, rows)
        enrolled = enrolled_names(self.rollout, self.terms.stages[stage])[self.rng.integers(NAMES, size=len(row))]
        own = self.blocks.incidents
        good, seen, stop, judges = own.good[incident], own.seen[incident], own.stop[incident], own.judges[incident]
        target, last = self.terms.target_of(stage), self.terms.is_last(stage)
        for c, limit in enumerate(self.limits):
            enters = judges[:, c] & good & ~enrolled
            n = _running(enters, row, start.judged[:, c])
            k = _running(enters & stop[:, c], row, start.false_stops[:, c])
            trials = _line_length(n)
            at = np.minimum(n, trials)
            if last:
                shown = enters & (n >= self.terms.minimum)
            else:
                line = go_line(trials, target=target, alpha=self.alpha, minimum=self.terms.minimum)
                shown = enters & (k <= line[at])
            _first(start.shown[:, c], row, shown, when + age)
            above = above_line(trials, target=target, alpha=self.alpha, minimum=self.terms.minimum)
            wrong = np.full(len(start.shown), np.inf)
            _first(wrong, row, enters & (k >= above[at]), when + age)
            _earlier(start, c, wrong, budget=False)
            if limit is not None:
                counted = enrolled & seen[:, c]
                e = _running(counted, row, self.enforced[:, c] + start.enforced[:, c])
                b = _running(counted & stop[:, c], row, self.blocked[:, c] + start.blocked[:, c])
                trials = _line_length(e)
                fewest = budget_line(trials, limit=limit)[np.minimum(e, trials)]
                spent = np.full(len(start.shown), np.inf)
                _first(spent, row, counted & stop[:, c] & (b >= fewest) & (e <= trials), when)
                _earlier(start, c, spent, budget=True)
        start.covered[rows] = covered
        self._count(stage, start, row=row, incident=incident, when=when, enrolled=enrolled)

    def _arrivals(self, start: "_Stage", rows: Codes) -> tuple[Codes, Codes, Floats, Floats]:
        """Give, incident by incident, its rollout, its place in the history and its day; and how far each row came."""
        draws = (len(rows), self.draws)
        gaps = self.rng.standard_exponential(draws) / self.blocks_per_day[rows, None]
        days = start.covered[rows, None] + np.cumsum(gaps, axis=1)
        width = len(self.blocks.starts)
        points = self.rng.random(draws) + rows[:, None]
        block = np.searchsorted(self.ladder, points.ravel(), side="left") - np.repeat(rows, self.draws) * width
        block = np.clip(block, 0, width - 1)
        size = self.blocks.sizes[block]
        ends = np.cumsum(size)
        place = np.arange(int(ends[-1])) - np.repeat(ends - size, size)
        incident = np.repeat(self.blocks.starts[block], size) + place
        return np.repeat(np.repeat(rows, self.draws), size), incident, np.repeat(days.ravel(), size), days[:, -1]

    def _count(
        self, stage: int, start: "_Stage", *, row: Codes, incident: Codes, when: Floats, enrolled: Flags
    ) -> None:
        """Add up what lies within the stage; what was drawn beyond its end has not happened."""
        ends = np.minimum(start.ends(self.terms), self.terms.longest_days)
        inside = when <= ends[row]
        row, incident, when, enrolled = row[inside], incident[inside], when[inside], enrolled[inside]
        of_age = when + self.terms.label_age_s / DAY_S <= ends[row]
        own, size = self.blocks.incidents, len(self.days)
        good = own.good[incident]
        stopped = np.zeros(len(row), dtype=bool)
        judging = np.zeros(len(row), dtype=bool)
        for c in range(len(self.limits)):
            seen, stop = own.seen[incident, c], own.stop[incident, c]
            enters = own.judges[incident, c] & good & ~enrolled
            judging |= enters
            start.judged[:, c] += np.bincount(row[enters], minlength=size)
            start.false_stops[:, c] += np.bincount(row[enters & stop], minlength=size)
            counted = enrolled & seen
            start.enforced[:, c] += np.bincount(row[counted], minlength=size)
            start.blocked[:, c] += np.bincount(row[counted & stop], minlength=size)
            stopped |= counted & stop & ~start.gone[row, c] & (when <= start.set_back[row, c])
        for name, flags in (
            ("incidents", np.ones(len(row), dtype=bool)),
            ("good_holdout", judging & of_age),
            ("good_stopped", stopped & good),
            ("other_stopped", stopped & ~good),
        ):
            self.counts[name][:, stage] += np.bincount(row[flags], minlength=size)

    def result(self) -> SimulatedRollouts:
        """Give what has become of them."""
        return SimulatedRollouts(
            true_rates=self.rates,
            days=self.days,
            left_up=self.left_up,
            undecided=self.undecided,
            set_back_in=self.set_back_in,
            by_budget=self.by_budget,
            held_by=self.held_by,
            **self.counts,
        )


class _Stage:
    """Counts of one stage; all of shape (n_rollouts, n_conditions), days from the stage's begin."""

    def __init__(self, rollouts: int, conditions: int, *, longest: float) -> None:
        shape = (rollouts, conditions)
        self.covered = np.zeros(rollouts)
        self.longest = longest
        self.gone = np.zeros(shape, dtype=bool)
        self.shown = np.full(shape, np.inf)
        self.set_back = np.full(shape, np.inf)
        self.by_budget = np.zeros(shape, dtype=bool)
        self.judged = np.zeros(shape, dtype=np.int64)
        self.false_stops = np.zeros(shape, dtype=np.int64)
        self.enforced = np.zeros(shape, dtype=np.int64)
        self.blocked = np.zeros(shape, dtype=np.int64)

    def answered(self) -> Floats:
        """When each condition has its answer: shown, or set back; infinite while it has none."""
        times: Floats = np.where(self.gone, 0.0, np.minimum(self.shown, self.set_back))
        return times

    def ends(self, terms: RolloutTerms) -> Floats:
        """When each rollout leaves the stage, as far as is known; infinite while it is not.

        A condition has its answer when it has shown its case or has been set back. Without one left the rollout ends
        at once; otherwise the stage lasts its least duration too.
        """
        end = np.maximum(self.answered().max(axis=1), terms.minimum_days)
        gone = self.gone | (self.set_back <= end[:, None])
        emptied = np.where(self.gone, 0.0, self.set_back).max(axis=1)
        ends: Floats = np.where(gone.all(axis=1), np.minimum(end, emptied), end)
        return ends


def _line_length(trials: Codes) -> int:
    """How far a line must reach."""
    short, long = LINE_LENGTHS
    return short if int(trials.max(initial=0)) <= short else long


def _running(flags: Flags, row: Codes, before: Codes) -> Codes:
    """Count flags along each row's stretch, on top of what was counted before; rows come in stretches."""
    total = np.cumsum(flags)
    begins = np.flatnonzero(np.diff(row, prepend=NO_STAGE))
    offset: Codes = total[begins] - flags[begins]
    lengths = np.diff(begins, append=len(row))
    running: Codes = total - np.repeat(offset, lengths) + before[row]
    return running


def _first(found: Floats, row: Codes, flags: Flags, when: Floats) -> None:
    """Set, where nothing was found yet, the time of each row's first flag."""
    at = np.flatnonzero(flags)
    rows = row[at]
    first = np.flatnonzero(np.diff(rows, prepend=NO_STAGE))
    new = first[np.isinf(found[rows[first]])]
    found[rows[new]] = when[at[new]]


def _earlier(start: _Stage, condition: int, times: Floats, *, budget: bool) -> None:
    """Take over times of setting back that are earlier than what is known."""
    sooner = times < start.set_back[:, condition]
    start.set_back[sooner, condition] = times[sooner]
    start.by_budget[sooner, condition] = budget
