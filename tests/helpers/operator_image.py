"""The operator's image from `operator/Dockerfile`, built as an administrator would build it and kept in the cache.

``python -m helpers.operator_image`` builds it and prints its size and how long Python needs in it to be ready to work.
"""

import json
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.image_building import build_image, digest_of_sources, sources_of_image

ROOT = Path(__file__).resolve().parents[2]
NAME = "localhost/kubernaut/operator"

_PATHS = (
    "operator/Dockerfile",
    ".dockerignore",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "kubernaut",
    "operator/kubernaut_operator",
)
_LEFT_OUT = ("_test.rego",)
"""As `.dockerignore` leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorImage:
    """An image that was built.

    Attributes
    ----------
    name : str
        With its tag.
    archive : Path
        OCI archive.
    built_s : float, unit s
        0 where it came from the cache.
    """

    name: str
    archive: Path
    built_s: float

    @property
    def packed_mib(self) -> float:
        """What a node downloads, MiB."""
        return self.archive.stat().st_size / 2**20

    def layers_mib(self) -> list[float]:
        """Give the size of each layer as it is downloaded, MiB; the first is the base."""
        with tarfile.open(self.archive) as archive:
            index = _json(archive, "index.json")
            manifest = _json(archive, _blob(index["manifests"][0]["digest"]))
        return [layer["size"] / 2**20 for layer in manifest["layers"]]


def operator_image() -> OperatorImage:
    """Build the image of this checkout unless it is in the cache.

    Raises
    ------
    TierUnavailableError
        buildah or mmdebstrap is missing.
    ClusterError
        It does not build; the text says why.
    """
    sources = sources_of_image(ROOT, _PATHS, suffixes_left_out=_LEFT_OUT)
    archive, built_s = build_image(ROOT, dockerfile="operator/Dockerfile", name=NAME, sources=sources)
    return OperatorImage(name=f"{NAME}:{digest_of_sources(sources)}", archive=archive, built_s=built_s)


def _json(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    member = archive.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is no file of the archive")
    found: dict[str, Any] = json.load(member)
    return found


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


if __name__ == "__main__":
    image = operator_image()
    how = f"built in {image.built_s:.0f} s" if image.built_s else "from the cache"
    layers = ", ".join(f"{size:.1f}" for size in image.layers_mib())
    sys.stdout.write(f"{image.name} ({how}): {image.packed_mib:.1f} MiB to download, by layer {layers}\n")
