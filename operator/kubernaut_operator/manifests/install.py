"""One installation, concern by concern and in the order in which it can be applied.

This is the only list of what is installed: the command prints it, `operator/deploy/` keeps it for the default options,
and a check compares the two.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from kubernaut.block_yaml import dump_document
from kubernaut.errors import OutputError
from kubernaut_operator.manifests.action_accounts import action_accounts
from kubernaut_operator.manifests.actions_admission import actions_policy
from kubernaut_operator.manifests.admission import resource_policies
from kubernaut_operator.manifests.config_maps import condition_maps
from kubernaut_operator.manifests.crds import custom_resource_definitions
from kubernaut_operator.manifests.namespaces import namespaces
from kubernaut_operator.manifests.network import network_policies
from kubernaut_operator.manifests.objects import Manifest
from kubernaut_operator.manifests.options import InstallOptions
from kubernaut_operator.manifests.people import people
from kubernaut_operator.manifests.rights import operator_rights
from kubernaut_operator.manifests.workload import workload

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
"""In the source tree; the installed package has none."""

INSTALL = "install.yaml"
_HEAD = "# Made by `make manifests` from operator/kubernaut_operator/manifests; edit there.\n"


def installation(options: InstallOptions) -> dict[str, list[Manifest]]:
    """Give all manifests by concern, in the order in which they are applied."""
    found = {
        "namespaces": namespaces(options),
        "crds": custom_resource_definitions(),
        "rights": operator_rights(options),
        "people": people(options),
        "actions": action_accounts(options),
        "admission": [*resource_policies(options), *actions_policy(options)],
        "network": network_policies(options),
        "conditions": condition_maps(options) if options.conditions else [],
        "operator": workload(options),
    }
    return {concern: manifests for concern, manifests in found.items() if manifests}


def manifests_text(manifests: Iterable[Manifest]) -> str:
    """Write manifests as YAML, a document each."""
    return "".join(f"---\n{dump_document(manifest, sort_keys=False)}" for manifest in manifests)


def installation_text(options: InstallOptions) -> str:
    """Write a whole installation as YAML, for `kubectl apply -f -`."""
    return manifests_text(manifest for part in installation(options).values() for manifest in part)


def deploy_files(options: InstallOptions) -> Mapping[str, str]:
    """Give the files of `operator/deploy/` by name: one a concern, numbered, and all in one."""
    parts = installation(options)
    files = {
        f"{number}-{concern}.yaml": _HEAD + manifests_text(manifests)
        for number, (concern, manifests) in enumerate(parts.items(), start=1)
    }
    return files | {INSTALL: _HEAD + installation_text(options)}


def stale_files(folder: Path = DEPLOY) -> list[str]:
    """Name the files of the folder that are not what the code makes today, missing and left-over ones included."""
    made = deploy_files(InstallOptions())
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")} if folder.is_dir() else {}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def write_files(folder: Path = DEPLOY) -> list[str]:
    """Write the files anew; gives the names of those that changed.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    changed = stale_files(folder)
    made = deploy_files(InstallOptions())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            if name in made:
                (folder / name).write_text(made[name], encoding="utf-8")
            else:
                (folder / name).unlink()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error}") from error
    return changed


def main(arguments: list[str], *, folder: Path = DEPLOY) -> int:
    """``python -m kubernaut_operator.manifests [--check]``: write `operator/deploy/`, or say what is stale."""
    if arguments == ["--check"]:
        stale = stale_files(folder)
        for name in stale:
            sys.stderr.write(f"operator/deploy/{name} is stale: run `make manifests`\n")
        return 1 if stale else 0
    for name in write_files(folder):
        sys.stdout.write(f"wrote operator/deploy/{name}\n")
    return 0
