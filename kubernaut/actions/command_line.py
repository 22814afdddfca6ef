"""The command line that performs a change: kubectl, no shell, no templating.

Made of the change alone, by one rule for every action: values are written ``--flag=value``, positionals follow
``--``, and the body travels as a file, so that nothing of it is ever an argument. What a name may be has been checked
by `Change` before.

Nothing that speaks of the connection may be among the flags, a time limit neither: with one, kubectl takes itself for
configured and never looks for the account of its pod. The Job's deadline is the limit.
"""

from collections.abc import Callable, Mapping

from kubernaut.actions.change import FIELD_MANAGER, Change, Verb

CHANGE_FILE = "/etc/kubernaut/change/body.json"
"""Where a Job's pod finds the body of its change: a downwardAPI file of the pod's annotation."""

CHANGE_ANNOTATION = "kubernaut.io/change"
"""Annotation of the Job's pod that holds `Change.body_text`."""


def command_line(change: Change, *, body_file: str = CHANGE_FILE) -> tuple[str, ...]:
    """Give the argument vector that performs a change.

    Parameters
    ----------
    change : Change
    body_file : str
        Path of the file that will hold `Change.body_text`.
    """
    return _COMMANDS[change.verb](change, body_file)


def _patch(change: Change, body_file: str) -> tuple[str, ...]:
    kind = f"{change.resource}.{change.version}.{change.group}" if change.group else change.resource
    return (
        "kubectl",
        "patch",
        *((f"--namespace={change.namespace}",) if change.namespace else ()),
        *((f"--subresource={change.subresource}",) if change.subresource else ()),
        "--type=json",
        f"--patch-file={body_file}",
        f"--field-manager={FIELD_MANAGER}",
        "--",
        f"{kind}/{change.name}",
    )


def _delete(change: Change, body_file: str) -> tuple[str, ...]:
    return (
        "kubectl",
        "delete",
        f"--raw={change.path}",
        f"--filename={body_file}",
    )


_COMMANDS: Mapping[Verb, Callable[[Change, str], tuple[str, ...]]] = {Verb.PATCH: _patch, Verb.DELETE: _delete}
