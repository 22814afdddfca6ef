"""Flags that the commands share, each written once, spelled as kubectl spells them."""

from enum import StrEnum
from typing import Annotated

import typer


class Output(StrEnum):
    """How runs are printed."""

    TREE = "tree"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Default: the context's.")
]
EverywhereOption = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]
ContextOption = Annotated[str | None, typer.Option("--context", metavar="CONTEXT", help="Of the kubeconfig.")]
KubeconfigOption = Annotated[
    str | None, typer.Option("--kubeconfig", metavar="FILE", help="Default: KUBECONFIG, else ~/.kube/config.")
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A workflow or an execution: NAME, wfx/NAME or kex/NAME.")
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", metavar="FORMAT", help="tree, json, yaml or name (for other commands).")
]
AsUserOption = Annotated[
    str | None, typer.Option("--as", metavar="USER", help="Act as this user; takes the right to impersonate.")
]
AsGroupOption = Annotated[
    list[str] | None, typer.Option("--as-group", metavar="GROUP", help="And in this group; may be given repeatedly.")
]


class SaidOutcome(StrEnum):
    """What a person may say that a workflow did; `kubernaut.history.rows.Outcome` without the weight of its module."""

    EFFECTIVE = "effective"
    INEFFECTIVE = "ineffective"
    INCONCLUSIVE = "inconclusive"
