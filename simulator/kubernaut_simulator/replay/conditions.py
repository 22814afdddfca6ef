"""Conditions from a file, as the operator would load them: both ConfigMaps, laid over what ships, compiled."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from kubernaut.conditions.compiled_set import compile_set
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.errors import InputError
from kubernaut.facts.registry import known_paths
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.known_facts import KnownFacts, known_facts_from_paths
from kubernaut_simulator.replay.tasks import Conditions


def load_conditions(path: Path | str) -> Conditions:
    """Load the ConfigMaps in a YAML file, to replay or tune by.

    Returns
    -------
    mapping of Level to CompiledSet
        What was ignored is in each set's ``texts.warnings``.

    Raises
    ------
    InputError
        The file cannot be read.
    SettingsError, PolicyError
        What is in it cannot be used.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    # One tree for all of them: compiled policies are kept by the tree that they were checked against.
    compile_ = partial(compile_policy, known_facts=_known_facts())
    sets = load_condition_sets(text, source=str(path), shipped=shipped_defaults())
    return {level: compile_set(one, compile_) for level, one in sets.items()}


@cache
def _known_facts() -> KnownFacts:
    return known_facts_from_paths(known_paths())
