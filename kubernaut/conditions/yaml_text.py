"""YAML as people write it into ConfigMaps, read strictly and with the line of every key.

PyYAML alone keeps the last of two equal keys without a word, and says nothing of where a value stood. Here a
doubled key is an error, so are anchors and aliases (a page of them can stand for gigabytes), and every path
knows its line, so that an error in settings.yaml can be found. What the text means is not known here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from kubernaut.errors import Place, SettingsError

YamlPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top."""

MAX_DOCUMENT_CHARS = 256 * 1024
"""Of a document that people write. A reader in Python takes two seconds and 30 MiB for so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlText:
    """One document.

    Attributes
    ----------
    value : Any
        What `yaml.safe_load` gives.
    source : str
        Name as the user knows it.
    lines : mapping of YamlPath to int
        One-based line of each key and list element.
    """

    value: Any
    source: str
    lines: Mapping[YamlPath, int] = field(default_factory=dict, repr=False)

    def place(self, path: YamlPath) -> Place:
        """Give the line of `path`, or of the nearest thing above it that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return Place(file=self.source, line=self.lines[path[:end]])
        return Place(file=self.source)


def read_yaml(text: str, *, source: str) -> YamlText:
    """Read one document; an empty text is None.

    Raises
    ------
    SettingsError
        Above 256 KiB, no YAML, more than one document, a doubled key, an anchor or an alias; with file and line.
    """
    if len(text) > MAX_DOCUMENT_CHARS:
        raise SettingsError(
            f"{source}: {len(text):,} characters; at most {MAX_DOCUMENT_CHARS:,} are accepted: take out what is unused"
        )
    documents = read_yaml_documents(text, source=source)
    if len(documents) > 1:
        raise SettingsError(f"{source}: {len(documents)} YAML documents where one is expected; remove the `---` lines")
    return documents[0] if documents else YamlText(value=None, source=source)


def read_yaml_documents(text: str, *, source: str) -> tuple[YamlText, ...]:
    """Read every document of a text, leaving empty ones out.

    Raises
    ------
    SettingsError
        As `read_yaml`.
    """
    try:
        return tuple(_documents(text, source=source))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file=source, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=source)
        raise SettingsError(f"{place}: this is no YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: a scalar that looks like a date and is none, e.g. 2024-13-01.
        raise SettingsError(f"{source}: this is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise SettingsError(f"{source}: nested too deep to be read") from error


def _documents(text: str, *, source: str) -> Iterator[YamlText]:
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            lines = _checked_lines(node, source=source)
            value = loader.construct_document(node)
            if value is not None:
                yield YamlText(value=value, source=source, lines=lines)
    finally:
        loader.dispose()


def _checked_lines(root: yaml.Node, *, source: str) -> dict[YamlPath, int]:
    lines: dict[YamlPath, int] = {(): root.start_mark.line + 1}
    seen: set[int] = set()
    for path, node, line in _walk(root):
        if id(node) in seen:
            raise SettingsError(
                f"{Place(file=source, line=line)}: YAML anchors and aliases are not accepted; write the value out"
            )
        seen.add(id(node))
        if path in lines and path:
            raise SettingsError(
                f"{Place(file=source, line=line)}: key {path[-1]!r} stands here a second time "
                f"(first in line {lines[path]}); keep one"
            )
        lines[path] = line
    return lines


def _walk(root: yaml.Node) -> Iterator[tuple[YamlPath, yaml.Node, int]]:
    """Go through all nodes, parents first; an alias comes as the node it stands for, a second time."""
    stack: list[tuple[YamlPath, yaml.Node, int]] = [((), root, root.start_mark.line + 1)]
    visited: set[int] = set()
    while stack:
        path, node, line = stack.pop()
        yield path, node, line
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            children = [((*path, str(key.value)), value, key.start_mark.line + 1) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            children = [((*path, index), item, item.start_mark.line + 1) for index, item in enumerate(node.value)]
        else:
            continue
        stack.extend(reversed(children))
