"""What Prometheus is told, and what it is not."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from hippomem.server.access import Keys
from tests.server.rest.conftest import Served, error_of


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Name and labels → value."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    """One sample."""
    return samples(text)[name, frozenset(labels.items())]


def test_what_was_done_is_counted(served: Served) -> None:
    """Adds, duplicates, searches, forgettings and requests by route, with sizes of the store."""
    ids = served.add("Tea is hot.", "Ice is cold.", "Tea is hot.")
    served.found("tea")
    served.client.post("/v1/search/batch", json={"queries": [{"query": "a"}, {"query": "b"}]})
    served.client.delete(f"/v1/memories/{ids[0]}")
    served.client.get("/v1/memories/nothing")
    served.client.get("/no/such/path")
    text = served.client.get("/metrics").text
    assert value(text, "hippomem_memories_added_total") == 2
    assert value(text, "hippomem_duplicates_total") == 1
    assert value(text, "hippomem_searches_total") == 3
    assert value(text, "hippomem_memories_forgotten_total") == 1
    assert value(text, "hippomem_store_memories") == 1
    assert value(text, "hippomem_store_passages") == 1
    assert value(text, "hippomem_store_bytes") > 0
    route = "/v1/memories/{memory_id}"
    assert value(text, "hippomem_requests_total", route=route, method="DELETE", status="200") == 1
    assert value(text, "hippomem_requests_total", route=route, method="GET", status="404") == 1
    assert value(text, "hippomem_requests_total", route="other", method="GET", status="404") == 1
    assert value(text, "hippomem_request_seconds_count", route="/v1/search", method="POST") == 1
    assert "nothing" not in text
    assert "/no/such/path" not in text


def test_namespaces_are_named_for_admins_of_them_only(served: Served) -> None:
    """Names are for admin keys, and only those that the key reaches; everybody gets the totals."""
    served.add("Tea is hot.", namespace="anna-secret")
    served.add("Ice is cold.", namespace="bob-secret")
    local = served.client.get("/metrics").text  # no key is there yet: whoever is on this machine may see all
    assert value(local, "hippomem_namespace_memories", namespace="bob-secret") == 1
    keys = Keys(served.running.tenants.store)
    _, writer = keys.create("w", "write")
    _, admin = keys.create("a", "admin")
    _, one = keys.create("o", "admin", ["anna-secret"])

    def asked(key: str | None) -> str:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        answer = httpx.get(f"{served.url}/metrics", headers=headers)
        assert answer.status_code == 200
        assert value(answer.text, "hippomem_store_memories") == 2
        return answer.text

    for key in (None, writer):
        assert "secret" not in asked(key)
    assert value(asked(admin), "hippomem_namespace_memories", namespace="bob-secret") == 1
    assert "anna-secret" in asked(one)
    assert "bob-secret" not in asked(one)
    wrong = httpx.get(f"{served.url}/metrics", headers={"authorization": "Bearer hm_wrong"})
    assert error_of(wrong) == (401, "UnauthenticatedError")
