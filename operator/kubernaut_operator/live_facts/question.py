"""What a look is asked for, and what it answers: values only.

A question names the target, what the policies to be judged read, and how old an answer may be. A reading is a snapshot
of facts in which whatever could not be seen is unobserved with its reason: a look never raises for what the cluster or
Prometheus answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubernaut.conditions.custom_facts import CustomFact
from kubernaut.conditions.inputs import CustomValues
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.snapshot import ReadPath, Snapshot
from kubernaut.history.rows import ObjectVersion
from kubernaut.json_types import JsonObject
from kubernaut_operator.kernel.api import Manifest

LOOK_LIMIT_S = 8.0
"""Of one look; what has not answered by then is unobserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One look.

    Attributes
    ----------
    target : Target
        With its UID once that is pinned: an object made anew under the same name is then "not found".
    parameters : JsonObject
        Checked parameters of the action, nested as in the custom resource.
    reads : tuple of ReadPath, or None
        What the policies to be judged read, safety policies and challengers included; None looks at everything, as
        ``recordFacts: all`` wants. The empty path among them means everything too.
    baseline : Baseline or None
        The look before the action; None before it.
    action_ended_at : datetime or None
        When the action's Job ended, by the API server's clock; None before it. Samples that have a time of their own
        must lie behind it.
    incident_detected_at : datetime or None
        When somebody saw that something is wrong; None takes the time of the look.
    max_age_s : float, unit s
        How old an answer from the cache may be. The target's own objects are never from the cache.
    custom : mapping of str to CustomFact
        The facts.yaml in force, by name; only those that are read are fetched.
    limit_s : float, unit s
    """

    target: Target
    parameters: JsonObject
    reads: tuple[ReadPath, ...] | None = None
    baseline: Baseline | None = None
    action_ended_at: datetime | None = None
    incident_detected_at: datetime | None = None
    max_age_s: float = 0.0
    custom: Mapping[str, CustomFact] = field(default_factory=dict)
    limit_s: float = LOOK_LIMIT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The answer to a question.

    Attributes
    ----------
    snapshot : Snapshot
        Registered facts, and `parameters`.
    custom : CustomValues
        For `kubernaut.conditions.inputs.policy_input`. A custom fact that is read and not defined is unobserved.
    objects : tuple of ObjectVersion
        What the facts rest on, for the evaluation's row.
    began_at, read_at : datetime
        Before the first request and after the last answer, by this process's clock.
    """

    snapshot: Snapshot
    custom: CustomValues
    objects: tuple[ObjectVersion, ...]
    began_at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTarget:
    """The action's target as it is now.

    Attributes
    ----------
    found : bool
        It is there and, where a UID was given, still the same object.
    replaced : bool
        Another object bears its name.
    manifest : dict or None
        The whole object; None when it was not found. Of another object of its name nothing is given.
    objects : ObjectSet
        The target and the objects beside it that the action asked for, as an action's `change` takes them; empty when
        the target was not found.
    read_at : datetime
    """

    found: bool
    replaced: bool = False
    manifest: Manifest | None = None
    objects: ObjectSet = field(default_factory=lambda: ObjectSet(by_kind={}, unreadable={}))
    read_at: datetime

    @property
    def uid(self) -> str:
        """Its UID; empty when it was not found."""
        return str(self._metadata.get("uid", ""))

    @property
    def resource_version(self) -> str:
        """Its resourceVersion; empty when it was not found."""
        return str(self._metadata.get("resourceVersion", ""))

    @property
    def generation(self) -> int | None:
        """Its generation; None for kinds without one (a Pod has one since Kubernetes 1.33) or when not found."""
        generation = self._metadata.get("generation")
        return generation if isinstance(generation, int) else None

    @property
    def _metadata(self) -> Manifest:
        metadata: Manifest = self.manifest["metadata"] if self.manifest is not None else {}
        return metadata
