"""Images from a Dockerfile, without a registry and without Docker: buildah on a base that mmdebstrap makes of Debian.

The base stands in for ``python:slim``, which only a registry has. An archive is kept in the cache under the hash of what
it was made from, so a second run takes it from there; buildah's own store keeps the layers, so that a change of our code
alone builds in seconds. Needs root.
"""

import configparser
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from helpers.go_programs import cache_folder

from .errors import ClusterError, TierUnavailableError
from .programs import system_program

DEBIAN = "trixie"
"""Has Python 3.13; the suite of the base, not of this machine."""

BASE = f"localhost/kubernaut/python-base:{DEBIAN}"
_BASE_ARGV = (
    "--variant=apt",
    "--include=ca-certificates,python3,python3-venv",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale")),
)
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP_SETTINGS = ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "TIMEOUT", "DEFAULT_TIMEOUT")
_KEPT = 3
_STORE_LIMIT_MIB = 4096
_BUILD_LIMIT_S = 900


def building_missing() -> list[str]:
    """Name which programs for building images this machine lacks; Debian's packages have the same names."""
    return [name for name in ("buildah", "mmdebstrap") if system_program(name) is None]


def sources_of_image(root: Path, paths: Sequence[str], *, suffixes_left_out: Sequence[str] = ()) -> Mapping[str, bytes]:
    """Give the files that an image is built from, by their path in the build's context."""
    found = {}
    for path in paths:
        for file in sorted((root / path).rglob("*")) if (root / path).is_dir() else [root / path]:
            name = file.relative_to(root).as_posix()
            if file.is_file() and "__pycache__" not in name and not name.endswith(tuple(suffixes_left_out)):
                found[name] = file.read_bytes()
    return found


def digest_of_sources(sources: Mapping[str, bytes]) -> str:
    """Give 16 hexadecimal digits that change with any file, the base or how it is made."""
    digest = hashlib.sha256("\0".join((DEBIAN, *_BASE_ARGV)).encode())
    for name, content in sorted(sources.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def build_image(
    context: Path, *, dockerfile: str, name: str, sources: Mapping[str, bytes], arguments: Mapping[str, str] = {}
) -> tuple[Path, float]:
    """Build an image unless it is in the cache, and give its OCI archive and the seconds that building took.

    Parameters
    ----------
    context : Path
        Folder of the build; its ``.dockerignore`` holds.
    dockerfile : str
        Path within the context.
    name : str
        Without a tag; the tag is the digest of the sources.
    sources : mapping of str to bytes
        What the image is made of, by `sources_of_image`.
    arguments : mapping of str to str
        Beside ``BASE_IMAGE``.

    Raises
    ------
    TierUnavailableError
        buildah or mmdebstrap is missing.
    ClusterError
        It does not build; the text holds the end of what buildah said.
    """
    tag = digest_of_sources(sources)
    archive = cache_folder() / "images" / f"{Path(name).name}-{tag}.tar"
    if archive.exists():
        archive.touch()
        return archive, 0.0
    missing = building_missing()
    if missing:
        raise TierUnavailableError(f"building images needs {', '.join(missing)}: apt-get install {' '.join(missing)}")
    began = time.monotonic()
    archive.parent.mkdir(parents=True, exist_ok=True)
    _bound_store()
    _make_base(archive.parent)
    with tempfile.TemporaryDirectory() as folder:
        _buildah(
            "bud", "--quiet", "--layers", "--isolation=chroot", f"--build-arg=BASE_IMAGE={BASE}",
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            *_ways_out(Path(folder)),
            f"--tag={name}:{tag}", f"--file={context / dockerfile}", context,
        )  # fmt: skip
    unfinished = archive.with_suffix(f".{os.getpid()}")
    _buildah("push", "--quiet", f"{name}:{tag}", f"oci-archive:{unfinished}:{name}:{tag}")
    unfinished.replace(archive)
    for old in sorted(archive.parent.glob(f"{Path(name).name}-*.tar"), key=lambda one: -one.stat().st_mtime)[_KEPT:]:
        old.unlink()
    return archive, time.monotonic() - began


def _make_base(folder: Path) -> None:
    if _has_image(BASE):
        return
    base = folder / f"{DEBIAN}.tar"
    mmdebstrap = system_program("mmdebstrap") or Path("mmdebstrap")
    _run([mmdebstrap, "--quiet", *_BASE_ARGV, DEBIAN, base])
    recipe = folder / "Containerfile.base"
    recipe.write_text(f"FROM scratch\nADD {base.name} /\n")
    _buildah("bud", "--quiet", "--isolation=chroot", f"--tag={BASE}", f"--file={recipe}", folder)
    base.unlink()


def _ways_out(folder: Path) -> Iterator[str]:
    """Give the mounts by which pip finds its index as it does on this machine; nothing of them stays in the image."""
    if _AUTHORITIES.exists():
        yield f"--volume={_AUTHORITIES}:{_AUTHORITIES}:ro"
    settings = configparser.ConfigParser(interpolation=None)
    settings.read("/etc/pip.conf")
    if not settings.has_section("global"):
        settings.add_section("global")
    for key in _PIP_SETTINGS:
        if value := os.environ.get(f"PIP_{key}"):
            settings.set("global", key.lower().replace("_", "-"), value)
    if _AUTHORITIES.exists():
        settings.set("global", "cert", str(_AUTHORITIES))
    text = io.StringIO()
    settings.write(text)
    path = folder / "pip.conf"
    path.write_text(text.getvalue())
    yield f"--volume={path}:/etc/pip.conf:ro"


def _store() -> Path:
    return cache_folder() / "buildah"


def _bound_store() -> None:
    """Begin anew where old layers have piled up; buildah 1.28 prunes all of them or none."""
    used = sum(file.stat().st_size for file in _store().rglob("*") if file.is_file() and not file.is_symlink())
    if used > _STORE_LIMIT_MIB << 20:
        shutil.rmtree(_store(), ignore_errors=True)


def _has_image(name: str) -> bool:
    argv = [*_buildah_argv(), "images", "--quiet", name]
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


def _buildah_argv() -> list[str]:
    buildah = str(system_program("buildah") or "buildah")
    return [buildah, f"--root={_store() / 'root'}", f"--runroot={_store() / 'run'}", "--storage-driver=overlay"]


def _buildah(*arguments: str | Path) -> None:
    _run([*_buildah_argv(), *arguments])


def _run(argv: Sequence[str | Path]) -> None:
    try:
        done = subprocess.run(
            [str(part) for part in argv], check=False, capture_output=True, text=True, timeout=_BUILD_LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{argv[0]} took more than {_BUILD_LIMIT_S} s") from error
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}".strip()[-3000:]
        raise ClusterError(f"{' '.join(str(part) for part in argv)} failed:\n{said}")
