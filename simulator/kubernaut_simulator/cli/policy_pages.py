"""What `kubernaut policy show` says of one policy: as a document for programs and as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubernaut_simulator.cli.policy_sources import GivenPolicy


def policy_document(given: GivenPolicy) -> dict[str, Any]:
    """Give all that is known of a policy.

    Raises
    ------
    PolicyError
        It does not load.
    """
    from kubernaut.policy.metadata import read_metadata
    from kubernaut_simulator.cli.policy_sources import PolicyRole

    common = {"name": given.name, "role": given.role.value}
    if given.role is PolicyRole.LIBRARY:
        metadata = read_metadata(given.source, file=given.name)
        return {
            **common,
            "title": metadata.title,
            "description": metadata.description,
            "package": given.name.removesuffix(".rego"),
            "source": given.source,
        }
    from kubernaut.facts.snapshot import format_path
    from kubernaut_simulator.cli.loading import compile_with_facts

    policy = compile_with_facts(given.source, name=given.name, libraries=given.libraries)
    metadata = policy.metadata
    return {
        **common,
        "title": metadata.title,
        "description": metadata.description,
        **{key: value for key, value in metadata.custom.items() if key != "parameters"},
        "package": policy.package,
        "digest": policy.digest,
        "parameters": [
            {
                "name": one.name,
                "default": one.default,
                "minimum": one.minimum,
                "maximum": one.maximum,
                "description": one.description,
            }
            for one in policy.parameters
        ],
        "reads": ["(everything)" if not path else format_path(path) for path in policy.reads],
        "builtins": list(policy.builtins),
        "libraries": sorted(policy.libraries),
        "hasErrorMessage": policy.has_error_message,
        "hasFatal": policy.has_fatal,
        "source": policy.source,
    }


def policy_text(document: Mapping[str, Any]) -> str:
    """Give the document as text; the source comes last, so that it can be cut off."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    plain = {key: value for key, value in document.items() if not isinstance(value, list) and key != "source"}
    width = max(map(len, plain)) + 2
    for key, value in plain.items():
        if value not in ("", None):
            shown = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            yield f"{key:<{width}}" + f"\n{'':<{width}}".join(shown.splitlines())
    for name in ("builtins", "libraries"):
        if document.get(name):
            yield f"{name:<{width}}{', '.join(document[name])}"
    if document.get("parameters"):
        yield ""
        yield "parameters (settings.yaml: settings)"
        for one in document["parameters"]:
            low, high = ("any" if one[bound] is None else f"{one[bound]:g}" for bound in ("minimum", "maximum"))
            yield f"  {one['name']} = {one['default']:g} ({low} to {high})  {one['description']}"
    if document.get("reads"):
        yield ""
        yield "reads"
        yield from (f"  {path}" for path in document["reads"])
    yield ""
    yield str(document["source"]).rstrip("\n")
