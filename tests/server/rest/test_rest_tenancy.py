"""No request reaches another tenant's data: every operation of the description, with whatever a caller may put into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem.server.access import Keys
from tests.server.rest.conftest import Served, serving

#: Words that only the other tenant's memories hold: text, title, user, session, source, metadata, and its namespace's name.
MARKS = ("azurite", "bluetitle", "blueuser", "bluesession", "bluesource", "bluenote", "bluespace")
RED = "The pigment of the red tenant is cinnabar, ground by Ada Byron in Rome."
BLUE = "The pigment of the other tenant is azurite, ground by Ada Byron in Rome."


@dataclass
class Two:
    """A server with two tenants, a key of the red one, and what must not be seen or changed: ids and export of the other."""

    served: Served
    blue_ids: list[str]
    red_ids: list[str]
    keys: dict[str, str]
    written: str = ""

    def state(self) -> str:
        """What the other tenant has."""
        with self.served.running.tenants.reading("bluespace") as memory:
            rows = memory.export().splitlines()
        return "\n".join(row for row in rows if json.loads(row)["namespace"] == "bluespace")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    path: Path = tmp_path_factory.mktemp("two") / "notes.hippo"
    with serving(path) as served:
        told = {
            "source_id": "bluesource",
            "user": "blueuser",
            "session": "bluesession",
            "metadata": {"note": "bluenote"},
        }
        blue = served.add(BLUE, namespace="bluespace", title="bluetitle", **told)
        red = served.add(RED, namespace="red", title="redtitle", source_id="redsource", user="reduser")
        made = Keys(served.running.tenants.store)
        keys = {rights: made.create("red", rights, ["red"])[1] for rights in ("read", "write", "admin")}  # type: ignore[arg-type]
        with served.running.tenants.reading("bluespace") as memory:
            passages = list(memory.get(blue[0]).passage_ids)
        with served.running.tenants.reading("red") as memory:
            own = [*red, *memory.get(red[0]).passage_ids, "redsource"]
        yield Two(served, [*blue, *passages, "bluesource"], own, keys)


def operations(served: Served) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of all that the server describes."""
    paths = served.client.get("/openapi.json").json()["paths"]
    return [(path, method, told) for path, of in sorted(paths.items()) for method, told in sorted(of.items())]


class Drawing:
    """Draws values for a schema of the description: ids, names and words of both tenants, and of nobody."""

    def __init__(self, two: Two, schemas: dict[str, Any], draw: st.DrawFn) -> None:
        self.schemas, self.draw = schemas, draw
        self.words = st.sampled_from(
            [
                *MARKS,
                *two.blue_ids,
                *two.red_ids,
                "red",
                "default",
                "cinnabar",
                "Which pigment did Ada Byron grind?",
                "x",
            ]
        )

    def value(self, name: str, schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            return self.value(name, self.schemas[schema["$ref"].rpartition("/")[2]], depth)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices and "properties" not in schema:  # with properties, they are rules on which of these go together
            return self.value(name, self.draw(st.sampled_from(choices)), depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.draw(st.sampled_from(schema["enum"]))
        match schema.get("type"):
            case "object" if schema.get("properties"):
                return self.object(schema, depth)
            case "object":
                return {"note": self.draw(self.words)} if self.draw(st.booleans()) else {}
            case "array":
                return [
                    self.value(name, schema.get("items", {}), depth + 1) for _ in range(self.draw(st.integers(1, 2)))
                ]
            case "integer" | "number":
                return self.draw(st.integers(1, 20))
            case "boolean":
                return self.draw(st.booleans())
            case "null":
                return None
        if name in ("since", "until", "as_of", "occurred_at"):
            return self.draw(st.sampled_from(["2000-01-01", "2030-01-01"]))
        return self.draw(self.words)

    def object(self, schema: dict[str, Any], depth: int = 0) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        return {
            name: self.value(name, each, depth + 1)
            for name, each in schema["properties"].items()
            if name in required or self.draw(st.integers(0, 2)) == 0
        }


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_operation_reaches_another_tenant(two: Two, data: st.DataObject) -> None:
    """Whatever is asked with a key of one namespace: nothing of the other comes back, and nothing there changes."""
    served = two.served
    described = served.client.get("/openapi.json").json()
    path, method, operation = data.draw(st.sampled_from(operations(served)))
    rights = data.draw(st.sampled_from(["read", "write", "admin"]))
    drawing = data.draw(st.composite(lambda draw: Drawing(two, described["components"]["schemas"], draw))())
    params: dict[str, Any] = {}
    url = path
    for parameter in operation.get("parameters", []):
        value = drawing.value(parameter["name"], parameter["schema"])
        if parameter["in"] == "path":
            url = url.replace("{" + parameter["name"] + "}", str(value).replace("?", ""))
        elif value is not None and (parameter.get("required") or data.draw(st.booleans())):
            params[parameter["name"]] = json.dumps(value) if isinstance(value, dict) else value
    body = None
    if "requestBody" in operation:
        body = drawing.value("body", operation["requestBody"]["content"]["application/json"]["schema"])
    before = two.state()
    answer = served.client.request(
        method.upper(),
        url,
        params=params,
        json=body,
        headers={"Authorization": f"Bearer {two.keys[rights]}"},
    )
    assert answer.status_code < 500, answer.text
    assert two.state() == before
    two.written += json.dumps([body, params, url])
    assert "The pigment of the other tenant" not in answer.text
    for some_id in two.blue_ids[:2]:  # what the caller has written may come back
        assert some_id not in answer.text or some_id in two.written
    # A request that names the other namespace is refused, whoever asks and whether there is such a one or not.
    asked_for = params.get("namespace") or (body or {}).get("namespace")
    if asked_for == "bluespace" and path.startswith("/v1/"):
        assert answer.status_code in (403, 422), (method, url, answer.text)


@pytest.mark.parametrize("rights", ["read", "write", "admin"])
def test_ids_of_another_tenant_are_not_found(two: Two, rights: str) -> None:
    """404, in the words for an id that nobody has."""
    headers = {"Authorization": f"Bearer {two.keys[rights]}"}
    for some_id in two.blue_ids:
        for method, path in (("GET", ""), ("GET", "/history"), ("PATCH", ""), ("DELETE", "")):
            asked: dict[str, Any] = {"params": {"namespace": "red"}}
            if method == "PATCH":
                asked = {"json": {"namespace": "red", "text": "mine"}}
            told = []
            for each in (some_id, "m-nobody"):
                answer = two.served.client.request(method, f"/v1/memories/{each}{path}", headers=headers, **asked)
                error = answer.json()["error"]
                told.append((answer.status_code, error["type"], error["message"].replace(each, "ID")))
            assert told[0] == told[1]
            assert told[0][0] == (403 if rights == "read" and method in ("PATCH", "DELETE") else 404)


def test_namespaces_and_metrics_name_only_ones_own(two: Two) -> None:
    for rights, key in two.keys.items():
        headers = {"Authorization": f"Bearer {key}"}
        assert "bluespace" not in two.served.client.get("/v1/namespaces", headers=headers).text, rights
        assert "bluespace" not in two.served.client.get("/metrics", headers=headers).text, rights
    assert "namespace=" not in two.served.client.get("/metrics").text
