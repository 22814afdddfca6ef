"""Verification: from judgements and time to verdicts; resumable: every deadline lives in the status.

`decide` drives one stage (all preconditions, or all postconditions, of one level of one run); `settle` folds
recorded looks by the same rule. Start at `decide.py`; the rule itself is `timeline.py`.
"""

from kubernaut.verification.decide import begin, decide
from kubernaut.verification.settle import Recorded, Settled, settle, settle_precondition
from kubernaut.verification.status import StageStatus
from kubernaut.verification.status_json import from_json, to_json
from kubernaut.verification.timeline import Look, Terms

__all__ = [
    "Look",
    "Recorded",
    "Settled",
    "StageStatus",
    "Terms",
    "begin",
    "decide",
    "from_json",
    "settle",
    "settle_precondition",
    "to_json",
]
