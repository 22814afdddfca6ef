"""The evaluator that operator and replay use: judges in a worker process, restarts it, blames exactly one input.

When the worker's watchdog reports an input that takes too long, that input is an Error and the rest goes on in a new
worker. When the worker dies without a word (memory, a crash of the evaluator, somebody's kill), what was not
answered is judged again, one answer at a time; only an input on which it dies a second time is blamed.
"""

import os
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from kubernaut.errors import EvaluatorError
from kubernaut.policy.batch import InputBatch, TextBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.dictionary import DictionaryBuilder
from kubernaut.policy.input_text import UnusableInputError, checked_text, encode_input, unusable
from kubernaut.policy.projecting import projection
from kubernaut.policy.rego_answers import MISSING_BUILTINS, Answer, BuildError, SourceProblem
from kubernaut.policy.worker.frames import Frame, FrameError
from kubernaut.policy.worker.limits import Limits
from kubernaut.policy.worker.process import WorkerProcess
from kubernaut.verdicts import Code, Judgement, Reason

CHUNK_INPUTS = 4096
"""Inputs sent in one frame."""

CHUNK_CHARS = 8 << 20
"""Characters of input sent in one frame; one input may be as large as its own limit."""

_GRACE_S = 5.0
"""Beyond the watchdog's limit: a worker that is silent for longer is stuck outside of any policy."""

_COMPILE_TIME_S = 10.0
"""For compiling one policy; the largest allowed source takes under a second."""

_EVALUATORS: "weakref.WeakSet[WorkerEvaluator]" = weakref.WeakSet()


_LIMITS = ("time", "memory")


class _Run(NamedTuple):
    """How one conversation ended.

    `end` is ``done``, ``time`` or ``memory`` (the watchdog: on the first unanswered input), ``died``, or ``again``.
    """

    judgements: list[Judgement]
    end: str


