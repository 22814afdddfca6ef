"""How it becomes known whether a run did good: from whom, when, and how often wrongly.

A label looks at the truth (did the incident end within the stabilization window?), never at a condition, its facts or
its verdict; the weakest source, health, looks at the pods. Labels of bad runs may take longer than those of good ones,
which is what misleads whoever counts too early.
"""

from dataclasses import dataclass

from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut_simulator.worlds.pod_life import draw_delay
from kubernaut_simulator.worlds.scenario_parts import Labels
from kubernaut_simulator.worlds.streams import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is said of one workflow.

    Attributes
    ----------
    outcome : Outcome or None
        None when nobody ever says.
    source : OutcomeSource or None
    after_s : float, unit s
        From the end of the stabilization window to the label.
    wrong : bool
        It says the opposite of the truth.
    """

    outcome: Outcome | None = None
    source: OutcomeSource | None = None
    after_s: float = 0.0
    wrong: bool = False


def draw_label(labels: Labels, *, good: bool, healthy: bool, stream: Stream) -> Label:
    """Draw what is said of a run.

    Parameters
    ----------
    good : bool
        Whether the incident ended within the stabilization window.
    healthy : bool
        Whether all pods serve then; what the source `health` takes for good.
    """
    if stream.happens(labels.missing):
        return Label()
    source = stream.weighted({name: entry.weight for name, entry in labels.sources.items()})
    entry = labels.sources[source]
    after_s = draw_delay(stream, entry.delay, 1.0 if good else entry.bad_factor)
    if stream.happens(entry.inconclusive):
        return Label(outcome=Outcome.INCONCLUSIVE, source=source, after_s=after_s)
    said = healthy if source is OutcomeSource.HEALTH else good
    if stream.happens(entry.wrong_ineffective if said else entry.wrong_effective):
        said = not said
    return Label(
        outcome=Outcome.EFFECTIVE if said else Outcome.INEFFECTIVE,
        source=source,
        after_s=after_s,
        wrong=said is not good,
    )
