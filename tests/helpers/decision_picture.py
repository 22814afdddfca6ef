"""README's picture: the demo's decision table as an SVG, drawn by the code that prints it.

Fonts are the reader's own: the picture fetches nothing. Equal tables give equal bytes.
"""

from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_CELLS = 150

_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
      line-height: {line_height}px; font-variant-east-asian: full-width; }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def decision_picture() -> str:
    """Tune the demo's history and draw the decision table."""
    from kubernaut_simulator.cli.demo_command import DEMO_DATASET
    from kubernaut_simulator.datasets import dataset_path
    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.tuning.tune import tune

    from kubernaut.policy.worker.client import WorkerEvaluator

    with WorkerEvaluator() as evaluator:
        tuning = tune(History.load(dataset_path(DEMO_DATASET)), evaluator=evaluator)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("condition", "false stops", "upper 95 %", "timeout", "flag", "why"):
        table.add_column(Text(name), overflow="fold", ratio=3 if name == "why" else None)
    for one in tuning.decisions:
        stops = None if one.gate is None else one.gate.stops
        table.add_row(
            Text(str(one.condition).split("/", 1)[1]),
            Text("-" if stops is None else f"{stops.k}/{stops.n}"),
            Text("-" if stops is None or stops.n == 0 else f"{stops.upper * 100:.1f} %"),
            Text(one.timeout_text),
            Text(one.flag, style="bold green" if one.after.required else "yellow"),
            Text(one.why),
        )
    console = Console(record=True, width=WIDTH_CELLS, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(table)
    return console.export_svg(title="kubernaut demo", code_format=_SVG, unique_id="decision-table")
