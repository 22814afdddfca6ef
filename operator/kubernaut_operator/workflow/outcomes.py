"""What the workflow's own query says of the incident, once things have settled: a number above zero means it is over.

Nothing seen is inconclusive, and so is a workflow without a query: that its target looks healthy is no evidence that
the incident is over.
"""

from datetime import datetime, timedelta

from kubernaut.facts.snapshot import Unobserved
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.resources.reading import read_workflow
from kubernaut.workflow.types import OutcomeAnswered
from kubernaut_operator.live_facts.fetching import Deadline
from kubernaut_operator.live_facts.prometheus import Prometheus
from kubernaut_operator.workflow.work import WorkflowWork

ASK_LIMIT_S = 5.0
_USUAL_LOOKBACK = timedelta(minutes=5)


class Outcomes:
    """Asks workflows' queries.

    Parameters
    ----------
    prometheus : Prometheus or None
        None: every outcome is inconclusive until a person says otherwise.
    """

    def __init__(self, prometheus: Prometheus | None) -> None:
        self._prometheus = prometheus

    def ask(self, work: WorkflowWork, *, now: datetime) -> OutcomeAnswered:
        """Answer `AskOutcome`."""
        query = read_workflow(work.manifest).spec.effectiveness.query
        if query is None or self._prometheus is None:
            source = OutcomeSource.HEALTH if query is None else OutcomeSource.QUERY
            return OutcomeAnswered(outcome=Outcome.INCONCLUSIVE, source=source)
        sample = self._prometheus.query(query, lookback=_USUAL_LOOKBACK, deadline=Deadline(ASK_LIMIT_S))
        if isinstance(sample, Unobserved):
            return OutcomeAnswered(outcome=Outcome.INCONCLUSIVE, source=OutcomeSource.QUERY)
        over = sample.value > 0
        return OutcomeAnswered(
            outcome=Outcome.EFFECTIVE if over else Outcome.INEFFECTIVE,
            source=OutcomeSource.QUERY,
            resolved_at=now if over else None,
        )
