"""What commands load: histories, conditions, and the progress bar that shows only to a person."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kubernaut.errors import InputError, MissingExtraError
from kubernaut_simulator.cli.output import warn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.history.reading import ReadReport
    from kubernaut_simulator.history.stored import StoredHistory
    from kubernaut_simulator.progress import Progress
    from kubernaut_simulator.replay.partitioned import Work
    from kubernaut_simulator.replay.replay import Replay
    from kubernaut_simulator.replay.tasks import Conditions

PROBLEMS_SHOWN = 10


def read_text(path: Path) -> str:
    """Read a text file of the user's.

    Raises
    ------
    InputError
        No such file, no right to read it, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def needs_simulator(*more: str) -> None:
    """Say how to install the simulator's libraries, and those of its modules that are named, where they are missing.

    Raises
    ------
    MissingExtraError
        One is missing.
    """
    from importlib.util import find_spec

    missing = [name for name in ("pandas", "pyarrow", "scipy", "plotly", *more) if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"this command needs {', '.join(missing)}: pip install 'kubernaut-workbench[simulator]'"
        )


def load_history(
    paths: Sequence[Path],
    *,
    strict: bool = False,
    since: str | None = None,
    until: str | None = None,
    action: str | None = None,
    namespace: str | None = None,
    look_columns: Collection[str] | None = None,
) -> History:
    """Load a history, of its looks all columns or those that are needed; report on stderr what was wrong with it."""
    needs_simulator()
    from kubernaut.history.rows import RowKind
    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.history.reading import read_history
    from kubernaut_simulator.instants import parse_instant

    first, last = parse_instant(since, "--since"), parse_instant(until, "--until")
    filtered = bool(first or last or action or namespace)
    # Looks without an evaluation are filtered by their run.
    by = {"execution_uid"} if filtered else set()
    columns = None if look_columns is None else {RowKind.ATTEMPTS: {*look_columns, *by}}
    with progress() as shown:
        history = History(*read_history(paths, strict=strict, progress=shown, columns=columns))
    tell_problems(history.report)
    if filtered:
        history = history.filter(since=first, until=last, action=action, namespace=namespace)
        if not len(history.evaluations):
            raise InputError("no evaluation is left after --since, --until, --action and --namespace; widen them")
    return history


def tell_problems(report: ReadReport) -> None:
    """Say on stderr what was wrong with the rows of a history."""
    for problem in report.problems[:PROBLEMS_SHOWN]:
        warn(str(problem))
    total = sum(count for _, count in report.counts)
    if total > PROBLEMS_SHOWN:
        warn(f"{total - PROBLEMS_SHOWN:,} more: " + ", ".join(f"{count:,} {kind}" for kind, count in report.counts))


def open_history(
    paths: Sequence[Path],
    work: Work | None,
    *,
    strict: bool = False,
    since: str | None = None,
    until: str | None = None,
    action: str | None = None,
    namespace: str | None = None,
) -> History | StoredHistory:
    """Load a history, or leave it in its files where work in partitions was asked for and they are Parquet."""
    needs_simulator()
    from kubernaut_simulator.history.files import FileFormat, discover
    from kubernaut_simulator.history.stored import StoredHistory
    from kubernaut_simulator.instants import parse_instant

    if work is None or any(file.format is not FileFormat.PARQUET for file in discover(paths)):
        return load_history(paths, strict=strict, since=since, until=until, action=action, namespace=namespace)
    stored = StoredHistory.open(paths, strict=strict)
    first, last = parse_instant(since, "--since"), parse_instant(until, "--until")
    if first or last or action or namespace:
        stored = stored.filter(since=first, until=last, action=action, namespace=namespace)
    return stored


def work_of(scheduler: str | None, jobs: int | None, partition_size: int | None) -> Work | None:
    """Say how work is cut and done, from the options; None where none was given.

    Raises
    ------
    InputError
        They do not go together.
    """
    needs_simulator()
    from kubernaut_simulator.replay.partitioned import work_for

    if scheduler is None and (jobs is not None or partition_size is not None):
        raise InputError("--jobs and --partition-size are of work in partitions; give --scheduler too")
    return work_for(scheduler, jobs=jobs, partition_evaluations=partition_size)


def tell_partitions(replayed: Replay) -> None:
    """Say on stderr what was wrong with rows and conditions of a history that stayed in its files."""
    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.replay.recorded_conditions import coverage_warnings

    if replayed.merged is None or isinstance(replayed.source, History):
        return
    tell_problems(replayed.merged.report)
    for warning in coverage_warnings(replayed.totals.recorded, replayed.conditions or {}):
        warn(warning)


def load_conditions(path: Path | None, *, text: str | None = None) -> Conditions | None:
    """Load and compile the ConfigMaps in a file; None without one.

    Parameters
    ----------
    text : str or None
        What the file holds, of who has read it: a pipe is read only once. None reads it.

    Raises
    ------
    InputError
        The file, its settings or a policy cannot be used.
    """
    if path is None:
        return None
    from kubernaut.conditions.compiled_set import compile_set
    from kubernaut.conditions.configmaps import load_condition_sets
    from kubernaut.conditions.defaults import shipped_defaults

    sets = load_condition_sets(read_text(path) if text is None else text, source=str(path), shipped=shipped_defaults())
    for one in sets.values():
        for warning in one.warnings:
            warn(warning)
    return {level: compile_set(one, compile_with_facts) for level, one in sets.items()}


def conditions_for(
    history: History | StoredHistory, path: Path | None, *, text: str | None = None
) -> Conditions | None:
    """Load the conditions to judge a history by, and warn where file and history do not speak of the same ones.

    Of a history that stays in its files it is not known yet what it holds; `tell_partitions` says it afterwards.
    """
    conditions = load_conditions(path, text=text)
    if conditions is not None:
        from kubernaut_simulator.history.history import History
        from kubernaut_simulator.replay.recorded_conditions import coverage_warnings, recorded_conditions

        recorded = recorded_conditions(history) if isinstance(history, History) else None
        for warning in coverage_warnings(recorded, conditions) if recorded is not None else ():
            warn(warning)
    return conditions


def shipped_conditions(action: str | None = None) -> Conditions:
    """Compile what ships with the package: the suites of all actions, or of one."""
    from kubernaut.conditions.compiled_set import compile_set
    from kubernaut.conditions.condition_set import shipped_set
    from kubernaut.conditions.defaults import shipped_defaults
    from kubernaut.identity import Level

    defaults = shipped_defaults()
    return {level: compile_set(shipped_set(level, defaults), compile_with_facts, action=action) for level in Level}


def compile_with_facts(source: str, *, name: str, libraries: Any) -> Any:
    """Compile a policy and check the facts that it names against the registry."""
    from kubernaut.policy.compiling import compile_policy

    return compile_policy(source, name=name, libraries=libraries, known_facts=registered_facts())


_known: list[Any] = []


def registered_facts() -> Any:
    """Give the shape of `input` that the registry knows; made once."""
    if not _known:
        from kubernaut.facts.registry import known_paths
        from kubernaut.policy.known_facts import known_facts_from_paths

        _known.append(known_facts_from_paths(known_paths()))
    return _known[0]


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a progress hook that draws a bar on a terminal after a second, and nothing elsewhere."""
    if not sys.stderr.isatty():
        from kubernaut_simulator.progress import silent

        yield silent
        return
    from tqdm.auto import tqdm

    bars: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        bar = bars.get(what)
        if bar is None:
            bar = bars[what] = tqdm(total=total, desc=what, delay=1.0, leave=False, file=sys.stderr)
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
