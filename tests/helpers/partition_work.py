"""Work for schedulers that other processes can import, some of which ends its process.

Nothing heavy is imported: a spawned process reads this module before it does anything.
"""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kubernaut.errors import HistoryError
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.worker.client import WorkerEvaluator

POLICY = "package work\nimport rego.v1\nallow := input.ready"


def doubled(number: int) -> int:
    """Give twice the number; the first ones take longest, so that they are done last."""
    time.sleep(0.05 if number < 2 else 0.0)
    return 2 * number


def refused(number: int) -> int:
    """Refuse every odd number."""
    if number % 2:
        raise HistoryError(f"{number} is odd")
    return number


@dataclass(frozen=True)
class DiesOnce:
    """Ends its process over one number, the first time, while a policy worker of its own is at work."""

    marks: Path
    over: int

    def __call__(self, number: int) -> int:
        """Give the number."""
        if number == self.over:
            with WorkerEvaluator() as evaluator:
                evaluator.evaluate(compile_policy(POLICY, name="work.rego"), RowBatch([{"ready": True}]))
                mark = self.marks / "evaluator"
                if not mark.exists():
                    mark.write_text(str(evaluator.worker_pid))
                    os.kill(os.getpid(), signal.SIGKILL)
        return number


def dies(number: int) -> int:
    """End the process over 3, every time."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def gone(pids: Iterable[int], *, within_s: float = 10.0) -> bool:
    """Whether all of some processes have ended, or end soon."""
    deadline = time.monotonic() + within_s
    waiting = list(pids)
    while waiting and time.monotonic() < deadline:
        waiting = [pid for pid in waiting if Path(f"/proc/{pid}/stat").exists()]
        time.sleep(0.05)
    return not waiting
