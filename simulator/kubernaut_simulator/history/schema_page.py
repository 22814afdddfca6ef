"""The page docs/history.md: every field of every kind of rows, read off the row types and their docstrings.

A field that is added to a row appears on the page when it is made anew; a test says when it is stale.
"""

import inspect
import re
from collections.abc import Iterator, Mapping

from kubernaut.errors import HistoryError
from kubernaut.history.fields import Form, RowField, fields_of
from kubernaut.history.rows import ROW_TYPES, SCHEMA_VERSION, RowKind
from kubernaut_simulator.history.arrow_schema import arrow_type, is_json_text

_INTRO = f"""# History

<!-- Made from the code by `make docs`; edit `history/schema_page.py` or the row types. -->

History is what the operator writes and the simulator reads: one versioned schema (version {SCHEMA_VERSION}) of
five kinds of rows, in two formats.

```console
$ kubernaut history describe history/
```

```python
from kubernaut_simulator.history.history import History

history = History.load("history/")
print(history.describe().text())
history.frame("evaluations")      # a DataFrame
history.evaluations               # a pyarrow.Table
```

## Files

A history is a file, a folder, or several of both; folders are searched through all levels, names that begin
with `.` or `_` are left out.

| name | what |
|---|---|
| `*.jsonl`, `*.jsonl.gz` | JSON Lines: one row a line, any kind, any order; each carries `kind` and `schema_version` |
| `<kind>.parquet`, `<kind>-*.parquet` | Parquet, one kind a file |
| `<kind>/day=2026-01-31/action=scale_deployment/*.parquet` | the same; columns left to folder names are given back |

Instants are RFC 3339 in UTC with microseconds (`2026-01-31T12:00:00.000000Z`) in JSON Lines and `timestamp[us,
UTC]` in Parquet. In Parquet, repeating texts are dictionary-encoded, and JSON objects, maps of texts and lists
of objects are JSON texts with sorted keys, dictionary-encoded too: equal facts share one code. A Parquet file
of ours names its kind and schema version in its metadata (`kubernaut.kind`, `kubernaut.schema_version`); files
of other programs may leave out fields that are not required below, and write texts plainly.

## Reading

- **Nothing is dropped silently.** A line that is no row is reported with file and line number, counted, and set
  aside; the rest is used. With `--strict` the first one is fatal. Unknown fields are left alone: a newer writer
  may add some.
- A truncated gzip file gives what could be read, and is reported.
- **The newest row of an id wins** (`recorded_at`): an outcome that arrives days later is its workflow's row
  written again. Rows written twice are counted as duplicates; two different rows of one id and one time are a
  reported conflict, and the later one in the order of files is used.
- Rows whose clock went backwards (a read that ended before it began, a run that finished before it started, a
  negative duration) are reported and set aside.
- A history without a single usable row is an error.

## Ids

`record_id` is the first 32 hexadecimal digits of the SHA-256 of a JSON list of texts (no spaces, ASCII):

| kind | the list |
|---|---|
| attempts | `"attempts"`, cluster UID, workflow UID or else execution UID, step, purpose, level, phase, type, slot |
| evaluations | `"evaluations"`, cluster UID, workflow UID or else execution UID, step, purpose, level, phase, type |
| executions | `"executions"`, cluster UID, workflow UID or else execution UID, step, purpose |
| workflows | `"workflows"`, cluster UID, workflow UID |
| policies | `"policies"`, action, level, phase, type, digest |

The type of a challenger is written `<type>@candidate`.
"""


