"""What a data sheet says of a generated history, counted incident by incident while it is made.

Counts only: what they are called in the sheet is said by `data_sheet`. Rows of an incident come together with what is
true of its runs, so that nothing has to be kept but the counts; ages of labels are kept as numbers.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from kubernaut.history.codec import kind_of
from kubernaut.history.rows import EvaluationRow, Row, RowKind, WorkflowRow
from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.truth import TruthRow

_NO_ANSWER = (Verdict.SKIPPED, Verdict.CENSORED)


class SheetCounts:
    """Counts of a world.

    Attributes
    ----------
    rows : Counter of RowKind
    runs, incidents : int
    outages, outage_incidents : int
        Outages, and the incidents they raised.
    begun, ended : datetime or None
        Start of the first and of the last run; None before the first.
    causes, good_causes : Counter of Cause
        First runs, and those of them that did good.
    sources : Counter of str
        Workflows by who said their outcome; ``never`` where nobody did.
    wrong_labels : int
    label_ages_s : array of float, unit s
        From a run's end to its label.
    verdicts : mapping of str to Counter of (bool, str)
        By condition: (the run did good, verdict) -> evaluations.
    times_to_pass_s : mapping of str to array of float, unit s
        By postcondition: from the action's end to the first look of the hold that passed, of runs that did good.
    disturbances : Counter of str
        Runs beside whose cause something else happened.
    """

    def __init__(self) -> None:
        self.rows: Counter[RowKind] = Counter()
        self.runs = 0
        self.incidents = 0
        self.outage_incidents = 0
        self.begun: datetime | None = None
        self.ended: datetime | None = None
        self.causes: Counter[Cause] = Counter()
        self.good_causes: Counter[Cause] = Counter()
        self.sources: Counter[str] = Counter()
        self.wrong_labels = 0
        self.label_ages_s = array("d")
        self.verdicts: dict[str, Counter[tuple[bool, str]]] = {}
        self.times_to_pass_s: dict[str, array[float]] = {}
        self.disturbances: Counter[str] = Counter()
        self._outages: set[str] = set()

    @property
    def outages(self) -> int:
        """How many outages there were."""
        return len(self._outages)

    def add(self, rows: Iterable[Row], truth: Sequence[TruthRow]) -> None:
        """Count rows together with what is true of their runs."""
        good = {row.workflow_uid: row.good for row in truth}
        for true in truth:
            self._add_truth(true)
        for row in rows:
            self.rows[kind_of(row)] += 1
            if isinstance(row, WorkflowRow):
                self._add_workflow(row)
            elif isinstance(row, EvaluationRow) and row.verdict not in _NO_ANSWER:
                self._add_evaluation(row, good=good[row.workflow_uid])

    def _add_evaluation(self, row: EvaluationRow, *, good: bool) -> None:
        name = str(row.condition)
        self.verdicts.setdefault(name, Counter())[good, row.verdict.value] += 1
        if good and row.phase is Phase.POST and row.time_to_pass_s is not None:
            self.times_to_pass_s.setdefault(name, array("d")).append(row.time_to_pass_s)

    def _add_truth(self, true: TruthRow) -> None:
        self.runs += 1
        self.wrong_labels += true.label_wrong
        self.disturbances.update(filter(None, true.disturbances.split(",")))
        if true.run > 1:
            return
        self.incidents += 1
        self.causes[true.cause] += 1
        self.good_causes[true.cause] += true.good
        if true.outage:
            self.outage_incidents += 1
            self._outages.add(true.outage)

    def _add_workflow(self, row: WorkflowRow) -> None:
        self.begun = row.started_at if self.begun is None else min(self.begun, row.started_at)
        self.ended = row.started_at if self.ended is None else max(self.ended, row.started_at)
        self.sources["never" if row.outcome_source is None else row.outcome_source.value] += 1
        if row.outcome_at is not None and row.finished_at is not None:
            self.label_ages_s.append((row.outcome_at - row.finished_at).total_seconds())
