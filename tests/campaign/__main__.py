"""The campaign's commands: ``python -m campaign run``, ``dataset``, ``compare`` and ``plan``; `make campaign` calls them.

Without ``--kubeconfig`` the cluster of `make cluster` is used: it is booted, and the operator installed, where they are
not there. On any other cluster the operator is installed already.
"""

import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from cluster.__main__ import NAME
from cluster.boot import Cluster, best_tier, boot, running
from cluster.layout import Tier
from cluster.node import BUSYBOX
from helpers.installed_operator import install_operator, record_folders
from kubernaut_operator.kernel.api import Api, connect
from kubernaut_operator.kernel.resources import Resource
from kubernaut_operator.manifests.options import InstallOptions
from kubernaut_simulator.cli.exits import run as run_command
from kubernaut_simulator.datasets import datasets_folder
from kubernaut_simulator.history.history import History

from kubernaut import __version__
from kubernaut.errors import InputError, NotFoundError

from .collecting import recorded, write_dataset
from .comparing import compare, generated_like
from .plan import Plan, make_plan
from .running import Journal, Note, Place, run_plan
from .serving import caller
from .sheet import sheet_text
from .shop import CONFIG_MAPS
from .terms import MAPS, config_map

OUT = Path("out/campaign")
DATASET = "recorded-campaign"
IN_FORCE_S = 5.0
"""The operator reads ConfigMaps anew within two seconds on an idle machine."""

NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Kubeconfig = Annotated[Path | None, typer.Option(help="Of a cluster on which the operator is installed.")]
Out = Annotated[Path, typer.Option(help="Folder of the journal; a campaign that was ended goes on by it.")]
Incidents = Annotated[int, typer.Option(min=1, help="How many incidents.")]
Seed = Annotated[int, typer.Option(help="Of the plan.")]


@app.command()
def plan(incidents: Incidents = 320, seed: Seed = 1) -> None:
    """Show what a campaign would do."""
    made = make_plan(incidents, seed=seed)
    for fault, count in Counter(one.fault for one in made.incidents).most_common():
        typer.echo(f"{count:4}  {fault.value}")


@app.command()
def run(  # noqa: PLR0917 - typer reads a command's options off its signature
    incidents: Incidents = 320,
    seed: Seed = 1,
    at_once: Annotated[int, typer.Option(min=1, help="Incidents side by side.")] = 10,
    minutes: Annotated[float | None, typer.Option(help="After these no incident begins.")] = None,
    kubeconfig: Kubeconfig = None,
    image: Annotated[str, typer.Option(help="Busybox, as the nodes find it.")] = BUSYBOX,
    out: Out = OUT,
) -> None:
    """Run a campaign, or go on with one."""
    cluster = None if kubeconfig is not None else _own_cluster()
    config = kubeconfig or (cluster.layout.kubeconfig if cluster else None)
    if config is None:
        raise InputError("no cluster with a node can be had here: name one by --kubeconfig")
    if cluster is not None:
        typer.echo("installing the operator")
        install_operator(cluster, more=["--no-conditions"])
    carry_out(make_plan(incidents, seed=seed), config, cluster, out=out, image=image, at_once=at_once, minutes=minutes)
    typer.echo(f"over; `python -m campaign dataset` makes a data set of it. Journal: {out / 'journal.jsonl'}")


@app.command()
def dataset(
    records: Annotated[list[Path] | None, typer.Option(help="Folders of records; the own cluster's without.")] = None,
    out: Out = OUT,
    to: Annotated[Path | None, typer.Option(help="Folder of the data set; in datasets/ without.")] = None,
    compared: Annotated[bool, typer.Option(help="Generate a world and put it beside.")] = True,
) -> None:
    """Make a data set, with its data sheet, of what was recorded."""
    notes = Journal(out / "journal.jsonl").notes()
    for path in make_dataset(
        records or _own_records(), notes, out, to or datasets_folder() / DATASET, compared=compared
    ):
        typer.echo(path)


@app.command("compare")
def compare_command(
    folder: Annotated[Path | None, typer.Option(help="Of the data set; the shipped one without.")] = None,
    out: Out = OUT,
    seed: Seed = 1,
) -> None:
    """Print a data set's rates and times to pass beside those of a generated world of the same faults."""
    history = History.load(folder or datasets_folder() / DATASET)
    notes = Journal(out / "journal.jsonl").notes()
    if not notes:
        raise InputError(f"{out}: no journal there; it says which faults the world must have")
    typer.echo(compare(history, generated_like(notes, seed=seed)).text())


def carry_out(
    made: Plan,
    kubeconfig: Path,
    cluster: Cluster | None,
    *,
    out: Path,
    image: str = BUSYBOX,
    at_once: int = 10,
    minutes: float | None = None,
) -> list[Note]:
    """Put the campaign's settings in force, carry a plan out, and give what was noted."""
    api = connect(str(kubeconfig))
    put_settings(api)
    journal = Journal(out / "journal.jsonl")
    machine = {
        "seed": str(made.seed),
        "incidents planned": str(len(made.incidents)),
        "side by side": str(at_once),
        "Kubernetes": ", ".join(
            sorted({str(node["status"]["nodeInfo"]["kubeletVersion"]) for node in api.list_all(NODES)[0]})
        ),
        "operator and engine": __version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "workload's image": image,
    }
    (out / "machine.json").write_text(json.dumps(machine, indent=1), encoding="utf-8")
    place = Place(api=api, ask=caller(kubeconfig), image=image, cluster=cluster)
    until = None if minutes is None else time.monotonic() + 60 * minutes
    run_plan(made, place, journal, at_once=at_once, until=until, say=typer.echo)
    return journal.notes()


def put_settings(api: Api) -> None:
    """Put the campaign's settings in force, in place of whatever the two ConfigMaps hold; they stay after it."""
    namespace = InstallOptions().namespace
    for name, level in MAPS.items():
        data = config_map(level)
        try:
            there = api.get(CONFIG_MAPS, name, namespace)
        except NotFoundError:
            manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
            api.create(CONFIG_MAPS, manifest, namespace)
        else:
            api.replace(CONFIG_MAPS, there | {"data": data})
    time.sleep(IN_FORCE_S)


def make_dataset(records: Sequence[Path], notes: Sequence[Note], out: Path, to: Path, *, compared: bool) -> list[Path]:
    """Write a data set and its data sheet and give the paths."""
    history = recorded(records, notes)
    paths = write_dataset(to, history, notes)
    machine = json.loads((out / "machine.json").read_text(encoding="utf-8"))
    comparison = compare(history, generated_like(notes, seed=int(machine["seed"]))) if compared else None
    sheet = to / "README.md"
    sheet.write_text(sheet_text(history, notes, machine, comparison), encoding="utf-8")
    return [*paths, sheet]


def _own_cluster() -> Cluster | None:
    found = running(NAME)
    if found is None and best_tier() is Tier.NODE:
        typer.echo("booting a cluster")
        found = boot(NAME, Tier.NODE)
    return found if found is not None and found.layout.tier is Tier.NODE else None


def _own_records() -> list[Path]:
    cluster = running(NAME)
    if cluster is None:
        raise InputError("the cluster of `make cluster` does not run: name the records by --records")
    return [folder / "history" for folder in record_folders(cluster)]


if __name__ == "__main__":
    sys.exit(run_command(lambda: app(prog_name="campaign", standalone_mode=False)))
