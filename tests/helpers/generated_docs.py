"""Documents that are made from code, each with the function that makes it.

``python -m tests.helpers.generated_docs`` writes them, ``--check`` says which are stale and leaves with 1.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _documents() -> Mapping[str, Callable[[], str]]:
    from kubernaut_operator.metrics.page import markdown as metrics_markdown
    from kubernaut_simulator.cli.reference import markdown as cli_markdown
    from kubernaut_simulator.history.schema_page import markdown as history_markdown
    from kubernaut_simulator.worlds.scenario_page import markdown as worlds_markdown

    from kubernaut.actions.catalogue import ACTIONS
    from kubernaut.actions.page import markdown as actions_markdown
    from kubernaut.facts.table import markdown as facts_markdown
    from kubernaut.policy.suite_page import suite_page

    from .decision_picture import decision_picture

    return {
        "docs/cli.md": cli_markdown,
        "docs/decision-table.svg": decision_picture,
        **{f"docs/policies/{action}.md": partial(suite_page, action) for action in ACTIONS},
        "docs/facts.md": facts_markdown,
        "docs/history.md": history_markdown,
        "docs/operator/actions.md": actions_markdown,
        "docs/operator/metrics.md": metrics_markdown,
        "docs/worlds.md": worlds_markdown,
    }


def stale_documents() -> list[str]:
    """Name the documents whose text is not what the code makes today."""
    return [
        name
        for name, make in _documents().items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != make()
    ]


def write_documents() -> list[str]:
    """Write every document anew; gives the names of those that changed."""
    changed = stale_documents()
    for name in changed:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(_documents()[name](), encoding="utf-8")
    return changed


def main(arguments: list[str]) -> int:
    """Run as a command; gives the exit code."""
    if arguments == ["--check"]:
        stale = stale_documents()
        for name in stale:
            print(f"{name} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    for name in write_documents():
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
