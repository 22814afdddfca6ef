"""From recorded texts to what a policy is given: parsed, cut to what it reads, and what of that was not kept.

A look's record says which paths were kept and which could not be observed; both repeat, so what they mean for a policy
is worked out once. Of the facts themselves two texts can be made: all that the policy reads, and only what its `allow`
and `fatal` read, which decides what an input comes to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from kubernaut.facts.snapshot import ReadPath, Snapshot, Unobserved, UnobservedReason, parse_path
from kubernaut.judging import missing_fact
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.input_text import MAX_INPUT_DEPTH, UnusableInputError, encode_input
from kubernaut.policy.plan import parse_plan
from kubernaut.policy.projecting import projection, whole_number
from kubernaut.policy.reads import input_reads
from kubernaut.verdicts import Judgement

SURELY_SMALL_CHARS = 1 << 16
"""Facts up to this size, and not deeper than an input may be, cannot be too large for the evaluator."""

WholeText: TypeAlias = Callable[[], str]
"""Gives all that the policy reads, as JSON text. Raises UnusableInputError when the evaluator cannot be given it."""

_REASONS = frozenset(reason.value for reason in UnobservedReason)


class Kept(NamedTuple):
    """What a look's record holds for a policy.

    Attributes
    ----------
    missing : Judgement or None
        The answer where a fact that the policy reads is missing.
    exact : bool
        Nothing but what the policy reads was kept, so that nothing is to be cut.
    """

    missing: Judgement | None
    exact: bool


class Documents:
    """Makes one policy's inputs of recorded texts.

    Parameters
    ----------
    policy : CompiledPolicy
    settings : mapping of str to float, or None
        What the policy reads as `input.settings`; None means as recorded.
    """

    def __init__(self, policy: CompiledPolicy, *, settings: Mapping[str, float] | None) -> None:
        self._policy = policy
        self._settings = None if settings is None else dict(settings)
        self._project = projection(policy.reads)
        deciding = deciding_reads(policy)
        self._project_deciding = None if deciding == policy.reads else projection(deciding)
        self._kept: dict[tuple[str, str | None], Kept] = {}

    @property
    def shares(self) -> bool:
        """Inputs may come to the same although the policy reads more of them."""
        return self._project_deciding is not None

    def kept(self, unobserved: str, recorded: str | None) -> Kept:
        """Say what a look's record holds, of its unobserved and recorded paths as JSON texts."""
        key = (unobserved, recorded)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._what_was_kept(unobserved, recorded)
        return found

    def read(self, facts: str, kept: Kept) -> tuple[str | None, WholeText]:
        """Read a look's facts.

        Returns
        -------
        str or None, WholeText
            What `allow` and `fatal` read; None when that is all that the policy reads, or when only the whole text
            can tell whether the evaluator can be given it.

        Raises
        ------
        UnusableInputError
            The facts hold what is not JSON.
        """
        document = _READER.decode(facts)
        if self._settings is not None:
            document["settings"] = self._settings

        def whole() -> str:
            return encode_input(document if kept.exact else self._project(document))

        if self._project_deciding is None or not _surely_usable(facts):
            return None, whole
        # Facts are canonical texts, so equal documents have their keys in one order.
        return encode_input(self._project_deciding(document)), whole

    def _what_was_kept(self, unobserved: str, recorded: str | None) -> Kept:
        paths = None if recorded is None else {parse_path(path) for path in json.loads(recorded)}
        exact = self._settings is None and paths == set(self._policy.reads)
        if paths is not None and self._settings is not None:
            paths.add(("settings",))
        snapshot = Snapshot(
            facts={},
            unobserved=_unobserved(json.loads(unobserved)),
            recorded=None if paths is None else tuple(sorted(paths)),
        )
        return Kept(missing_fact(self._policy, snapshot), exact)


def deciding_reads(policy: CompiledPolicy) -> tuple[ReadPath, ...]:
    """Give the paths that a policy's `allow` and `fatal` read; those of its message are left out."""
    if not policy.plan:
        return policy.reads
    entries = [f"g0.data.{policy.package}.{rule}" for rule in ("allow", *(["fatal"] if policy.has_fatal else []))]
    return input_reads(parse_plan(policy.plan), entries).paths or policy.reads


def _surely_usable(facts: str) -> bool:
    return len(facts) <= SURELY_SMALL_CHARS and facts.count("[") + facts.count("{") < MAX_INPUT_DEPTH


def _number(text: str) -> Any:
    return whole_number(float(text))


def _refuse(text: str) -> Any:
    raise UnusableInputError(f"the input is not JSON: {text} is no JSON number")


_READER = json.JSONDecoder(parse_float=_number, parse_constant=_refuse)


def _unobserved(texts: Mapping[str, Any]) -> dict[str, Unobserved]:
    """Read back what `kubernaut.verification.rows` wrote: path to ``Reason: detail``."""
    found = {}
    for path, text in texts.items():
        reason, _, detail = text.partition(": ")
        known = reason in _REASONS
        found[path] = Unobserved(
            UnobservedReason(reason) if known else UnobservedReason.NOT_PROVIDED, detail if known else text
        )
    return found
