"""YAML documents whose texts of several lines stand as blocks, so that a person can read and diff the Rego in them.

PyYAML quotes a text that holds a tab, and Rego is indented with tabs. A tab within a block is plain YAML (it is no
indentation there), so the texts are written as blocks all the same: by lines, as they are. What a block cannot hold
exactly (spaces at the end of a line are kept, carriage returns and control characters are not) stays quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write a value that stands in two places twice: `&id001` is for machines."""
        return True

    def analyze_scalar(self, scalar: str) -> Any:
        """Judge a text as if its tabs were letters: within a line they are as harmless."""
        tabs_within = "\t" in scalar and "\n" in scalar and not scalar.startswith(("\t", " ", "\n"))
        analysis = super().analyze_scalar(scalar.replace("\t", "t") if tabs_within else scalar)
        if tabs_within:
            analysis.scalar = scalar
            analysis.allow_flow_plain = analysis.allow_block_plain = analysis.allow_single_quoted = False
        return analysis


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def dump_document(document: Mapping[str, Any], *, sort_keys: bool = True) -> str:
    """Write one document: the same bytes for the same content.

    Parameters
    ----------
    document : mapping
    sort_keys : bool
        False keeps the order in which the document was made.
    """
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=True, width=_WIDTH)
    return text
