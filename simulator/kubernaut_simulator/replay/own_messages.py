"""Evaluations of one task, settled in two steps: first what they come to, then the words of those that show any.

Most looks that failed are followed by others and their message is shown to nobody, so it is not asked for. Where a
settled evaluation does show a look's message, that look is judged by all that the policy reads, and the evaluation is
settled again by the same rule. Between the steps the evaluator may be busy: `ask` does not wait.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kubernaut.identity import Phase
from kubernaut.verification.settle import Settled
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.inputs import LookInputs
from kubernaut_simulator.replay.settling import Looks, RecordedRuns, settle_all, unsaid


class Settling:
    """Settles the evaluations of one task.

    Parameters
    ----------
    judge : FoldingJudge
        Who answered the looks.
    inputs : LookInputs
        What the looks saw.
    places : array of int64, shape (n_looks,)
        Places of the looks among `inputs`.
    timeout_s, hold_for_s : float or None
        None means as recorded.
    """

    def __init__(
        self,
        judge: FoldingJudge,
        inputs: LookInputs,
        places: NDArray[np.int64],
        *,
        phase: Phase,
        runs: RecordedRuns,
        looks: Looks,
        timeout_s: float | None,
        hold_for_s: float | None,
    ) -> None:
        self._judge = judge
        self._inputs = inputs
        self._places = places
        self._phase = phase
        self._runs = runs
        self._looks = looks
        self._terms = {"timeout_s": timeout_s, "hold_for_s": hold_for_s}
        self._settled = settle_all(phase, runs, looks, **self._terms)
        self._ask(unsaid(self._settled))

    def finished(self) -> Sequence[Settled]:
        """Wait for the messages and give what every evaluation came to.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        while len(self._rows):
            looks = self._looks
            looks.answer[self._unsaid] = self._judge.answered(self._numbers)
            looks.by_another[self._unsaid] = False
            rows = self._rows
            own, at = looks.take(self._judge.dictionary, rows)
            again = settle_all(self._phase, self._runs.take(rows), own, **self._terms)
            for row, settled in zip(rows.tolist(), again, strict=True):
                self._settled[row] = settled
            # A message can hit a limit that the verdict did not, and then another look is shown.
            found = unsaid(again)
            self._ask({int(rows[row]): [int(at[look]) for look in marked] for row, marked in found.items()})
        return self._settled

    def _ask(self, found: dict[int, list[int]]) -> None:
        self._rows: NDArray[np.int64] = np.array(list(found), np.int64)
        self._unsaid: NDArray[np.int64] = np.array([look for marked in found.values() for look in marked], np.int64)
        self._numbers = self._judge.ask_own(self._inputs, self._places[self._unsaid])