class WorkerEvaluator:
    """Satisfies `Evaluator` by a worker process of its own; use as a context manager, or call `close`.

    Parameters
    ----------
    limits : Limits
    socket_path : str or None
        Where a listener (`python -m kubernaut.policy.worker --socket`) is; None starts a worker when it is first
        needed.

    Notes
    -----
    May be shared by threads: they take turns, chunk by chunk. After a fork the child starts a worker of its own.
    """

    def __init__(self, limits: Limits | None = None, *, socket_path: str | None = None) -> None:
        self._limits = limits if limits is not None else Limits()
        self._socket_path = socket_path
        self._lock = threading.Lock()
        self._process: WorkerProcess | None = None
        self._closed = False
        self.restarts = 0
        _EVALUATORS.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            process.close()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the live worker, if it is our own."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Have the worker ready, or find that it cannot be; the first use does it too.

        Raises
        ------
        EvaluatorError
            The worker cannot be started or reached, or the evaluator was closed.
        """
        with self._lock:
            self._live()

    def close(self) -> None:
        """End the worker; the evaluator cannot be used afterwards."""
        with self._lock:
            self._closed = True
            self._drop()

    def evaluate(self, policy: CompiledPolicy, batch: InputBatch) -> VerdictBatch:
        """Judge every input of the batch; a policy that fails gives `Code.ERROR`, never an exception.

        Raises
        ------
        EvaluatorError
            The worker cannot be started or reached, or the evaluator was closed.
        """
        collected = DictionaryBuilder()
        started = time.monotonic()
        failures = 0
        for chunk in _chunks(policy, batch, input_bytes=self._limits.input_bytes):
            with self._lock:
                judgements, failures = self._judge_chunk(policy, chunk, failures=failures, started=started)
            collected.extend(judgements)
        return collected.finish()

    def build_plan(self, package: str, modules: Mapping[str, str]) -> Mapping[str, Any]:
        """Compile in the worker: the `plan_builder` of `compile_policy` for sources from outside.

        Raises
        ------
        BuildError
            The modules do not compile, or compiling them ended the worker.
        EvaluatorError
            The worker cannot be started or reached.
        """
        request = {
            "kind": "plan",
            "package": package,
            "files": list(modules),
            "wall_time_s": _COMPILE_TIME_S,
        }
        found = self._asked(request, list(modules.values()))
        return {**found["plan"], MISSING_BUILTINS: found["missing"]}

    def call(self, source: str, *, package: str, arguments: str) -> Answer:
        """Ask a small module's `allow` in the worker, for the tracer: regopy must not be run in a process of others'.

        Parameters
        ----------
        source : str
        package : str
            That the source declares.
        arguments : str
            The input, as a Rego term.

        Raises
        ------
        BuildError
            It does not compile, or ended the worker.
        EvaluatorError
            The worker cannot be started or reached.
        """
        request = {"kind": "call", "package": package, "wall_time_s": _COMPILE_TIME_S}
        found = self._asked(request, [source, arguments])
        return Answer(found["answer"], found["value"])

    def _asked(self, request: dict[str, Any], texts: list[str]) -> dict[str, Any]:
        with self._lock:
            process = self._live()
            frame = self._say(process, request, texts, silence_s=_COMPILE_TIME_S + _GRACE_S)
            while frame is not None and frame.header["kind"] == "answers":
                frame = self._hear(process)
            if frame is None or frame.header["kind"] == "over_limit":
                self._drop()
                took = {
                    "time": f"took more than {_COMPILE_TIME_S:g} s",
                    "memory": f"took more than {self._limits.memory_mib} MiB of memory",
                }.get(_end(frame), "ended the compiler")
                raise BuildError((), f"compiling it {took}; make it smaller or simpler")
        if frame.header["kind"] == "build_error":
            raise BuildError([SourceProblem(*one) for one in frame.header["problems"]], frame.header["text"])
        return frame.header

    def _judge_chunk(
        self, policy: CompiledPolicy, chunk: Sequence[str | Judgement], *, failures: int, started: float
    ) -> tuple[list[Judgement], int]:
        results: dict[int, Judgement] = {index: item for index, item in enumerate(chunk) if isinstance(item, Judgement)}
        waiting = [index for index in range(len(chunk)) if index not in results]
        careful = False
        while waiting:
            refusal = self._exhausted(failures, started)
            if refusal is not None:
                results.update(dict.fromkeys(waiting, refusal))
                break
            run = self._run(policy, [str(chunk[index]) for index in waiting], careful=careful)
            results.update(zip(waiting, run.judgements, strict=False))
            waiting = waiting[len(run.judgements) :]
            if run.end in _LIMITS or (run.end == "died" and careful):
                results[waiting.pop(0)] = self._blame(run.end)
                failures += 1
                careful = False
            elif run.end == "died":
                careful = True
        return [results[index] for index in range(len(chunk))], failures

    def _exhausted(self, failures: int, started: float) -> Judgement | None:
        if failures >= self._limits.failures:
            return Judgement(
                Code.ERROR,
                Reason.LIMIT_EXCEEDED,
                f"not run: the policy hit its limits {failures} times in this batch",
            )
        limit_s = self._limits.batch_time_s
        if limit_s is not None and time.monotonic() - started > limit_s:
            return Judgement(Code.ERROR, Reason.LIMIT_EXCEEDED, f"not run: the batch took longer than {limit_s:g} s")
        return None

    def _blame(self, end: str) -> Judgement:
        if end == "time":
            text = f"the policy took longer than {self._limits.wall_time_s:g} s on this input"
        elif end == "memory":
            text = f"the policy took more than {self._limits.memory_mib} MiB of memory on this input"
        else:
            text = "the policy ended its evaluator on this input (a crash, or the machine's memory limit)"
        return Judgement(Code.ERROR, Reason.LIMIT_EXCEEDED, text)

    def _run(self, policy: CompiledPolicy, texts: list[str], *, careful: bool) -> _Run:
        process = self._live()
        judgements: list[Judgement] = []
        if policy.digest not in process.loaded:
            frame = self._load(process, policy)
            if frame is None or frame.header["kind"] == "over_limit":
                self._drop()
                return _Run(judgements, _end(frame))
            if frame.header["kind"] == "refused":
                raise EvaluatorError(f"the worker refuses {policy.name}: {frame.header['message']}")
        request = {
            "kind": "judge",
            "digest": policy.digest,
            "wall_time_s": self._limits.wall_time_s,
            "careful": careful,
        }
        frame = self._say(process, request, texts, silence_s=self._limits.wall_time_s + _GRACE_S)
        while frame is not None:
            kind = frame.header["kind"]
            if kind == "unknown_policy":
                process.loaded.discard(policy.digest)
                return _Run(judgements, "again")
            if kind != "answers":
                break
            known = [_judgement(one) for one in frame.header["dictionary"]]
            judgements.extend(known[index] for index in frame.header["answers"])
            if frame.header["last"]:
                return _Run(judgements, "done")
            frame = self._hear(process)
        self._drop()
        return _Run(judgements, _end(frame))

    def _load(self, process: WorkerProcess, policy: CompiledPolicy) -> Frame | None:
        modules = {policy.name: policy.source, **policy.libraries}
        request = {
            "kind": "load",
            "digest": policy.digest,
            "package": policy.package,
            "files": list(modules),
            "has_error_message": policy.has_error_message,
            "has_fatal": policy.has_fatal,
            "builtins": policy.builtins,
            "wall_time_s": _COMPILE_TIME_S,
        }
        frame = self._say(process, request, list(modules.values()), silence_s=_COMPILE_TIME_S + _GRACE_S)
        while frame is not None and frame.header["kind"] == "answers":
            frame = self._hear(process)
        if frame is not None and frame.header["kind"] == "loaded":
            process.loaded.add(policy.digest)
        return frame

    def _say(
        self, process: WorkerProcess, request: dict[str, Any], texts: list[str], *, silence_s: float
    ) -> Frame | None:
        process.limit_silence(silence_s)
        try:
            return process.ask(request, texts)
        except (OSError, FrameError):
            return None

    def _hear(self, process: WorkerProcess) -> Frame | None:
        try:
            return process.receive()
        except (OSError, FrameError):
            return None

    def _live(self) -> WorkerProcess:
        if self._closed:
            raise EvaluatorError("this evaluator was closed")
        if self._process is None:
            self._process = WorkerProcess(
                memory_mib=self._limits.memory_mib,
                start_time_s=self._limits.start_time_s,
                connect_time_s=self._limits.connect_time_s,
                socket_path=self._socket_path,
            )
        return self._process

    def _drop(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
            self.restarts += not self._closed

    def _forked(self) -> None:
        # The lock may have been held by a thread that does not exist in this process.
        self._lock = threading.Lock()
        if self._process is not None:
            self._process.forget()
            self._process = None


def _chunks(policy: CompiledPolicy, batch: InputBatch, *, input_bytes: int) -> Iterator[list[str | Judgement]]:
    cut = projection(policy.reads)
    chunk: list[str | Judgement] = []
    chars = 0
    for index in range(len(batch)):
        try:
            if isinstance(batch, TextBatch):
                text = checked_text(batch.text(index), max_bytes=input_bytes)
            else:
                text = encode_input(cut(batch.row(index)), max_bytes=input_bytes)
        except UnusableInputError as error:
            chunk.append(unusable(error))
            continue
        chunk.append(text)
        chars += len(text)
        if len(chunk) >= CHUNK_INPUTS or chars >= CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


def _end(frame: Frame | None) -> str:
    return "died" if frame is None else str(frame.header["limit"])


def _judgement(fields: Sequence[Any]) -> Judgement:
    code, reason, message, fatal = fields
    return Judgement(Code(code), Reason(reason), message, fatal)


def _after_fork() -> None:
    for evaluator in list(_EVALUATORS):
        evaluator._forked()  # noqa: SLF001 - the same module


os.register_at_fork(after_in_child=_after_fork)
