"""What ships inside the package: policies, libraries, safety policies, settings; as plain values.

The one place of the engine that reads files, and only its own package data; what to do with the texts is
decided by others. Layout below `kubernaut/policies/`::

    <action>/<pre|post>/<type>.rego      one text per condition type, whichever levels use it
    <action>/<pre|post>/<type>_test.rego its cases, beside it
    lib/<name>.rego                      helpers, `data.lib.<name>`
    safety/[<action>/]<name>.rego        judged for every action, or for that one
    step-settings.yaml, action-settings.yaml   which of them make up each level's suite
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from kubernaut.identity import ConditionId, Level, Phase

_TEST_SUFFIX = "_test.rego"
_SUFFIX = ".rego"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedPolicy:
    """The policy of one condition type.

    Attributes
    ----------
    action : str
    phase : Phase
    type : str
    file : str
        Name for messages, below the policies' folder, e.g. ``scale_deployment/pre/deployment_exists.rego``.
    source : str
    test_file : str
    test_source : str
    """

    action: str
    phase: Phase
    type: str
    file: str
    source: str = field(repr=False)
    test_file: str
    test_source: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSafetyPolicy:
    """A safety policy; it fails closed and cannot be overridden.

    Attributes
    ----------
    name : str
    action : str or None
        None means every action.
    file, source, test_file, test_source : str
    """

    name: str
    action: str | None
    file: str
    source: str = field(repr=False)
    test_file: str
    test_source: str = field(repr=False)


@cache
def shipped_policies() -> tuple[ShippedPolicy, ...]:
    """Give the policies of all actions, sorted by file."""
    found = [
        ShippedPolicy(
            action=action.name,
            phase=phase,
            type=name,
            file=f"{action.name}/{phase.value}/{name}{_SUFFIX}",
            source=source,
            test_file=f"{action.name}/{phase.value}/{name}{_TEST_SUFFIX}",
            test_source=test_source,
        )
        for action in _folders(_root())
        if action.name not in ("lib", "safety")
        for phase in Phase
        for name, source, test_source in _modules(action / phase.value)
    ]
    return tuple(sorted(found, key=lambda policy: policy.file))


def shipped_policy(condition: ConditionId) -> ShippedPolicy | None:
    """Give the policy that ships for a condition, or None; both levels share one text."""
    wanted = (condition.action, condition.phase, condition.type)
    return next((one for one in shipped_policies() if (one.action, one.phase, one.type) == wanted), None)


@cache
def shipped_libraries() -> Mapping[str, str]:
    """Give the helper modules by the file name they have in a ConfigMap, e.g. ``lib.quantities.rego``."""
    return MappingProxyType({f"lib.{name}{_SUFFIX}": source for name, source, _ in _modules(_root() / "lib")})


@cache
def shipped_library_tests() -> Mapping[str, str]:
    """Give each helper module's test source, by the same names as `shipped_libraries`."""
    modules = _modules(_root() / "lib")
    return MappingProxyType({f"lib.{name}{_SUFFIX}": tests for name, _, tests in modules if tests})


@cache
def shipped_settings(level: Level) -> str:
    """Give the text of one level's `settings.yaml`."""
    return (_root() / f"{level.value}-settings.yaml").read_text(encoding="utf-8")


@cache
def shipped_safety_policies() -> tuple[ShippedSafetyPolicy, ...]:
    """Give the safety policies, sorted by file."""
    safety = _root() / "safety"
    folders: list[tuple[str | None, str, Traversable]] = [
        (None, "safety", safety),
        *((folder.name, f"safety/{folder.name}", folder) for folder in _folders(safety)),
    ]
    found = [
        ShippedSafetyPolicy(
            name=name,
            action=action,
            file=f"{path}/{name}{_SUFFIX}",
            source=source,
            test_file=f"{path}/{name}{_TEST_SUFFIX}",
            test_source=test_source,
        )
        for action, path, folder in folders
        for name, source, test_source in _modules(folder)
    ]
    return tuple(sorted(found, key=lambda policy: policy.file))


def _root() -> Traversable:
    return files("kubernaut") / "policies"


def _folders(parent: Traversable) -> list[Traversable]:
    return [entry for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith((".", "_"))]


def _modules(folder: Traversable) -> list[tuple[str, str, str]]:
    """Give (name, source, test source) of each module in a folder; the test source may be empty."""
    if not folder.is_dir():
        return []
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)
    }
    return [
        (file.removesuffix(_SUFFIX), source, texts.get(file.removesuffix(_SUFFIX) + _TEST_SUFFIX, ""))
        for file, source in sorted(texts.items())
        if not file.endswith(_TEST_SUFFIX)
    ]
