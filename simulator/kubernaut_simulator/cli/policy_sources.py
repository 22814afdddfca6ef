"""Which policies a user means: all that ship, a name, a `.rego` file, a folder, or a YAML file with ConfigMaps.

Each comes with the helpers it may import: those that ship, replaced by those that lie beside it. Helpers are told by
their package, which is under `lib`; test files by their ending.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kubernaut import shipped
from kubernaut.errors import InputError, PolicyError, SettingsError
from kubernaut_simulator.cli.loading import compile_with_facts, read_text

TEST_SUFFIX = "_test.rego"
_REGO = ".rego"
_YAML = frozenset({".yaml", ".yml", ".json"})
_LIBRARY_PACKAGE = re.compile(r"^package\s+(lib\.[A-Za-z0-9_.]+)", re.MULTILINE)


class PolicyRole(StrEnum):
    """What a policy is for."""

    CONDITION = "condition"
    SAFETY = "safety"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPolicy:
    """One policy as the user named it.

    Attributes
    ----------
    name : str
        For messages; a path or a ConfigMap's key.
    libraries : mapping of str to str
        ``lib.<name>.rego`` -> source; what it may import. A library is among its own.
    tests, tests_name : str
        The test file beside it; empty without one.
    """

    name: str
    source: str = field(repr=False)
    role: PolicyRole = PolicyRole.CONDITION
    libraries: Mapping[str, str] = field(default_factory=dict, repr=False)
    tests: str = field(default="", repr=False)
    tests_name: str = ""


def given_policies(paths: Sequence[Path], *, settings_alone: bool = False) -> list[GivenPolicy]:
    """Give the policies that the user named; everything that ships when nothing is named.

    Parameters
    ----------
    settings_alone : bool
        Whether ConfigMaps may hold settings for policies that ship, and no policy.

    Raises
    ------
    InputError
        No such file, a file of another kind, or one without policies.
    """
    if not paths:
        return shipped_sources()
    found = [policy for path in paths for policy in _policies_at(path)]
    if not found and not (settings_alone and any(path.suffix in _YAML for path in paths)):
        raise InputError(f"no policy in {', '.join(map(str, paths))}; policies end in .rego")
    return found


def named_policy(name: str) -> GivenPolicy:
    """Give the one policy that a name or a path means.

    Raises
    ------
    InputError
        Nothing or several things have that name.
    """
    path = Path(name)
    if path.suffix == _REGO or path.suffix in _YAML or path.exists():
        found = given_policies([path])
    else:
        wanted = name.removesuffix(_REGO)
        every = shipped_sources()
        found = [one for one in every if _stem(one.name) == wanted or _stem(one.name).endswith(f"/{wanted}")]
        if not found:
            from difflib import get_close_matches

            names = sorted({_stem(one.name).rsplit("/", 1)[-1] for one in every})
            close = get_close_matches(wanted, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"shipped are {', '.join(names)}"
            raise InputError(f"no policy is called {name!r}; {hint}")
    if len(found) > 1:
        raise InputError(f"{name} means {len(found)} policies; say which: {', '.join(one.name for one in found)}")
    return found[0]


def shipped_sources() -> list[GivenPolicy]:
    """Give every policy, library and safety policy that ships."""
    libraries = shipped.shipped_libraries()
    conditions = [
        GivenPolicy(
            name=one.file, source=one.source, libraries=libraries, tests=one.test_source, tests_name=one.test_file
        )
        for one in shipped.shipped_policies()
    ]
    safety = [
        GivenPolicy(
            name=one.file,
            source=one.source,
            role=PolicyRole.SAFETY,
            libraries=libraries,
            tests=one.test_source,
            tests_name=one.test_file,
        )
        for one in shipped.shipped_safety_policies()
    ]
    helpers = [
        GivenPolicy(
            name=name,
            source=source,
            role=PolicyRole.LIBRARY,
            libraries=libraries,
            tests=shipped.shipped_library_tests().get(name, ""),
            tests_name=f"{name.removesuffix(_REGO)}{TEST_SUFFIX}",
        )
        for name, source in libraries.items()
    ]
    return [*conditions, *safety, *helpers]


def _policies_at(path: Path) -> Iterator[GivenPolicy]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.name.endswith(TEST_SUFFIX):
        # A test file stands for the policy that it tests.
        yield from _policies_at(path.with_name(path.name.removesuffix(TEST_SUFFIX) + _REGO))
    elif path.suffix == _REGO:
        source = read_text(path)
        beside = {file: read_text(file) for file in path.parent.glob(f"*{_REGO}") if file != path}
        yield _of_file(path, source, {**_libraries(beside), **_libraries({path: source})})
    elif path.suffix in _YAML:
        yield from _in_configmaps(path)
    else:
        read_text(path)
        raise InputError(f"{path}: policies are .rego files, or keys of ConfigMaps in a .yaml file")


def _in_folder(folder: Path) -> Iterator[GivenPolicy]:
    sources = {
        file: read_text(file) for file in sorted(folder.rglob(f"*{_REGO}")) if not file.name.endswith(TEST_SUFFIX)
    }
    libraries = _libraries(sources)
    for path, source in sources.items():
        yield _of_file(path, source, libraries)


def _of_file(path: Path, source: str, own: Mapping[str, str]) -> GivenPolicy:
    tests = path.with_name(path.stem + TEST_SUFFIX)
    key = _library_key(source)
    return GivenPolicy(
        name=key or str(path),
        source=source,
        role=PolicyRole.LIBRARY if key else PolicyRole.CONDITION,
        libraries={**shipped.shipped_libraries(), **own},
        tests=read_text(tests) if tests.exists() else "",
        tests_name=str(tests),
    )


def _in_configmaps(path: Path) -> Iterator[GivenPolicy]:
    from kubernaut.conditions.configmaps import load_condition_sets
    from kubernaut.conditions.defaults import shipped_defaults
    from kubernaut_simulator.cli.output import warn

    sets = load_condition_sets(read_text(path), source=str(path), shipped=shipped_defaults())
    for one in sets.values():
        for warning in one.warnings:
            warn(warning)
        for texts in (one.exact, one.by_type, one.candidates, one.candidates_by_type):
            for text in texts.values():
                yield GivenPolicy(name=text.name, source=text.source, libraries=one.libraries)
        for name, source in one.libraries.items():
            if shipped.shipped_libraries().get(name) != source:
                yield GivenPolicy(name=name, source=source, role=PolicyRole.LIBRARY, libraries=one.libraries)


def settings_problems(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Say of each file with ConfigMaps what keeps its settings from being used with its policies.

    Notes
    -----
    A policy that does not compile is no matter of the settings: it has findings of its own.
    """
    from kubernaut.conditions.compiled_set import compile_set
    from kubernaut.conditions.configmaps import load_condition_sets
    from kubernaut.conditions.defaults import shipped_defaults

    for path in paths:
        if path.is_dir() or path.suffix not in _YAML:
            continue
        for one in load_condition_sets(read_text(path), source=str(path), shipped=shipped_defaults()).values():
            try:
                compile_set(one, compile_with_facts)
            except SettingsError as error:
                yield path, str(error)
            except PolicyError:
                continue


def _libraries(sources: Mapping[Path, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, source in sorted(sources.items()):
        key = _library_key(source)
        if key is not None and not path.name.endswith(TEST_SUFFIX) and found.setdefault(key, source) != source:
            raise PolicyError(f"{path}: a second library of package {key.removesuffix(_REGO)}; keep one")
    return found


def _library_key(source: str) -> str | None:
    match = _LIBRARY_PACKAGE.search(source)
    return f"{match[1]}{_REGO}" if match else None


def _stem(name: str) -> str:
    return name.removesuffix(_REGO)
