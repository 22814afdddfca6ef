"""One ConfigMap, or none, to what is in force of its part: accepted, or refused with what holds instead.

The rules are the engine's; here only what becomes of a refusal is decided. Conditions keep the last good set, else
the shipped one. Safety keeps the last good set too, but where there is none every action is denied: the ConfigMap's
additions are prohibitions that nobody can read. The same bad ConfigMap therefore changes nothing for an operator
that runs, and stops one that starts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from kubernaut.conditions.compiled_set import Compile, CompiledSet, compile_set
from kubernaut.conditions.condition_set import shipped_set
from kubernaut.conditions.configmaps import condition_set
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.errors import InputError, SettingsError
from kubernaut.identity import Level
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.safety import SafetySet, safety_set
from kubernaut_operator.condition_sets.names import Part
from kubernaut_operator.condition_sets.observing import LoadState

COMPILE_LIMIT_S = 60.0
"""Of one ConfigMap. The shipped suites take half a second."""

_LEVELS = {Part.STEP: Level.STEP, Part.ACTION: Level.ACTION}


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What holds of one part.

    Attributes
    ----------
    content : CompiledSet or SafetySet
    state : LoadState
        How the last load went.
    origin : str
        Where `content` is from, in words, e.g. ``the shipped defaults``.
    """

    content: CompiledSet | SafetySet
    state: LoadState
    origin: str

    @property
    def conditions(self) -> CompiledSet:
        """The conditions of a level."""
        if not isinstance(self.content, CompiledSet):
            raise TypeError(f"{self.state.part} holds no conditions")
        return self.content

    @property
    def safety(self) -> SafetySet:
        """The safety policies."""
        if not isinstance(self.content, SafetySet):
            raise TypeError(f"{self.state.part} holds no safety policies")
        return self.content


class Loader:
    """Loads parts.

    Parameters
    ----------
    allowed_kinds : collection of str
        Kinds that facts.yaml may name.
    compile_limit_s : float, unit s
        Of all policies of one ConfigMap.
    """

    def __init__(
        self, compile_: Compile, *, allowed_kinds: Collection[str], compile_limit_s: float = COMPILE_LIMIT_S
    ) -> None:
        self._compile = compile_
        self._allowed_kinds = allowed_kinds
        self._compile_limit_s = compile_limit_s

    def load(self, part: Part, configmap: Mapping[str, Any] | None, *, before: InForce | None) -> InForce:
        """Say what holds of a part now.

        Parameters
        ----------
        configmap : mapping or None
            The object; None where there is none.
        before : InForce or None
            What held until now; None at the first load.

        Raises
        ------
        EvaluatorError
            The policy worker is away: nothing can be said of the ConfigMap.
        """
        version = "" if configmap is None else str(configmap["metadata"].get("resourceVersion", ""))
        try:
            content = self._content(part, configmap)
        except InputError as error:
            return self._refused(part, str(error), before=before, version=version)
        origin = "the shipped defaults" if configmap is None else f"the ConfigMap of resourceVersion {version}"
        state = LoadState(part=part, accepted=True, digest=digest_of(content), resource_version=version)
        return InForce(content=content, state=state, origin=origin)

    def _refused(self, part: Part, reason: str, *, before: InForce | None, version: str) -> InForce:
        state = LoadState(part=part, accepted=False, digest="", resource_version=version, reason=reason)
        if before is not None and not _denies_all(before.content):
            content, origin = before.content, before.origin
        else:
            content, origin = self._content(part, None), "the shipped defaults"
            if isinstance(content, SafetySet):
                unusable = f"every action is denied until its ConfigMap is mended: {reason}"
                content, origin = replace(content, unusable=unusable), "a denial of every action"
        return InForce(content=content, state=replace(state, digest=digest_of(content)), origin=origin)

    def _content(self, part: Part, configmap: Mapping[str, Any] | None) -> CompiledSet | SafetySet:
        compile_ = _Limited(self._compile, limit_s=self._compile_limit_s)
        level = _LEVELS.get(part)
        if level is None:
            return safety_set(configmap, compile_=compile_)
        defaults = shipped_defaults()
        if configmap is None:
            return compile_set(shipped_set(level, defaults), compile_)
        texts = condition_set(configmap, level=level, shipped=defaults, allowed_kinds=self._allowed_kinds)
        return compile_set(texts, compile_)


class _Limited:
    """Compiles until a set has taken too long."""

    def __init__(self, compile_: Compile, *, limit_s: float) -> None:
        self._compile = compile_
        self._limit_s = limit_s
        self._until_s = monotonic() + limit_s

    def __call__(self, source: str, *, name: str, libraries: Mapping[str, str]) -> CompiledPolicy:
        if monotonic() > self._until_s:
            raise SettingsError(
                f"{name}: the policies before it took more than {self._limit_s:g} s to compile; "
                "make them fewer or simpler"
            )
        return self._compile(source, name=name, libraries=libraries)


def digest_of(content: CompiledSet | SafetySet) -> str:
    """Give the digest of what is in force."""
    return content.digest if isinstance(content, SafetySet) else content.texts.digest


def _denies_all(content: CompiledSet | SafetySet) -> bool:
    return isinstance(content, SafetySet) and bool(content.unusable)
