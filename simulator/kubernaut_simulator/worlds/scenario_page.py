"""The page docs/worlds.md: how a world is made, every field of a scenario, what each shipped one shows.

Fields, bounds and defaults are read off the models, meanings off their docstrings, so that a field that is added is on
the page when it is made anew; a test says when it is stale.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from importlib.resources import files
from itertools import pairwise
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kubernaut.durations import format_duration
from kubernaut_simulator.history.schema_page import attribute_texts
from kubernaut_simulator.worlds.causes import OUTAGE_CAUSES, Cause
from kubernaut_simulator.worlds.data_sheet import LIMITS
from kubernaut_simulator.worlds.scenario import Scenario, shipped_scenarios
from kubernaut_simulator.worlds.scenario_parts import Part
from kubernaut_simulator.worlds.truth import COLUMN_MEANINGS, TRUTH_FILE

_INTRO = """\
# Generated worlds

<!-- Made from the code by `make docs`; edit `worlds/scenario_page.py`, the models or the scenarios. -->

A generated world is a history whose truth is known: incidents with a latent cause strike Deployments of a small
cluster, an action scales them up, and whether that did any good is written to a file that no command reads. What the
cluster shows of it are Kubernetes objects at virtual times; facts are taken from them by the engine's own extraction,
judged by the shipped policies, and every decision is the engine's `decide`. Nothing of the engine is written a second
time, so what holds on a world holds of the code that an operator runs.

```sh
kubernaut generate                                   # list the shipped scenarios
kubernaut generate steady --incidents 500 --seed 7 --out out/steady
kubernaut tune out/steady
kubernaut generate my-platform.yaml --incidents 20000 --out out/mine --format jsonl.gz
```

The same version, scenario, seed and start give the same bytes. A smaller world is the beginning of a larger one of the
same seed. Memory does not grow with the number of incidents but for a line of truth each. The folder gets a data sheet
(`README.md`): how it was made, what is in it, the conditions' true rates, the times it rests on with their fits to real
data, and its limits.

## From cause to outcome

1. **An incident begins**: on its own, by a Poisson process whose rate follows day and week, or as one of many that an
   outage raises at once. It has a **cause** and a Deployment of some team. How many incidents began in the half hour
   before is all that it knows of others: they make room scarcer (`room.contention`).
2. **The cause shows** on the Deployment's pods and nodes: crash loops with the kubelet's back-off, OOM kills, pods that
   do not get ready, a rollout that cannot pull its image, a lost node. Things happen **beside** the cause too
   (`disturbances`), in good runs as in bad ones: that is what makes conditions wrong.
3. **An alert fires, an investigation follows, a run begins.** The engine reads preconditions, the action changes the
   replicas, new pods are scheduled, pull, start and get ready, or not. An autoscaler may fight the action, a person may
   edit the same field, others may take the room.
4. **The engine reads postconditions** until they pass or time is up. Some reads fail (`reading`): facts are unobserved.
5. **The run did good** if the incident ended within `stabilization` of the action's end: because enough replicas served
   for a cause that replicas help against, or by itself. A **label** says so later, or never, or wrongly (`labels`).
6. A run that did no good may be **tried again** (`traffic.retries`).

## Writing a scenario

A scenario is a YAML file that says in what it differs from the defaults below; `name` and `summary` are required. A
wrong field is named with its line. Durations are written in Go's form (`90s`, `1h30m`) or as seconds. Shares are 0..1.
Weights are relative to each other.

```yaml
version: 1
name: my-platform
summary: Half of the cluster is full, and a new base image makes pods slower from the third week on.
room: {short: 0.5}
traffic: {per_day: 20, outages: {per_week: 1, incidents: 50, targets: 12}}
timing: {start: {median: 12s, sigma: 0.6, family: log-logistic}}
changes:
  - after_days: 14
    set: {timing.start.median: 40s}
```

`changes` make a world drift: from a day on, dotted fields have other values (all but `teams` and `pools`). `policies`
replaces shipped policies by files beside the scenario, by the condition's full name; `settings` is laid over the
shipped settings of a level, so that a world with enforcement can be made:

```yaml
policies:
  scale_deployment/action/post/no_crashloop_pods: my_policy.rego
settings:
  step: {environments: {production: {rolloutPercent: 10}}}
```
"""

_CAUSES = """\
## Causes

Default weights of incidents on their own; outages have causes of their own ({outages}).

| cause | weight | what it is |
|---|--:|---|
"""

_SCENARIOS = """\
## Shipped scenarios
"""

_TRUTH = f"""\
## The truth

`{TRUTH_FILE}`, one row a run; `kubernaut_simulator.datasets.load_truth` loads that of a shipped history. The underscore
keeps it out of every history that is loaded from the folder.

