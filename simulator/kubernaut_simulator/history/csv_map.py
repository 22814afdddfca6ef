"""The map from the columns of a CSV file to rows of history: what a person writes as YAML.

Every value is a `Cell`: a constant text, or a column, possibly translated word by word. A word that the map
does not translate, and an empty cell where a value is needed, make the CSV's line a bad one; nothing is
guessed. Where the file lacks what a row must have, as a time, the map may say what to take instead, and the
conversion says how often it did. What a line becomes is decided in `csv_import`. docs/history-import.md
explains the map to its authors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from kubernaut.conditions.yaml_text import YamlText, read_yaml
from kubernaut.errors import HistoryError, InputError, SettingsError
from kubernaut.history.rows import OutcomeSource
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.history.csv_map_cells import Cell, FactType, MapPart, Time

MAP_VERSION = 1


class Times(MapPart):
    """The times of a run; all but its start may be left out.

    Where the action's own times are left out they are taken to be the run's start, because a row without them
    would say that the action never ran.
    """

    started: Time
    action_started: Time | None = None
    action_ended: Time | None = None
    finished: Time | None = None
    detected: Time | None = None
    resolved: Time | None = None


class Target(MapPart):
    """What the run acted on."""

    namespace: Cell = Cell(constant="")
    kind: Cell = Cell(constant="")
    name: Cell = Cell(constant="")


class OutcomeMap(MapPart):
    """One column from which an outcome may be read; of several, the first that gives one counts.

    Attributes
    ----------
    outcome : Cell
        Gives ``effective``, ``ineffective`` or ``inconclusive``; no value tries the next.
    source : OutcomeSource
        Who says so. Only sources independent of the conditions' own facts may gate.
    at : Time or None
        When the label arrived; None when the file does not say.
    """

    outcome: Cell
    source: OutcomeSource
    at: Time | None = None


class FactMap(MapPart):
    """One fact of a look.

    Attributes
    ----------
    column : str
    type : FactType
        ``flag`` reads true and false in any case.
    missing : {"not_recorded", "null"}
        What an empty cell means: history kept nothing (the condition is not judged on this line), or somebody
        looked and there was nothing.
    """

    column: str
    type: FactType = FactType.TEXT
    missing: Literal["not_recorded", "null"] = "not_recorded"


class TimeToPass(MapPart):
    """When a postcondition came true, where the file has durations and no single looks.

    Attributes
    ----------
    seconds : str or None
        Column of the seconds from the action's end to the pass, or to the end of watching.
    at : Time or None
        Instead of `seconds`: when it came true.
    passed : Cell or None
        Gives ``yes`` or ``no``. None: it passed when the line has a time to pass.
    watched_until : Time or None
        When watching ended on lines that did not pass, if `seconds` does not say it.
    fact : str or None
        Path of a boolean fact that is written for the deciding look, so that a policy can be replayed on it.
    resolution_s : float
        Step of the file's clock, s. The pass is taken to lie up to one step before or after the number.
    """

    seconds: str | None = None
    at: Time | None = None
    passed: Cell | None = None
    watched_until: Time | None = None
    fact: str | None = None
    resolution_s: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _one_duration(self) -> "TimeToPass":
        if (self.seconds is None) == (self.at is None):
            raise ValueError("name a column of `seconds`, or a time `at` which it came true")
        return self


def _condition(value: Any) -> Any:
    try:
        return ConditionId.parse(value) if isinstance(value, str) else value
    except InputError as error:
        raise ValueError(str(error)) from error


class ConditionMap(MapPart):
    """One condition, judged from facts by a policy, by a column of verdicts, or by its time to pass.

    Attributes
    ----------
    condition : ConditionId
        Written ``action/level/phase/type``; the action is the map's.
    policy : str or None
        Rego. For a precondition it judges the facts of each line; for a postcondition it is kept for replay.
    settings : mapping of str to float
        What the policy reads as ``input.settings``.
    facts : mapping of str to FactMap
        By path in `input`, e.g. ``custom.confidence``.
    verdict : Cell or None
        Gives ``Passed``, ``Failed``, ``Error`` or ``Skipped`` for a precondition without policy.
    message : Cell
    time_to_pass : TimeToPass or None
        Postconditions, and only they, have it.
    timeout_s : float
        The timeout that was in force. It may exceed the hour that new conditions are bounded by.
    required : bool
    """

    condition: Annotated[Any, BeforeValidator(_condition)]
    policy: str | None = None
    settings: Mapping[str, float] = Field(default_factory=dict)
    facts: Mapping[str, FactMap] = Field(default_factory=dict)
    verdict: Cell | None = None
    message: Cell = Cell(constant="")
    time_to_pass: TimeToPass | None = None
    timeout_s: float = Field(default=30.0, gt=0.0)
    required: bool = False

    @model_validator(mode="after")
    def _judged_one_way(self) -> "ConditionMap":
        if not isinstance(self.condition, ConditionId):
            raise ValueError("write the condition as action/level/phase/type")  # noqa: TRY004 - pydantic's protocol
        if self.id.phase is Phase.POST:
            if self.time_to_pass is None or self.verdict is not None:
                raise ValueError("a postcondition needs `time_to_pass`, and has no `verdict` of its own")
        elif self.time_to_pass is not None or (self.policy is None) == (self.verdict is None):
            raise ValueError("a precondition needs a `policy` with `facts`, or a `verdict`; never `time_to_pass`")
        if self.policy is not None and not (self.facts or self.time_to_pass):
            raise ValueError("a `policy` needs `facts` to judge")
        return self

    @property
    def id(self) -> ConditionId:
        """The condition's identity."""
        found: ConditionId = self.condition
        return found


