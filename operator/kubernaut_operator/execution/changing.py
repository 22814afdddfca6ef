"""Everything between a decision to act and the Job: what the action would change, tried dry, and captured for undoing.

Each question is answered from one live read of the target and of what the action asks to see beside it. The change
itself is made by the catalogue's pure functions.
"""

from kubernaut.actions.change import Change
from kubernaut.errors import InputError
from kubernaut.execution.types import DryRunAnswered, RollbackCaptured, TargetSeen
from kubernaut_operator.execution.dry_run import DryRuns
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.live_facts.question import SeenTarget
from kubernaut_operator.live_facts.reader import FactReader


class Changing:
    """Makes and tries changes."""

    def __init__(self, facts: FactReader, dry_runs: DryRuns) -> None:
        self._facts = facts
        self._dry_runs = dry_runs

    def read_target(self, work: Work) -> TargetSeen:
        """Answer `ReadTarget`."""
        seen = self._facts.read_target(work.target)
        manifest: Manifest = seen.manifest or {"metadata": {}}
        replicas = (manifest.get("spec") or {}).get("replicas")
        return TargetSeen(
            found=seen.found,
            uid=seen.uid,
            resource_version=seen.resource_version,
            generation=seen.generation,
            replicas=replicas if isinstance(replicas, int) else None,
            deleting="deletionTimestamp" in manifest["metadata"],
        )

    def dry_run(self, work: Work) -> DryRunAnswered:
        """Answer `SendDryRun`.

        Raises
        ------
        ApiError
            It cannot be said now.
        """
        seen = self._see(work)
        try:
            change = self._change(work, seen)
            would_change = work.action.describe_change(work.parameters, seen.objects)
        except InputError as error:
            return DryRunAnswered(accepted=False, message=str(error), uid=seen.uid, generation=seen.generation)
        answer = self._dry_runs.send(change, account=work.action.account)
        return DryRunAnswered(
            accepted=answer.accepted,
            message=answer.message,
            would_change=would_change,
            uid=seen.uid,
            generation=seen.generation,
            moved=not answer.accepted and self._moved(work, change),
        )

    def capture(self, work: Work) -> RollbackCaptured:
        """Answer `CaptureRollback`.

        Raises
        ------
        InputError
            The target, as it is now, cannot be changed so.
        ApiError
            It cannot be said now.
        """
        seen = self._see(work)
        if not seen.found:
            return RollbackCaptured(found=False)
        return RollbackCaptured(
            found=True,
            uid=seen.uid,
            resource_version=seen.resource_version,
            generation=seen.generation,
            change=self._change(work, seen),
            info=work.action.rollback_info(work.parameters, seen.objects),
            baseline=self._facts.take_baseline(work.pinned_target),
        )

    def _see(self, work: Work) -> SeenTarget:
        return self._facts.read_target(work.pinned_target, related=work.action.related)

    def _change(self, work: Work, seen: SeenTarget) -> Change:
        return work.action.change(work.parameters, seen.objects)

    def _moved(self, work: Work, change: Change) -> bool:
        """Say whether the change would be another one by now: then its refusal says nothing of the target as it is."""
        try:
            return self._change(work, self._see(work)) != change
        except InputError:
            return True