| column | meaning |
|---|---|
"""


def markdown() -> str:
    """Give the page."""
    return "\n".join(
        [
            _INTRO,
            "## Fields\n",
            *(_fields(model) for model in _models(Scenario)),
            _causes(),
            _SCENARIOS,
            *(_scenario(name) for name in shipped_scenarios()),
            _TRUTH + "\n".join(f"| `{name}` | {meaning} |" for name, meaning in COLUMN_MEANINGS.items()) + "\n",
            "## Limits\n",
            LIMITS,
        ]
    )


def _models(model: type[Part]) -> Iterator[type[Part]]:
    """Give a model and those that it is made of, each once, in the order of the fields."""
    found: dict[type[Part], None] = {}
    waiting = [model]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found[one] = None
            waiting += [part for field in one.model_fields.values() for part in _parts(field.annotation)]
    yield from found


def _parts(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for argument in get_args(annotation) for part in _parts(argument)]


def _fields(model: type[Part]) -> str:
    document = inspect.getdoc(model) or ""
    texts = attribute_texts(document)
    heading = "The scenario" if model is Scenario else model.__name__
    summary = " ".join(document.partition("\n\n")[0].split())
    lines = [
        f"### {heading}",
        "",
        "" if model is Scenario else f"{summary}\n",
        "| field | value | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in model.model_fields.items():
        lines.append(f"| `{name}` | {_form(field)} | {_default(model, name, field)} | {_cell(texts.get(name, ''))} |")
    return "\n".join(line for number, line in enumerate(lines) if line or number == 1) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def _form(field: FieldInfo) -> str:
    return _type_text(field.annotation, field.metadata)


def _type_text(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_text(arguments[0], [item for item in arguments[1:] for item in _constraints(item)])
    if any(isinstance(item, BeforeValidator) for item in metadata):
        return "duration"
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    if origin in (Union, UnionType):
        return " or ".join(_type_text(argument) for argument in arguments)
    if origin is tuple:
        return "list of " + ", ".join(_type_text(argument) for argument in arguments)
    if origin is not None and issubclass(origin, Mapping):
        return f"mapping of {_key_text(arguments[0])} to {_type_text(arguments[1])}"
    if origin is not None and issubclass(origin, Sequence):
        return f"list of {_type_text(arguments[0])}"
    return _plain_text(annotation, metadata)


def _key_text(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Cause):
        return "[cause](#causes)"
    return _type_text(annotation)


def _constraints(item: Any) -> list[Any]:
    return list(item.metadata) if isinstance(item, FieldInfo) else [item]


def _plain_text(annotation: Any, metadata: Sequence[Any]) -> str:
    name = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text"}.get(annotation, "any value")
    bounds = [
        f"{sign} {getattr(item, attribute):g}"
        for item in metadata
        for kind, attribute, sign in ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))
        if isinstance(item, kind)
    ]
    return "share, 0..1" if bounds == ["≥ 0", "≤ 1"] else ", ".join([name, *bounds])


def _default(model: type[Part], name: str, field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel) and not field.default.model_fields_set:
        return "as below"
    if model is Scenario and name == "causes":
        return "see [Causes](#causes)"
    return f"`{_cell(_yaml_text(field.default, _is_duration(field)))}`"


def _is_duration(field: FieldInfo) -> bool:
    return any(isinstance(item, BeforeValidator) for item in field.metadata)


def _yaml_text(value: Any, duration: bool = False) -> str:
    text: str = yaml.safe_dump(
        _tree(value, duration=duration), default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text.removesuffix("...\n").strip()


def _tree(value: Any, *, duration: bool) -> Any:
    """Give a value as YAML would hold it: durations in Go's form, of a part only what is not its default."""
    if duration:
        return format_duration(value)
    if isinstance(value, Part):
        fields = type(value).model_fields
        return {
            name: _tree(getattr(value, name), duration=_is_duration(fields[name]))
            for name in fields
            if getattr(value, name) != fields[name].default
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {_tree(key, duration=False): _tree(item, duration=False) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tree(item, duration=False) for item in value]
    return value


def _causes() -> str:
    weights: Mapping[Cause, float] = Scenario.model_fields["causes"].default
    lines = [f"| `{cause.value}` | {weights.get(cause, 0):g} | {text} |" for cause, text in cause_texts().items()]
    outages = ", ".join(f"`{cause.value}`" for cause in OUTAGE_CAUSES)
    return _CAUSES.format(outages=outages) + "\n".join(lines) + "\n"


def cause_texts() -> dict[Cause, str]:
    """Give what the code says of each cause."""
    (tree,) = ast.parse(inspect.getsource(Cause)).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        Cause[one.targets[0].id]: " ".join(str(text.value.value).split())
        for one, text in pairwise(body)
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def _scenario(name: str) -> str:
    text = (files(__package__) / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8")
    comment = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return f"### `{name}`\n\n{' '.join(comment)}\n\n```yaml\n{body}\n```\n"
