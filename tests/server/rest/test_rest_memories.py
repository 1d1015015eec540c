"""Memories over HTTP: what goes in comes back, is corrected and is gone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.server.rest.conftest import Served, error_of

SORREL = "Comet Sorrel was discovered at Gull Rock Observatory."


def test_a_text_comes_back_with_all_that_was_said_about_it(served: Served) -> None:
    """Every field of an add is in the record, and the id is the one that was acknowledged."""
    said = {
        "title": "Comet Sorrel",
        "source_id": "note-1",
        "kind": "episodic",
        "occurred_at": "2026-11-21T18:30:00",
        "user": "anna",
        "agent": "bot",
        "session": "chat-1",
        "speaker": "Anna",
        "position": 3,
        "metadata": {"page": 7, "tags": ["sky"]},
        "ttl": 3600,
    }
    added = served.client.post("/v1/memories", json={"text": SORREL, **said})
    assert added.status_code == 201
    report = added.json()
    assert (report["added"], report["duplicates"], report["failed"], report["new"]) == (1, 0, 0, [True])
    record = served.client.get(f"/v1/memories/{report['memory_ids'][0]}").json()
    assert (record["text"], record["title"], record["occurred_at"]) == (SORREL, said["title"], said["occurred_at"])
    source = record["sources"][0]
    for name in ("source_id", "kind", "user", "agent", "session", "speaker", "position", "metadata"):
        assert source[name] == said[name]
    assert record["expires_at"] is not None
    assert record["states"] == ["ready"]


def test_the_same_again_is_a_duplicate(served: Served) -> None:
    """Sending a request again is safe, and says so."""
    first = served.client.post("/v1/memories", json={"text": SORREL}).json()
    again = served.client.post(
        "/v1/memories", json={"memories": [{"text": SORREL}, {"text": "Gull Rock is wet."}]}
    ).json()
    assert again["memory_ids"][0] == first["memory_ids"][0]
    assert (again["added"], again["duplicates"], again["new"]) == (1, 1, [False, True])


def test_messages_become_turns_of_their_session(served: Served) -> None:
    """Users' and assistants' messages are kept in order, behind what the session has; system messages are not."""
    chat = {"session": "s", "user": "anna", "occurred_at": "2026-11-21"}
    first = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "I moved to Rome.", "name": "Anna", "id": "m1"},
        {"role": "assistant", "content": [{"type": "text", "text": "Good for you!"}], "refusal": None},
    ]
    report = served.client.post("/v1/memories", json={"messages": first, **chat}).json()
    assert report["added"] == len(report["memory_ids"]) == 2
    second = [{"role": "user", "content": "I sold my car.", "timestamp": 1795000000}]
    served.client.post("/v1/memories", json={"messages": second, **chat})
    listed = served.client.get("/v1/memories", params={"session": "s"}).json()["memories"]
    turns = sorted((m["sources"][0]["position"], m["sources"][0]["speaker"], m["text"]) for m in listed)
    assert turns == [(0, "Anna", "I moved to Rome."), (1, "assistant", "Good for you!"), (2, "anna", "I sold my car.")]
    assert {m["occurred_at"] for m in listed} >= {"2026-11-21"}
    nothing = served.client.post("/v1/memories", json={"messages": [first[0]], "namespace": "other"})
    assert (nothing.status_code, nothing.json()["memory_ids"]) == (201, [])
    assert error_of(served.client.get("/v1/memories", params={"namespace": "other"})) == (404, "NotFoundError")


def test_pages_hold_every_memory_once(served: Served) -> None:
    """Following `next` gives all memories, each once, in both orders; the last page says so."""
    ids = served.add(*(f"Fact number {n} is about topic {n}." for n in range(7)))
    for newest_first in (False, True):
        seen: list[str] = []
        after = None
        while True:
            params = {"limit": 3, "newest_first": newest_first} | ({"after": after} if after else {})
            page = served.client.get("/v1/memories", params=params).json()
            seen += [record["memory_id"] for record in page["memories"]]
            assert page["total"] == 7
            after = page["next"]
            if after is None:
                break
        assert sorted(seen) == sorted(ids)
        assert len(set(seen)) == 7


def test_lists_are_filtered(served: Served) -> None:
    """Filters of the list are those of the library, metadata as JSON in the query."""
    served.add("Tea is hot.", user="anna", metadata={"page": 3})
    served.add("Ice is cold.", user="bob", metadata={"page": 9})

    def listed(**params: str) -> list[str]:
        page = served.client.get("/v1/memories", params=params).json()
        assert page["total"] == len(page["memories"])
        return [record["text"] for record in page["memories"]]

    assert listed(user="anna") == ["Tea is hot."]
    assert listed(metadata='{"page": {"gte": 5}}') == ["Ice is cold."]
    assert listed(user="anna", metadata='{"page": 9}') == []


def test_a_correction_keeps_the_id_and_the_history(served: Served) -> None:
    """PATCH changes what is given; the history tells what was said before, unless it is not to be kept."""
    [memory_id] = served.add("The meeting is on Monday.")
    changed = served.client.patch(f"/v1/memories/{memory_id}", json={"text": "The meeting is on Tuesday."})
    assert (changed.status_code, changed.json()["memory_id"]) == (200, memory_id)
    versions = served.client.get(f"/v1/memories/{memory_id}/history").json()["versions"]
    assert [version["text"] for version in versions] == ["The meeting is on Monday.", "The meeting is on Tuesday."]
    assert versions[-1]["replaced_at"] is None
    served.client.patch(f"/v1/memories/{memory_id}", json={"text": "It is on Friday.", "keep_history": False})
    versions = served.client.get(f"/v1/memories/{memory_id}/history").json()["versions"]
    assert [version["text"] for version in versions] == ["It is on Friday."]


def test_forgetting_by_id_by_ids_and_by_filter(served: Served) -> None:
    """What is forgotten is counted, is not found, and its words are gone from the file."""
    one, two, three = served.add("Zebrafinch one sings.", "Zebrafinch two sings.", "Zebrafinch three sings.")
    served.add("Quagga four grazes.", session="s")
    assert served.client.delete(f"/v1/memories/{one}").json() == {"forgotten": 1}
    assert served.client.post("/v1/forget", json={"ids": [two, three]}).json() == {"forgotten": 2}
    assert served.client.post("/v1/forget", json={"where": {"session": "s"}}).json() == {"forgotten": 1}
    assert served.client.get("/v1/memories").json() == {"memories": [], "next": None, "total": 0}
    for file in served.store.parent.glob("notes.hippo*"):
        if file.is_file():
            raw = file.read_bytes().lower()
            assert b"zebrafinch" not in raw
            assert b"quagga" not in raw


def test_all_ids_or_none(served: Served) -> None:
    """An unknown id among known ones: nothing is forgotten."""
    [memory_id] = served.add("Stays.")
    answer = served.client.post("/v1/forget", json={"ids": [memory_id, "m-none"]})
    assert error_of(answer) == (404, "NotFoundError")
    assert served.client.get(f"/v1/memories/{memory_id}").status_code == 200


def test_a_namespace_is_a_world_of_its_own(served: Served) -> None:
    """Ids, searches and lists of one tenant do not reach another's; an id of another is 404."""
    [mine] = served.add("Anna likes tea.", namespace="anna")
    served.add("Bob likes coffee.", namespace="bob")
    assert served.client.get("/v1/namespaces").json() == {"namespaces": ["anna", "bob"]}
    for path in (f"/v1/memories/{mine}", f"/v1/memories/{mine}/history"):
        assert error_of(served.client.get(path, params={"namespace": "bob"})) == (404, "NotFoundError")
    assert error_of(served.client.delete(f"/v1/memories/{mine}", params={"namespace": "bob"})) == (404, "NotFoundError")
    patch = served.client.patch(f"/v1/memories/{mine}", json={"namespace": "bob", "title": "x"})
    assert error_of(patch) == (404, "NotFoundError")
    assert served.found("Who likes tea?", "bob") == ["Bob likes coffee."]
    assert served.client.delete("/v1/namespaces/anna").json() == {"forgotten": 1}
    assert error_of(served.client.delete("/v1/namespaces/anna")) == (404, "NotFoundError")
    assert served.client.get("/v1/namespaces").json() == {"namespaces": ["bob"]}


