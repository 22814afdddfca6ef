"""A CSV file to a history, by a map: every line becomes one run, or is reported with its number.

Order: read the header and refuse a map that names other columns; compile the map's policies; read every line
whole (a bad cell makes the whole line bad, so that no half of a run is kept); judge the facts, one batch a
condition; make rows. What the conversion had to assume is counted and said, not hidden in the rows.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import Snapshot, format_path, overlap, parse_path
from kubernaut.history.rows import Row
from kubernaut.identity import ConditionId, Phase
from kubernaut.judging import judge
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.verdicts import Attempt, Judgement, Verdict
from kubernaut_simulator.history.csv_looks import Look, look_at
from kubernaut_simulator.history.csv_map import ConditionMap, CsvMap
from kubernaut_simulator.history.csv_map_cells import Time
from kubernaut_simulator.history.csv_rows import (
    Run,
    attempt_row,
    evaluation_row,
    execution_row,
    policy_row,
    run_of,
    snapshot_of,
    workflow_row,
)
from kubernaut_simulator.history.csv_values import Line
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.problems import Problem, ProblemKind, Problems
from kubernaut_simulator.progress import Progress, silent

_TELL_EVERY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What a CSV file became.

    Attributes
    ----------
    history : History
        Its report names the lines that were set aside.
    lines : int
        Lines of data in the file.
    notes : tuple of str
        What the conversion assumed, and what it could not judge, with counts.
    """

    history: History
    lines: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A line read whole."""

    run: Run
    looks: tuple[Look | None, ...]


@dataclass(slots=True)
class _Counts:
    """What the conversion says afterwards."""

    lines: int = 0
    notes: Counter[str] = field(default_factory=Counter)


def convert_csv(
    path: Path | str,
    mapping: CsvMap,
    *,
    evaluator: Evaluator | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Conversion:
    """Convert a CSV file.

    Parameters
    ----------
    path : Path or str
    mapping : CsvMap
        See `csv_map.read_map`.
    evaluator : Evaluator or None
        Judges the facts where the map has policies; None starts the worker program for the time of the
        conversion.
    strict : bool
        The first bad line is fatal.
    progress : Progress or None
        Told how many lines are behind us.

    Raises
    ------
    HistoryError
        No such file, a column that it lacks, no line that can be used, or any problem when `strict`.
    PolicyError
        A policy of the map does not compile.
    EvaluatorError
        The worker program could not be started.
    """
    tell = progress or silent
    problems = Problems(strict=strict)
    policies = _policies(mapping)
    mapping = mapping.model_copy(update={"conditions": tuple(item for item, _ in policies)})
    counts = _Counts()
    read = list(_read_lines(Path(path), mapping, problems, counts, tell))
    with ExitStack() as stack:
        if evaluator is None and any(_judges(item, policy) for item, policy in policies):
            evaluator = stack.enter_context(WorkerEvaluator())
        judgements = [_judge(item, policy, n, read, evaluator) for n, (item, policy) in enumerate(policies)]
    rows = list(_rows(mapping, policies, read, judgements, counts))
    history = History.from_rows(rows, problems=problems, source=str(path))
    return Conversion(history=history, lines=counts.lines, notes=_told(counts.notes))


def _told(notes: Counter[str]) -> tuple[str, ...]:
    return tuple(f"{n} lines: {what}" for what, n in sorted(notes.items()))


Policies = Sequence[tuple[ConditionMap, CompiledPolicy | None]]


def _policies(mapping: CsvMap) -> Policies:
    return [_resolved(item) for item in mapping.conditions]


def _resolved(item: ConditionMap) -> tuple[ConditionMap, CompiledPolicy | None]:
    """The condition with its policy's settings filled in, and the policy."""
    if item.policy is None:
        return item, None
    policy = compile_policy(item.policy, name=f"{item.id.type}.rego")
    _check_settings(item, policy)
    settings = {parameter.name: parameter.default for parameter in policy.parameters} | dict(item.settings)
    item = item.model_copy(update={"settings": settings})
    given = [parse_path(path) for path in item.facts]
    if item.settings:
        given.append(("settings",))
    if item.time_to_pass is not None and item.time_to_pass.fact is not None:
        given.append(parse_path(item.time_to_pass.fact))
    for read in policy.reads:
        if not any(overlap(read, path) for path in given):
            raise HistoryError(
                f"{item.id}: the policy reads input.{format_path(read)}, which the map gives no column; "
                "add it under `facts`"
            )
    return item, policy


def _check_settings(item: ConditionMap, policy: CompiledPolicy) -> None:
    known = {parameter.name: parameter for parameter in policy.parameters}
    for name, value in item.settings.items():
        if name not in known:
            raise HistoryError(f"{item.id}: the policy has no setting {name!r}; it has {', '.join(known) or 'none'}")
        if not known[name].allows(value):
            raise HistoryError(f"{item.id}: setting {name} = {value:g} is outside the policy's bounds")


