"""From a person's annotations to what a stage is told: which of its conditions are overridden now.

Reading and checking the annotations is `kubernaut.enforcement.overrides`; what an override does to a stage is
`decide`. Only conditions have keys here, so nothing a person writes can reach a safety policy, the target's
identity or a lock.
"""

from kubernaut.enforcement.overrides import OverrideReading
from kubernaut.verification.types import Override as StageOverride
from kubernaut.verification.types import OverridesSeen, StageSpec


def overrides_seen(reading: OverrideReading, spec: StageSpec, *, step: int) -> OverridesSeen:
    """Tell a stage which of its conditions are overridden.

    Parameters
    ----------
    reading : OverrideReading
        Of the run's annotations as they stand now; without a valid override nothing is overridden any longer.
    spec : StageSpec
    step : int
        Number of the step that the stage belongs to.
    """
    override = reading.override
    if override is None:
        return OverridesSeen(overrides={})
    told = StageOverride(by=override.by, reason=override.reason)
    covered = (
        entry.key
        for entry in spec.conditions
        if not entry.condition.candidate and override.covers(entry.condition.id, step=step)
    )
    return OverridesSeen(overrides=dict.fromkeys(covered, told))
