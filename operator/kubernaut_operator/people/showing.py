"""`get`: runs as trees, or as the objects that they are."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.people.drawing import console, drawn
from kubernaut_operator.people.following import follow
from kubernaut_operator.people.options import Output
from kubernaut_operator.people.reaching import Place, asking
from kubernaut_operator.people.runs import Run, find_run, list_runs
from kubernaut_operator.people.tree import Line, tree_of


def show(place: Place, name: str | None, *, watch: bool, output: Output) -> None:
    """Print one run whole, or all runs in short.

    Parameters
    ----------
    name : str or None
        None means all.
    watch : bool
        Follow them: one until it is over, all for ever.
    """

    def read() -> Sequence[Run]:
        with asking():
            return list_runs(place) if name is None else [find_run(place, name)]

    def draw(run: Run, now: datetime) -> Line:
        return tree_of(run, now=now, short=name is None, with_namespace=not place.namespace)

    if watch:
        follow(place, read, draw, until_over=name is not None)
        return
    runs = read()
    if output is not Output.TREE:
        print_objects(runs, output)
    elif not runs:
        where = f"namespace {place.namespace}" if place.namespace else "any namespace"
        sys.stderr.write(f"no workflows or executions in {where}\n")
    else:
        now = datetime.now(UTC)
        console().print(drawn(draw(run, now) for run in runs))


def print_objects(runs: Iterable[Run], output: Output) -> None:
    """Print objects as kubectl would: names one a line, else one List; workflows are followed by their executions."""
    manifests = [manifest for run in runs for manifest in run.manifests]
    if output is Output.NAME:
        for manifest in manifests:
            sys.stdout.write(f"{_name(manifest)}\n")
        return
    document = {"apiVersion": "v1", "kind": "List", "items": [_plain(manifest) for manifest in manifests]}
    print_document(document, output)


def print_document(document: Manifest, output: Output) -> None:
    """Print something as JSON or YAML."""
    if output is Output.JSON:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    import yaml  # noqa: PLC0415 - as the format asks

    yaml.safe_dump(document, sys.stdout, sort_keys=False, allow_unicode=True, width=120)


def _name(manifest: Manifest) -> str:
    group = str(manifest["apiVersion"]).partition("/")[0]
    return f"{str(manifest['kind']).lower()}.{group}/{manifest['metadata']['name']}"


def _plain(manifest: Manifest) -> Manifest:
    """Leave out who owns which field, as kubectl does."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return {**manifest, "metadata": metadata}
