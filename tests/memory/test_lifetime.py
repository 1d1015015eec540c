"""Expiry, history, updates, supersession that is stated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hippomem import Memory
from hippomem.errors import InputError, NotFoundError
from hippomem.testing import HashEmbedder
from tests.memory.conftest import Clock


def test_what_has_expired_is_found_by_no_call(memory: Memory, clock: Clock) -> None:
    """And the next addition forgets it exactly."""
    memory.add("The gate stays.")
    before = memory.export()
    short = memory.add("The code of the gate is 1234.", ttl=60, source_id="code")
    memory.add("The lock of the gate is new.", ttl=timedelta(hours=1))
    assert {hit.text for hit in memory.search("gate")} >= {"The code of the gate is 1234."}
    clock.now += 100
    assert {hit.text for hit in memory.search("gate")} == {"The gate stays.", "The lock of the gate is new."}
    for call in (memory.get, memory.history, memory.forget, memory.update):
        for some_id in (short, "code"):
            with pytest.raises(NotFoundError):
                call(some_id)
    assert memory.count() == 2
    assert "1234" in memory.export()
    assert memory.expire() == 1
    assert "1234" not in memory.export()
    clock.now += 4000
    memory.forget(memory.add("Something else."))
    assert memory.export() == before


def test_a_memory_heard_again_lives_as_long_as_the_longest_asks(memory: Memory, clock: Clock) -> None:
    memory_id = memory.add("The gate is shut.", ttl=60)
    memory.add("The gate is shut.", ttl=6000)
    memory.add("The gate is shut.", ttl=10)
    clock.now += 1000
    assert memory.get(memory_id).expires_at is not None
    memory.add("The gate is shut.")
    assert memory.get(memory_id).expires_at is None


def test_an_expiry_can_be_taken_back(memory: Memory, clock: Clock) -> None:
    memory_id = memory.add("The gate is shut.", ttl=60)
    assert memory.update(memory_id, ttl=float("inf")).expires_at is None
    clock.now += 1000
    assert memory.get(memory_id).text == "The gate is shut."
    assert memory.get(memory.add("Another.", ttl=float("inf"))).expires_at is None


def test_times_of_expiry_that_make_no_sense(memory: Memory) -> None:
    for options in ({"ttl": 0}, {"ttl": -1}, {"ttl": 1e30}, {"expires_at": "2020-01-01"}, {"expires_at": "soon"}):
        with pytest.raises(InputError):
            memory.add("Something.", **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give one of them"):
        memory.add("Something.", ttl=5, expires_at="2030-01-01")
    assert memory.count() == 0
    when = datetime(2030, 1, 1, tzinfo=UTC)
    assert memory.get(memory.add("Something.", expires_at=when)).expires_at == "2030-01-01T00:00:00.000000+00:00"


def test_history_tells_what_a_memory_said(memory: Memory) -> None:
    memory_id = memory.add("Ada lives in Rome.", title="Ada")
    memory.update(memory_id, "Ada lives in Oslo.")
    memory.update(memory_id, occurred_at="2026-01-02")
    versions = memory.history(memory_id)
    assert [(v.text, v.occurred_at) for v in versions] == [
        ("Ada lives in Rome.", None),
        ("Ada lives in Oslo.", None),
        ("Ada lives in Oslo.", "2026-01-02"),
    ]
    assert [v.replaced_at for v in versions[:-1]] == [v.recorded_at for v in versions[1:]]
    assert versions[-1].replaced_at is None
    memory.update(memory_id, "Ada lives in Bergen.", keep_history=False)
    assert [v.text for v in memory.history(memory_id)] == ["Ada lives in Bergen."]
    memory.update(memory_id, "Ada lives in Hamar.")
    memory.update(memory_id, keep_history=False)
    assert [v.text for v in memory.history(memory_id)] == ["Ada lives in Hamar."]


def test_an_update_of_metadata_touches_nothing_else(memory: Memory, clock: Clock) -> None:
    memory_id = memory.add("Ada lives in Rome.", metadata={"a": 1}, source_id="x")
    memory.add("Ada lives in Rome.", metadata={"a": 2}, source_id="x")
    record = memory.update(memory_id, metadata={"b": 3}, kind="procedural", ttl=50)
    assert [(s.source_id, s.kind, s.metadata) for s in record.sources] == [("x", "procedural", {"b": 3})]
    assert len(memory.history(memory_id)) == 1
    assert memory.count(metadata={"b": 3}) == 1
    assert [hit.sources[0].metadata for hit in memory.search("Ada", metadata={"b": 3})] == [{"b": 3}]
    clock.now += 100
    with pytest.raises(NotFoundError):
        memory.get(memory_id)


def test_a_memory_may_be_said_to_take_the_place_of_others(memory: Memory) -> None:
    """It goes before them, they stay and say so; forgetting it brings them back; forgetting them leaves no trace."""
    old = memory.add("Tea is served at four.")
    new = memory.add("From now on there is coffee in the hall.", supersedes=old)
    hits = memory.search("When is tea served?")
    assert [hit.memory_id for hit in hits] == [new, old]
    assert hits[0].score >= hits[1].score
    assert [hit.superseded_by for hit in hits] == [None, new]
    assert memory.get(old).superseded_by == new
    assert memory.get(new).supersedes == (old,)
    assert [hit.memory_id for hit in memory.search("When is tea served?", freshness=False)] == [old, new]
    memory.forget(old)
    with Memory(embedder=HashEmbedder(dimension=32)) as never:
        never.add("From now on there is coffee in the hall.")
        assert memory.export() == never.export()
    old = memory.add("Tea is served at four.")
    memory.forget(new)
    assert memory.get(old).superseded_by is None
    with pytest.raises(NotFoundError):
        memory.add("Something.", supersedes=["m-none"])
    assert memory.count() == 1


def test_listing_goes_on_behind_a_memory(memory: Memory) -> None:
    """By id, or the newest first; every page joins the one before."""
    ids = [
        memory.add(f"Text {i}.", occurred_at=date)
        for i, date in enumerate(["2026-01-03", "2026-01-01", None, "2026-01-02"])
    ]
    newest = [ids[i] for i in (2, 0, 3, 1)]
    assert [r.memory_id for r in memory.list(newest_first=True)] == newest
    assert [r.memory_id for r in memory.list()] == sorted(ids)
    for options, order in (({"newest_first": True}, newest), ({}, sorted(ids))):
        seen: list[str] = []
        while page := [r.memory_id for r in memory.list(limit=2, after=seen[-1] if seen else None, **options)]:  # type: ignore[arg-type]
            seen += page
        assert seen == order


def test_an_update_that_is_refused_changes_nothing(memory: Memory) -> None:
    """Neither the text nor what was asked for besides."""
    memory.add("Ada lives in Rome.")
    other = memory.add("Ada lives in Oslo.", metadata={"a": 1})
    before = memory.export()
    for options in ({"text": "Ada lives in Rome."}, {"text": " "}, {"ttl": -1}, {"occurred_at": "soon"}):
        with pytest.raises(InputError):
            memory.update(other, metadata={"a": 2}, kind="episodic", **options)  # type: ignore[arg-type]
    assert memory.export() == before
