"""Both schemas: structural, bounded everywhere, and with texts for `kubectl explain`."""

from typing import Annotated

import pytest
from kubernaut_operator.manifests.crds import custom_resource_definitions
from kubernaut_operator.manifests.structural import Additions, structural_schema
from pydantic import BaseModel, Field

CRDS = {crd["spec"]["names"]["kind"]: crd for crd in custom_resource_definitions()}
NOT_STRUCTURAL = {"$ref", "anyOf", "oneOf", "allOf", "not", "additionalProperties", "title", "$defs", "const"}


def version_of(crd):
    (version,) = crd["spec"]["versions"]
    return version


def schemas(schema, path=""):
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from schemas(part, f"{path}.{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")


def every_schema():
    for kind, crd in CRDS.items():
        for path, schema in schemas(version_of(crd)["schema"]["openAPIV3Schema"], kind):
            if path not in (f"{kind}.apiVersion", f"{kind}.kind"):  # Kubernetes' own
                yield pytest.param(schema, id=path)


@pytest.mark.parametrize("schema", list(every_schema()))
def test_each_part_is_structural_and_bounded(schema):
    assert not NOT_STRUCTURAL & schema.keys()
    match schema["type"]:
        case "string":
            assert "maxLength" in schema or "enum" in schema
        case "array":
            assert schema["maxItems"] <= 128
            assert "items" in schema
        case "object":
            assert "properties" in schema or schema["x-kubernetes-preserve-unknown-fields"]
        case "integer":
            assert schema.get("format") == "int64" or "maximum" in schema
        case kind:
            assert kind == "boolean"


def test_only_what_is_nobodys_business_is_free():
    free = {
        path
        for kind, crd in CRDS.items()
        for path, schema in schemas(version_of(crd)["schema"]["openAPIV3Schema"], kind)
        if schema.get("x-kubernetes-preserve-unknown-fields")
    }

    assert free == {
        "KubernetesExecution.spec.parameters",
        "KubernetesExecution.status.engine",
        "KubernetesExecution.status.rollbackInfo.before",
        "KubernetesExecution.status.rollbackInfo.parameters",
        "WorkflowExecution.spec.workflowDefinition.steps[].parameters",
        "WorkflowExecution.spec.workflowDefinition.steps[].rollback.parameters",
        "WorkflowExecution.status.engine",
    }


@pytest.mark.parametrize("kind", CRDS)
def test_each_field_of_a_spec_says_what_it_is(kind):
    spec = version_of(CRDS[kind])["schema"]["openAPIV3Schema"]["properties"]["spec"]

    silent = [path for path, schema in schemas(spec) if not path.endswith("[]") and not schema.get("description")]

    assert silent == []


def test_status_is_a_subresource_and_both_kinds_are_of_one_category():
    for crd in CRDS.values():
        assert version_of(crd)["subresources"] == {"status": {}}
        assert crd["spec"]["names"]["categories"] == ["kubernaut"]
    columns = [column["name"] for column in version_of(CRDS["KubernetesExecution"])["additionalPrinterColumns"]]
    assert columns[:4] == ["Phase", "Action", "Target", "Reason"]
    assert {"Incident", "Age"} <= set(columns)


class Part(BaseModel):
    """A part.

    Attributes
    ----------
    size : int
        How large it is,
        in metres.
    """

    size: Annotated[int, Field(ge=0, le=9)] = 3
    note: Annotated[str, Field(max_length=5)] | None = None


class Whole(BaseModel):
    """A whole; what it is for is another matter.

    More of it.
    """

    parts: Annotated[tuple[Part, ...], Field(max_length=4)] = Field(default=(), alias="theParts")
    first: Part


def test_a_model_becomes_a_schema():
    part = {
        "description": "A part.",
        "properties": {
            "note": {"maxLength": 5, "type": "string"},
            "size": {
                "default": 3,
                "description": "How large it is, in metres.",
                "maximum": 9,
                "minimum": 0,
                "type": "integer",
            },
        },
        "type": "object",
        "x-kubernetes-validations": [{"rule": "self.size > 1", "message": "too small"}],
    }

    schema = structural_schema(
        Whole, Additions(rules={"Part": [("self.size > 1", "too small")]}, list_keys={"theParts": "size"})
    )

    assert schema == {
        "description": "A whole; what it is for is another matter.",
        "properties": {
            "first": part,
            "theParts": {
                "items": part,
                "maxItems": 4,
                "type": "array",
                "x-kubernetes-list-map-keys": ["size"],
                "x-kubernetes-list-type": "map",
            },
        },
        "required": ["first"],
        "type": "object",
    }