class CsvOptions(MapPart):
    """How the file is written."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"


class CsvMap(MapPart):
    """A whole map.

    Attributes
    ----------
    version : int
    about : str
        What the file is and what the map assumes; a person reads it.
    csv : CsvOptions
    action : str
    cluster : Cell
        Names the cluster, or whatever the lines have in common.
    incident : Cell
    workflow : Cell or None
        None takes the incident's name: one workflow each.
    target : Target
    environment : Cell
    labels : mapping of str to Cell
    times : Times
    result : Cell
        Of the run: ``succeeded``, ``failed``, ``denied``, ``blocked``, ``unknown`` or ``skipped`` (it never
        ran).
    workflow_result : Cell
    manual_intervention : Cell
        Gives ``yes`` or ``no``.
    outcome : list of OutcomeMap
    conditions : list of ConditionMap
    """

    version: Literal[1]
    about: str
    csv: CsvOptions = CsvOptions()
    action: str
    cluster: Cell
    incident: Cell
    workflow: Cell | None = None
    target: Target = Target()
    environment: Cell = Cell(constant="")
    labels: Mapping[str, Cell] = Field(default_factory=dict)
    times: Times
    result: Cell
    workflow_result: Cell
    manual_intervention: Cell = Cell(constant="no")
    outcome: tuple[OutcomeMap, ...] = ()
    conditions: tuple[ConditionMap, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _conditions_agree(self) -> "CsvMap":
        seen: set[tuple[Level, Phase, str]] = set()
        for item in self.conditions:
            if item.id.action != self.action:
                raise ValueError(f"condition {item.id} is of another action than the map's {self.action!r}")
            key = (item.id.level, item.id.phase, item.id.type)
            if key in seen:
                raise ValueError(f"condition {item.id} stands twice")
            seen.add(key)
        return self

    def columns(self) -> set[str]:
        """Give the names of all columns that the map reads."""
        found: set[str] = set()
        _collect(self.model_dump(), found)
        return found


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("column", "seconds") and isinstance(item, str):
                found.add(item)
            elif key == "columns":
                found.update(item)
            else:
                _collect(item, found)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found)


def read_map(path: Path | str) -> CsvMap:
    """Read a map file.

    Raises
    ------
    HistoryError
        It does not exist, is no YAML, or is no map; says every place that is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HistoryError(f"{path}: the map cannot be read: {error}") from error
    return parse_map(text, source=str(path))


def parse_map(text: str, *, source: str) -> CsvMap:
    """Read a map from text; `source` names it in messages. HistoryError as `read_map`."""
    try:
        document = read_yaml(text, source=source)
    except SettingsError as error:
        raise HistoryError(str(error)) from error
    try:
        return CsvMap.model_validate(document.value)
    except ValidationError as error:
        problems = "\n".join(f"  {_told(document, item)}" for item in error.errors())
        raise HistoryError(f"{source}: the map cannot be used:\n{problems}") from error


def _told(document: YamlText, item: Any) -> str:
    where = tuple(part for part in item["loc"] if part != "[key]")
    name = ".".join(str(part) for part in where) or "the map"
    message = item["msg"].removeprefix("Value error, ")
    if item["loc"] and item["loc"][-1] == "[key]":
        message = f"{message}; write the word in quotes"
    return f"{document.place(where)}: {name}: {message}"
