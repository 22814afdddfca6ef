"""The input document of one policy: facts, and beside them parameters, settings, custom facts and context.

Registered facts lie flat at the top, as the guide's policies read them; everything else has a key of its own,
so that no user's name can hide a fact. Both levels see the same layout. The result is a snapshot again: what
could not be observed and what was not recorded stay known, custom facts included.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kubernaut.facts.snapshot import Snapshot, Unobserved
from kubernaut.identity import ConditionId
from kubernaut.json_types import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a policy may know of the run; never the arm of the rollout, or a condition could judge by it.

    Attributes
    ----------
    step : int
        Number of the step; 0 for an execution without workflow.
    incident : str
        Incident id.
    """

    step: int
    incident: str

    def of(self, condition: ConditionId) -> dict[str, JsonValue]:
        """Give `input.context` for one condition."""
        return {
            "action": condition.action,
            "step": self.step,
            "level": condition.level.value,
            "phase": condition.phase.value,
            "incident": self.incident,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomValues:
    """Custom facts of one look.

    Attributes
    ----------
    values : JsonObject
        By name; null for an object or path that is not there.
    unobserved : mapping of str to Unobserved
        By name.
    """

    values: JsonObject
    unobserved: Mapping[str, Unobserved]


def policy_input(
    snapshot: Snapshot,
    *,
    condition: ConditionId,
    context: RunContext,
    parameters: JsonObject,
    settings: Mapping[str, float],
    custom: CustomValues | None = None,
) -> Snapshot:
    """Complete a look at the cluster to what one condition's policy sees.

    Parameters
    ----------
    snapshot : Snapshot
        Registered facts. One that was recorded may hold these parts already; they are replaced.
    parameters : JsonObject
        Checked parameters of the action, in the guide's nested form.
    settings : mapping of str to float
        The condition's numbers, defaults filled in.
    custom : CustomValues or None
        None leaves what the snapshot has.
    """
    facts = {
        **snapshot.facts,
        "parameters": parameters,
        "settings": dict(settings),
        "context": context.of(condition),
    }
    unobserved = dict(snapshot.unobserved)
    recorded = None if snapshot.recorded is None else {*snapshot.recorded, *_SUPPLIED}
    if custom is not None:
        facts["custom"] = custom.values
        unobserved |= {f"custom.{name}": why for name, why in custom.unobserved.items()}
        if recorded is not None:
            recorded.add(("custom",))
    return Snapshot(facts=facts, unobserved=unobserved, recorded=None if recorded is None else tuple(sorted(recorded)))


_SUPPLIED = (("parameters",), ("settings",), ("context",))
"""Known without looking at the cluster, so known for any record too."""
