"""Every action there is, by name, and the one way to check its parameters."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from kubernaut.actions import restart_pod, rollback_deployment, scale_deployment
from kubernaut.actions.definition import ActionParameters, ActionTarget, AnyAction
from kubernaut.conditions.problems import describe, known_keys
from kubernaut.errors import InputError, SettingsError

_DEFINITIONS: tuple[AnyAction, ...] = (
    scale_deployment.DEFINITION,
    restart_pod.DEFINITION,
    rollback_deployment.DEFINITION,
)

ACTIONS: Mapping[str, AnyAction] = MappingProxyType({definition.name: definition for definition in _DEFINITIONS})


def action_definition(name: str) -> AnyAction:
    """Give one action.

    Raises
    ------
    InputError
        There is none of that name.
    """
    definition = ACTIONS.get(name)
    if definition is None:
        close = get_close_matches(name, ACTIONS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(ACTIONS))}"
        raise InputError(f"no action {name!r}; {hint}")
    return definition


def checked_parameters(action: str, raw: Mapping[str, Any]) -> ActionParameters:
    """Check an action's parameters.

    Parameters
    ----------
    action : str
        e.g. ``scale_deployment``.
    raw : mapping
        As in the custom resource.

    Raises
    ------
    InputError
        No such action.
    SettingsError
        Every parameter that is missing, unknown or out of bounds, with its path.
    """
    model: type[ActionParameters] = action_definition(action).parameters
    try:
        return model.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SettingsError(describe(error, place=lambda _: f"{action} parameters", keys=_keys(model))) from error


def top_level_parameters(action: str) -> frozenset[str]:
    """Give the names of an action's parameters that stand beside its target; raises as `action_definition`."""
    model: type[ActionParameters] = action_definition(action).parameters
    return frozenset(
        field.alias or name
        for name, field in model.model_fields.items()
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
    )


def target_of(action: str, raw: Mapping[str, Any]) -> ActionTarget:
    """Give the object that an action with these parameters acts on; raises as `checked_parameters`."""
    return checked_parameters(action, raw).target


def _keys(model: type[BaseModel]) -> list[str]:
    keys = list(known_keys(model))
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation)
    return keys
