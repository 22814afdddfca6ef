"""OPA itself, asked through the small program in `tests/oracle/opa`: the judge of our judge.

The program is built once and kept outside the checkout (`go_programs`).
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .go_programs import build, cache_folder, sources_digest

SOURCE = Path(__file__).parents[1] / "oracle" / "opa"


class OracleEndedError(Exception):
    """The program stopped answering."""


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


def build_oracle() -> Path:
    """Build the program, or give the one built before.

    Raises
    ------
    GoProgramUnavailableError
        No Go, or the build failed.
    """
    digest = sources_digest(SOURCE, names=("go.mod", "go.sum", "main.go"))
    return build(SOURCE, ".", cache_folder() / f"oracle-{digest}")


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
            raise OracleEndedError("the oracle has no pipes")
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise OracleEndedError("the oracle ended; its words are above")
        answered: dict[str, Any] = json.loads(line)
        return answered