def test_nothing_of_a_request_is_stored_when_one_text_of_it_is_bad(served: Served) -> None:
    """All texts are checked before the first is stored."""
    body = {"memories": [*({"text": f"Fine {n}."} for n in range(20)), {"text": " \n"}]}
    assert error_of(served.client.post("/v1/memories", json=body)) == (422, "EmptyTextError")
    body = {"memories": [{"text": "Fine."}, {"text": "Fine too.", "supersedes": ["m-none"]}]}
    assert error_of(served.client.post("/v1/memories", json=body)) == (404, "NotFoundError")
    assert error_of(served.client.get("/v1/memories")) == (404, "NotFoundError")


def test_what_expires_is_forgotten_by_itself(tmp_path: Path) -> None:
    """A memory is gone after its ttl, from the answers at once and from the file a little later."""
    import time

    from tests.server.rest.conftest import serving

    with serving(tmp_path / "notes.hippo", expire_every=0.1) as server:
        server.add("The Wolpertinger code is 4711.", ttl=0.3)
        server.add("Stays.")
        assert "The Wolpertinger code is 4711." in server.found("code")
        until = time.monotonic() + 20
        while (b"4711" in b"".join(f.read_bytes() for f in tmp_path.glob("notes.hippo*") if f.is_file())) and (
            time.monotonic() < until
        ):
            time.sleep(0.05)
        assert server.found("code") == ["Stays."]
        metrics = server.client.get("/metrics").text
        assert "hippomem_memories_expired_total 1.0" in metrics
    with sqlite3.connect(tmp_path / "notes.hippo") as db:
        assert db.execute("SELECT count(*) FROM memories").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize("keep", [True, False])
def test_stats_count_a_namespace(served: Served, keep: bool) -> None:
    """Counts are those of the library."""
    served.add("Anna likes tea.", "Bob likes coffee.")
    if not keep:
        served.client.post("/v1/forget", json={"ids": served.add("Bob likes coffee.")})
    stats = served.client.get("/v1/stats").json()
    assert (stats["memories"], stats["namespace"], stats["pending"]) == (2 if keep else 1, "default", 0)
