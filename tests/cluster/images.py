"""Container images from files on this machine, as OCI archives that containerd imports: no registry, no Docker.

An image here is one layer with a static program or two. containerd names it by the annotation in the archive's index.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_NOBODY = 65534


def write_image(
    path: Path,
    *,
    name: str,
    files: Mapping[str, Path],
    links: Mapping[str, str] = {},
    command: Sequence[str],
) -> Path:
    """Write an image as an OCI archive and give its path.

    Parameters
    ----------
    name : str
        With a tag, e.g. ``localhost/kubernaut/busybox:1``.
    files : mapping of str to Path
        Path in the image, without the leading slash -> executable on this machine.
    links : mapping of str to str
        Symbolic links in the image -> what they point to.
    command : sequence of str
        Its entry point.
    """
    layer = _layer(files, links)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(command), "User": str(_NOBODY), "Env": ["PATH=/bin:/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    blobs: dict[str, bytes] = {}

    def keep(content: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": keep(json.dumps(config).encode(), _CONFIG),
        "layers": [keep(gzip.compress(layer, compresslevel=1, mtime=0), _LAYER)],
    }
    entry = keep(json.dumps(manifest).encode(), _MANIFEST)
    entry["annotations"] = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    index = {"schemaVersion": 2, "manifests": [entry]}
    with tarfile.open(path, "w") as archive:
        _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        _add(archive, "index.json", json.dumps(index).encode())
        for digest, content in blobs.items():
            _add(archive, f"blobs/sha256/{digest}", content)
    return path


def _layer(files: Mapping[str, Path], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for folder in ("bin", "usr", "usr/bin", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(entry)
        _add(layer, "etc/passwd", f"root:x:0:0::/:/bin/sh\nnobody:x:{_NOBODY}:{_NOBODY}::/:/bin/sh\n".encode())
        for inside, source in files.items():
            _add(layer, inside, source.read_bytes(), mode=0o755)
        for inside, target in links.items():
            entry = tarfile.TarInfo(inside)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            layer.addfile(entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
