"""The description describes all there is, as it is."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import hippomem.types
from hippomem.answer import trail
from hippomem.errors import EDGE
from hippomem.server import requests, responses
from hippomem.server.app import create_app
from hippomem.server.settings import ServerSettings

APP = create_app(ServerSettings(store="never-opened.hippo"))
OPENAPI = APP.openapi()
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
]
TYPES = {
    name: cls
    for module in (hippomem.types, trail)
    for name, cls in vars(module).items()
    if is_dataclass(cls) and hasattr(responses, name)
}


def test_the_contracted_operations_are_there() -> None:
    """Every path of the contract, with its methods."""
    assert {path: set(methods) for path, methods in OPENAPI["paths"].items()} == {
        "/v1/memories": {"get", "post"},
        "/v1/memories/{memory_id}": {"get", "patch", "delete"},
        "/v1/memories/{memory_id}/history": {"get"},
        "/v1/forget": {"post"},
        "/v1/search": {"post"},
        "/v1/search/batch": {"post"},
        "/v1/recall": {"post"},
        "/v1/answer": {"post"},
        "/v1/stats": {"get"},
        "/v1/namespaces": {"get"},
        "/v1/namespaces/{namespace}": {"delete"},
        "/healthz": {"get"},
        "/readyz": {"get"},
        "/metrics": {"get"},
    }
    assert not Path("never-opened.hippo").exists()


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_what_can_go_wrong(path: str, method: str, operation: Any) -> None:
    """A sentence, a tag, a schema for success, and the error body for every other status, which is one that errors have."""
    assert operation["description"].rstrip().endswith(".")
    assert operation["tags"]
    statuses = {edge.http_status for edge in EDGE.values()}
    for status, response in operation["responses"].items():
        assert response["description"].rstrip().endswith(".")
        if status[0] == "2":
            assert response["content"]
        else:
            assert int(status) in statuses
            assert response["content"]["application/json"]["schema"]["$ref"].endswith("/Error")
    if path.startswith("/v1"):
        assert operation["security"] == [{"API key": []}]
        assert {"401", "403", "422", "429", "500", "503"} <= set(operation["responses"])
    else:
        assert "security" not in operation
    if method in ("post", "patch"):
        assert {"413", "415"} <= set(operation["responses"])


def test_every_parameter_is_described() -> None:
    """Each field of a body and each parameter says what it is, if it does not say so by its name."""
    for schema in OPENAPI["components"]["schemas"].values():
        assert schema.get("description"), schema
        assert "ValidationError" not in schema["title"]
    for _, _, operation in (each.values for each in OPERATIONS):
        for parameter in operation.get("parameters", ()):
            words = parameter.get("description") or parameter["schema"].get("description")
            inner = [each.get("description") for each in parameter["schema"].get("anyOf", ())]
            assert words or any(inner), parameter


@pytest.mark.parametrize("name", sorted(TYPES))
def test_models_and_types_have_the_same_fields(name: str) -> None:
    """What the description says of an answer is what `to_dict` writes."""
    model: type[BaseModel] = getattr(responses, name)
    written = [field.name for field in fields(TYPES[name])]
    if name == "Trail":
        written.append("kind")
    assert sorted(model.model_fields) == sorted(written)


def test_filters_are_those_of_the_library() -> None:
    """The body's and the query's filters are the keys of `Where`."""
    keys = set(hippomem.types.Where.__annotations__)
    assert set(requests.Where.model_fields) == keys
    assert set(requests.ListParams.model_fields) - keys == {"namespace", "limit", "after", "newest_first"}


def test_types_are_there_to_be_compared() -> None:
    """The comparison above is of something."""
    assert {"MemoryRecord", "SearchResult", "Hit", "Why", "Recall", "Citation", "AddReport", "Stats", "Trail"} <= set(
        TYPES
    )
