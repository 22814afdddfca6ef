"""The cluster that a command's flags mean; apart from `reaching`, so that the help needs no cluster client."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubernaut.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from kubernaut_operator.people.reaching import Place


def place_of(
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    *,
    as_user: str | None = None,
    as_groups: Sequence[str] | None = None,
    everywhere: bool = False,
) -> "Place":
    """Reach the cluster that the flags mean.

    Raises
    ------
    InputError
        They lead nowhere.
    MissingExtraError
        The cluster client is not installed.
    """
    if everywhere and namespace:
        raise InputError("--namespace and --all-namespaces exclude each other; leave one out")
    try:
        from kubernaut_operator.people.reaching import reach  # noqa: PLC0415 - `--help` needs no client
    except ImportError as error:
        raise MissingExtraError(
            f"this command needs {error.name}; install it with: pip install 'kubernaut-workbench[operator]'"
        ) from error
    return reach(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        everywhere=everywhere,
        as_user=as_user,
        as_groups=as_groups or (),
    )