_EVERYWHERE: Mapping[str, str] = {
    "record_id": "What the row is about; see Ids.",
    "recorded_at": "When the row was written; the newest of an id wins.",
    "cluster_uid": "UID of the namespace `kube-system`.",
    "incident_id": "What the run was meant to end; one vote per incident.",
    "workflow_uid": "Empty when no workflow owns the run.",
    "execution_uid": "The run of the step.",
    "step": "Step number in the workflow; 0 without one.",
    "purpose": "Whether the step remediates or rolls back.",
    "action": "e.g. `scale_deployment`.",
    "level": "With action, phase and type: the condition's identity.",
    "phase": "Before or after the change.",
    "type": "e.g. `deployment_exists`.",
    "candidate": "A challenger: judged on the same facts, never enforced.",
    "policy_digest": "Names the policy's source; see policies.",
    "digest": "sha256 of source and libraries.",
    "policy_source": "`configmap`, `inline` or `shipped`; `imported` when there was none.",
    "settings_digest": "Names the settings in force.",
    "validation_enabled": "False: recorded, but validation was off.",
    "required": "As the settings said.",
    "enforced": "Required, and the incident is inside the rollout.",
    "overridden": "A person let it pass.",
    "override_by": "Who.",
    "override_reason": "Why.",
    "verdict": "What the condition came to.",
    "result": "What the look came to.",
    "reason": "CamelCase, low cardinality.",
    "message": "For people: why not.",
    "fatal": "The policy says that it can never pass.",
    "read_at": "When the deciding read ended.",
    "elapsed_s": "From `started_at` to `read_at`, s.",
    "timeout_s": "Time the condition was given, s.",
    "poll_interval_s": "s; null is the default schedule.",
    "hold_for_s": "How long it must stay true, s.",
    "held_since": "First look of the hold that passed.",
    "time_to_pass_lower_s": "See `time_to_pass_s`.",
    "objects": "Kind, namespace, name, UID and resourceVersion of what was read.",
    "namespace": "Of the target.",
    "target_kind": "e.g. `Deployment`.",
    "target_name": "Its name.",
    "target_uid": "Its UID.",
    "environment": "The namespace's label `kubernaut.io/environment`.",
    "labels": "Allow-listed labels of the resource: team, alert, severity.",
    "versions": "Of operator, engine, evaluator and fact registry.",
    "trace_id": "Of the run's trace.",
    "parameters": "As given to the action.",
    "started_at": "When it began.",
    "finished_at": "When it ended; null while it runs.",
    "dry_run": "Nothing was changed.",
    "outcome_source": "Who says so.",
    "manual_intervention": "A person had to help.",
    "rolled_back": "It was undone; its outcome is no evidence about its conditions.",
    "source": "The Rego module.",
    "libraries": "Name to source of the libraries it reaches.",
    "metadata": "Its `# METADATA`.",
}
"""Fields that mean the same in every kind; a row type's own docstring goes before."""


def markdown() -> str:
    """Give the page."""
    return "\n".join([_INTRO, *(_section(kind) for kind in RowKind)])


def column_records(kind: RowKind | str) -> list[dict[str, str | bool]]:
    """Give every column of a kind of rows: name, unit, form, whether it may be null, meaning.

    Raises
    ------
    HistoryError
        There is no such kind.
    """
    try:
        known = RowKind(kind)
    except ValueError:
        raise HistoryError(f"no rows of kind {str(kind)!r}; there are {', '.join(RowKind)}") from None
    texts = attribute_texts(inspect.getdoc(ROW_TYPES[known]) or "")
    return [
        {
            "column": item.name,
            "unit": _unit(item),
            "form": item.form.value,
            "nullable": item.nullable,
            "meaning": _meaning(item, texts),
        }
        for item in fields_of(known)
    ]


def _unit(item: RowField) -> str:
    if item.form is Form.INSTANT:
        return "UTC"
    if item.name.endswith("_s"):
        return "s"
    return "%" if item.name == "percent" else ""


def _meaning(item: RowField, texts: Mapping[str, str]) -> str:
    return texts.get(item.name, _EVERYWHERE.get(item.name, ""))


def _section(kind: RowKind) -> str:
    row_type = ROW_TYPES[kind]
    texts = attribute_texts(inspect.getdoc(row_type) or "")
    summary = (inspect.getdoc(row_type) or "").split("\n\n")[0]
    lines = [
        f"## {kind.value}",
        "",
        " ".join(summary.split()),
        "",
        "| field | form | Arrow | required | meaning |",
        "|---|---|---|---|---|",
        *(_line(item, texts) for item in fields_of(kind)),
        "",
    ]
    return "\n".join(lines)


def _line(item: RowField, texts: Mapping[str, str]) -> str:
    form = item.form.value
    if item.choices is not None:
        form = ", ".join(f"`{choice.value}`" for choice in item.choices)
    if item.nullable:
        form += " or null"
    arrow = "JSON text" if is_json_text(item) else _arrow_name(item)
    meaning = _meaning(item, texts).replace("|", "\\|")
    return f"| `{item.name}` | {form} | {arrow} | {'yes' if item.required else ''} | {meaning} |"


def _arrow_name(item: RowField) -> str:
    if item.form in (Form.TEXT, Form.CHOICE):
        return "string"
    return str(arrow_type(item)).replace("<element: ", "<").replace("<item: ", "<")


def attribute_texts(docstring: str) -> dict[str, str]:
    """Give what a NumPy docstring says of each attribute, by name."""
    return dict(_attribute_texts(docstring))


def _attribute_texts(docstring: str) -> Iterator[tuple[str, str]]:
    _, _, section = docstring.partition("Attributes\n----------\n")
    names: list[str] = []
    text: list[str] = []
    for line in section.splitlines():
        head = re.match(r"^(\w[\w, ]*) : ", line)
        if head:
            yield from ((name, " ".join(text)) for name in names)
            names, text = [name.strip() for name in head[1].split(",")], []
        elif line.strip():
            text.append(line.strip())
    yield from ((name, " ".join(text)) for name in names)