def _read_lines(path: Path, mapping: CsvMap, problems: Problems, counts: _Counts, tell: Progress) -> Iterator[_Read]:
    for number, line in _lines(path, mapping):
        counts.lines += 1
        if counts.lines % _TELL_EVERY == 0:
            tell("reading CSV", counts.lines, counts.lines)
        try:
            if isinstance(line, HistoryError):
                raise line
            run = run_of(mapping, line)
            looks = tuple(
                look_at(item, line, starts_at=run.starts_at(item.id.phase), ran=run.ran) for item in mapping.conditions
            )
        except HistoryError as error:
            problems.add(Problem(kind=ProblemKind.BAD_ROW, file=str(path), place=number, message=str(error), rows=1))
            continue
        counts.notes.update(_assumed(mapping, line))
        yield _Read(run, looks)


def _assumed(mapping: CsvMap, line: Line) -> Iterator[str]:
    for name in type(mapping.times).model_fields:
        time: Time | None = getattr(mapping.times, name)
        if time is not None and time.missing is not None and not line[time.column].strip():
            yield f"no {time.column}; taken to be {time.missing.isoformat()}"


def _lines(path: Path, mapping: CsvMap) -> Iterator[tuple[int, Line | HistoryError]]:
    """Each line of data with its number in the file, or what is wrong with it."""
    try:
        with path.open(encoding=mapping.csv.encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=mapping.csv.delimiter, strict=True)
            header = next(reader, None)
            if header is None:
                raise HistoryError(f"{path}: the file is empty")
            _check_header(path, header, mapping)
            while (cells := _next_cells(reader)) is not None:
                if isinstance(cells, HistoryError):
                    yield reader.line_num, cells
                elif len(cells) == len(header):
                    yield reader.line_num, dict(zip(header, cells, strict=True))
                elif cells:
                    wrong = f"{len(cells)} cells, but the header names {len(header)} columns"
                    yield reader.line_num, HistoryError(wrong)
    except (OSError, UnicodeDecodeError, LookupError) as error:
        raise HistoryError(f"{path}: cannot be read: {error}") from error


def _next_cells(reader: Iterator[list[str]]) -> list[str] | HistoryError | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        return HistoryError(f"not CSV: {error}")


def _check_header(path: Path, header: list[str], mapping: CsvMap) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise HistoryError(f"{path}: column {twice[0]!r} stands twice in the header")
    for name in sorted(mapping.columns()):
        if name not in header:
            near = get_close_matches(name, header, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(header)}"
            raise HistoryError(f"{path}: no column {name!r}, which the map names{hint}")


def _judge(
    item: ConditionMap,
    policy: CompiledPolicy | None,
    position: int,
    read: Sequence[_Read],
    evaluator: Evaluator | None,
) -> dict[int, Judgement]:
    """Answers by number of line read, where the line has no verdict itself or the policy calls it fatal."""
    if policy is None or evaluator is None or not _judges(item, policy):
        return {}
    post = item.id.phase is Phase.POST
    numbers = []
    snapshots: list[Snapshot] = []
    for number, one in enumerate(read):
        look = one.looks[position]
        if look is not None and (look.attempt is Attempt.NOT_YET if post else look.verdict is None):
            numbers.append(number)
            snapshots.append(snapshot_of(item, look))
    batch = judge(evaluator, policy, snapshots)
    answers = {number: batch[index] for index, number in enumerate(numbers)}
    return {number: one for number, one in answers.items() if one.fatal} if post else answers


def _judges(item: ConditionMap, policy: CompiledPolicy | None) -> bool:
    """Whether there is anything to ask: of a postcondition the line tells all but what its policy calls fatal."""
    return policy is not None and (item.id.phase is Phase.PRE or policy.has_fatal)


def _rows(
    mapping: CsvMap,
    policies: Policies,
    read: Sequence[_Read],
    judgements: Sequence[dict[int, Judgement]],
    counts: _Counts,
) -> Iterator[Row]:
    if read:
        first = min(one.run.started_at for one in read)
        yield from (policy_row(item, policy, first) for item, policy in policies if policy is not None)
    for number, one in enumerate(read):
        yield execution_row(mapping, one.run)
        yield workflow_row(one.run)
        for (item, policy), look, judged in zip(policies, one.looks, judgements, strict=True):
            if look is None:
                counts.notes[f"no verdict of {item.id}"] += 1
                continue
            judgement = judged.get(number)
            evaluation = evaluation_row(item, one.run, look, policy=policy, judgement=judgement)
            counts.notes.update(_not_judged(item.id, look, evaluation.verdict))
            yield evaluation
            attempt = attempt_row(item, evaluation, look, run=one.run, judgement=judgement)
            if attempt is not None:
                yield attempt


def _not_judged(condition: ConditionId, look: Look, verdict: Verdict) -> Iterator[str]:
    if verdict is Verdict.SKIPPED and look.absent:
        yield f"{condition} not judged: {', '.join(look.absent)} not recorded"
