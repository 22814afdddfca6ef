"""A policy that has been checked and compiled: a value, without anything of the evaluator in it.

It carries its source, its libraries and OPA's plan, so that any evaluator, in this process or another, can build its
own form of it, and so that history can keep what was judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernaut.facts.snapshot import ReadPath
from kubernaut.policy.metadata import PolicyMetadata, PolicyParameter


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """One condition's policy.

    Attributes
    ----------
    name : str
        Name of the source as the user knows it; for messages only, not part of the digest.
    package : str
        As declared, e.g. ``precondition.scale_deployment``.
    source : str
    libraries : mapping of str to str
        File name -> source of the libraries that the policy reaches, no others.
    digest : str
        sha256 (hex) of source and reached libraries.
    reads : tuple of ReadPath
        Paths below `input` that are read, sorted; ``((),)`` means everything.
    parameters : tuple of PolicyParameter
        Numbers read as `input.settings.<name>`.
    has_error_message, has_fatal : bool
        Whether those rules are defined.
    builtins : tuple of str
        Builtins that are called, sorted.
    metadata : PolicyMetadata
    plan : mapping
        OPA's intermediate representation, as compiled.
    """

    name: str
    package: str
    source: str = field(repr=False)
    libraries: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str
    reads: tuple[ReadPath, ...]
    parameters: tuple[PolicyParameter, ...] = ()
    has_error_message: bool = False
    has_fatal: bool = False
    builtins: tuple[str, ...] = ()
    metadata: PolicyMetadata = field(default_factory=PolicyMetadata, repr=False)
    plan: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False, hash=False)

    @property
    def reads_everything(self) -> bool:
        """Whether `input` is passed whole or indexed by a variable."""
        return () in self.reads

    def entrypoint(self, rule: str) -> str:
        """Give the evaluator's name of one of the package's rules, e.g. ``precondition/x/allow``."""
        return f"{self.package.replace('.', '/')}/{rule}"
