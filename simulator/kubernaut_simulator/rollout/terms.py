"""What a rollout is asked to show at each stage; the plan and the status hold to the same terms.

All conditions of a rollout move together: the incident's bucket is shared, so one percentage is one experiment. A stage
is left upwards when every condition that is still enforced has shown, on the stage's own holdout incidents, that it
stops fewer good runs than the stage's target. A condition is set back to warn when its block budget is spent or its
false stops are shown above the target.
"""

from dataclasses import dataclass
from itertools import pairwise

from kubernaut.errors import InputError
from kubernaut_simulator.estimation.sequential import ALPHA, MINIMUM_ENTRIES
from kubernaut_simulator.estimation.votes import LABEL_AGE_S
from kubernaut_simulator.results.false_stops import TARGET

STAGES = (5.0, 10.0, 50.0, 98.0)
"""Percent. 98 is the highest that still learns."""

CANARY_TARGET = 0.20
"""Guide 10.4: the first stage is held to 20 %, the later ones to 15 %."""

MINIMUM_DAYS = 7.0
"""A whole week: traffic and people have a weekly rhythm, and evidence of one busy day is evidence of that day."""

LONGEST_DAYS = 90.0
"""After a quarter of a year policies and clusters are no longer those that the stage began with."""

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutTerms:
    """Stages of a rollout and what each must show.

    Attributes
    ----------
    stages : tuple of float
        Percent, rising, above 0 and at most 100.
    target : float
        Share of good runs that a condition may stop, 0..1.
    first_target : float
        The same in the first stage.
    alpha : float
        Chance that a stage is left upwards with a wrong condition enforced, for all conditions together.
    minimum : int
        Good holdout incidents before the first look.
    minimum_days, longest_days : float
        A stage lasts at least so long; after so long it is called undecided.
    label_age_s : float
        Seconds from an incident's start to when its label is read.
    """

    stages: tuple[float, ...] = STAGES
    target: float = TARGET
    first_target: float = CANARY_TARGET
    alpha: float = ALPHA
    minimum: int = MINIMUM_ENTRIES
    minimum_days: float = MINIMUM_DAYS
    longest_days: float = LONGEST_DAYS
    label_age_s: float = LABEL_AGE_S

    def __post_init__(self) -> None:
        """Refuse stages and targets that mean nothing.

        Raises
        ------
        InputError
            Says which and why.
        """
        shown = ", ".join(f"{percent:g}" for percent in self.stages)
        if not self.stages or not all(0 < percent <= 100 for percent in self.stages):
            raise InputError(f"stages {shown or '(none)'}: each is a percentage above 0 and at most 100")
        if any(later <= earlier for earlier, later in pairwise(self.stages)):
            raise InputError(f"stages {shown}: each must be above the one before; lowering is setting back")
        for name, share in (("target", self.target), ("first target", self.first_target), ("alpha", self.alpha)):
            if not 0 < share < 1:
                raise InputError(f"the {name} {share:g} must lie between 0 and 1")
        if not 0 <= self.minimum_days <= self.longest_days or self.longest_days <= 0:
            raise InputError(
                f"a stage of at least {self.minimum_days:g} and at most {self.longest_days:g} days cannot be: "
                "the least must not be above the most"
            )

    def target_of(self, stage: int) -> float:
        """Give the target of a stage, counted from 0."""
        return self.first_target if stage == 0 else self.target

    def is_last(self, stage: int) -> bool:
        """Whether there is nothing above a stage."""
        return stage == len(self.stages) - 1

    def alpha_of_each(self, conditions: int) -> float:
        """Share of the error for one of so many conditions (Bonferroni).

        Notes
        -----
        All of them must show it, so this is more than is needed while all are enforced; it keeps the bound when some
        are set back and the others go on.
        """
        return self.alpha / max(1, conditions)


def stages_from_text(text: str) -> tuple[float, ...]:
    """Read ``5,10,50,98``.

    Raises
    ------
    InputError
        Not numbers.
    """
    try:
        return tuple(float(part) for part in text.replace("%", "").split(",") if part.strip())
    except ValueError:
        raise InputError(f"--stages {text!r}: write percentages with commas between, e.g. 5,10,50,98") from None
