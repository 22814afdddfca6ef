"""From a person's flags to an API server and a namespace, as kubectl finds them; and what a refusal means to them.

A kubeconfig comes first and the pod's own account after it, the other way round than for the operator: a person in a
shell of some pod means the cluster that they are logged in to.
"""

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubernetes import config

from kubernaut.errors import ApiError, ConflictError, ForbiddenError, InputError
from kubernaut.policy.wording import clean_message
from kubernaut_operator.kernel.api import Api, connect

_DEFAULT = "default"
_OF_THE_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person works.

    Attributes
    ----------
    namespace : str
        Empty for all namespaces.
    flags : str
        What repeats this place on another command line, with a space in front; empty where the defaults lead here.
    """

    api: Api
    namespace: str
    flags: str = ""


def reach(
    *,
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
    everywhere: bool = False,
    as_user: str | None = None,
    as_groups: Sequence[str] = (),
) -> Place:
    """Connect as kubectl would.

    Parameters
    ----------
    namespace : str or None
        None means the context's own, else ``default``.
    everywhere : bool
        All namespaces.
    as_user : str or None
        Whom to act as; None means whom the kubeconfig names.
    as_groups : sequence of str
        The groups that they are in then.

    Raises
    ------
    InputError
        No kubeconfig, or none with such a context; groups without a user.
    """
    if as_groups and not as_user:
        raise InputError("--as-group needs --as: a group is somebody's; give --as USER too")
    source = _source(kubeconfig)
    if source is None and context is not None:
        raise InputError(f"--context {context} needs a kubeconfig, and there is none; give --kubeconfig")
    try:
        api = connect(source, context=context)
        own = _namespace_of_pod() if source is None else _namespace_of(source, context)
    except (ApiError, config.ConfigException) as error:
        raise InputError(str(error)) from error
    if as_user:
        api = api.impersonating(as_user, as_groups)
    given = [("namespace", namespace), ("context", context), ("kubeconfig", kubeconfig), ("as", as_user)]
    given += [("as-group", group) for group in as_groups]
    flags = "".join(f" --{name}={shlex.quote(value)}" for name, value in given if value)
    return Place(api=api, namespace="" if everywhere else namespace or own, flags=flags)


@contextmanager
def asking() -> Iterator[None]:
    """Make the API server's refusals what they are to a person: something to mend, in the server's own words.

    Raises
    ------
    InputError
        They may not, or somebody else wrote first.
    """
    try:
        yield
    except (ForbiddenError, ConflictError) as error:
        raise InputError(f"the API server refused: {clean_message(error.said or str(error))}") from error


def _source(kubeconfig: str | None) -> str | None:
    """Give the kubeconfig's path (or several, as KUBECONFIG may hold); None where only a pod's account is left."""
    if kubeconfig:
        if not Path(kubeconfig).exists():
            raise InputError(f"--kubeconfig {kubeconfig}: no such file")
        return kubeconfig
    named = os.environ.get("KUBECONFIG", "")
    if any(Path(one).expanduser().exists() for one in named.split(os.pathsep) if one):
        return named
    usual = Path("~/.kube/config").expanduser()
    if usual.exists():
        return str(usual)
    if _OF_THE_POD.exists():
        return None
    raise InputError("no kubeconfig: set KUBECONFIG, or give --kubeconfig FILE")


def _namespace_of(source: str, context: str | None) -> str:
    contexts, current = config.list_kube_config_contexts(source)
    chosen = next((one for one in contexts if one["name"] == context), None) if context else current
    return str(((chosen or {}).get("context") or {}).get("namespace") or _DEFAULT)


def _namespace_of_pod() -> str:
    return _OF_THE_POD.read_text(encoding="utf-8").strip() or _DEFAULT
