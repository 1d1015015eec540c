"""LangGraph's own graphs with the store in them, and what the store promises beyond ``InMemoryStore``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, PutOp, SearchOp

from hippomem import Memory
from hippomem.errors import InputError
from hippomem.integrations.langgraph import HippoStore
from hippomem.testing import HashEmbedder


class State(TypedDict):
    """What goes through the graph."""

    said: str
    asked: str
    answer: str


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        self.seconds += minutes * 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Iterator[HippoStore]:
    with Memory(embedder=HashEmbedder(64), now=clock) as memory:
        yield HippoStore(memory, fields=["text"], now=clock)


def store_of(runtime: Runtime[None]) -> BaseStore:
    """The store that the graph was compiled with."""
    assert runtime.store is not None
    return runtime.store


def remember(state: State, runtime: Runtime[None]) -> dict[str, str]:
    """A node that writes."""
    store_of(runtime).put(("memories", "anna"), "m1", {"text": state["said"]})
    return {}


def answer(state: State, runtime: Runtime[None]) -> dict[str, str]:
    """A node that reads."""
    found = store_of(runtime).search(("memories",), query=state["asked"], limit=1)
    return {"answer": found[0].value["text"]}


async def aremember(state: State, runtime: Runtime[None]) -> dict[str, str]:
    """The same, awaited."""
    await store_of(runtime).aput(("memories", "anna"), "m1", {"text": state["said"]})
    return {}


async def aanswer(state: State, runtime: Runtime[None]) -> dict[str, str]:
    """The same, awaited."""
    found = await store_of(runtime).asearch(("memories",), query=state["asked"], limit=1)
    return {"answer": found[0].value["text"]}


def compiled(store: BaseStore, first: Any, second: Any) -> Any:
    """A graph of two nodes."""
    builder = StateGraph(State)
    builder.add_node("remember", first)
    builder.add_node("answer", second)
    builder.add_edge(START, "remember")
    builder.add_edge("remember", "answer")
    builder.add_edge("answer", END)
    return builder.compile(store=store)


def test_nodes_of_a_graph_put_and_search(store: HippoStore) -> None:
    """A compiled graph hands the store to its nodes, run either way."""
    store.put(("memories", "bo"), "x", {"text": "The harbour of Port Ellery is closed in winter."})
    asked = {"said": "Anna works at Gull Rock Observatory.", "asked": "Where does Anna work?", "answer": ""}
    assert compiled(store, remember, answer).invoke(asked)["answer"] == asked["said"]
    store.delete(("memories", "anna"), "m1")
    assert asyncio.run(compiled(store, aremember, aanswer).ainvoke(asked))["answer"] == asked["said"]


def test_a_query_goes_over_two_items(store: HippoStore) -> None:
    """The second item is found by what the first says: the search is one over the graph."""
    for number in range(12):
        store.put(("notes",), f"n{number}", {"text": f"Comet number {number} was seen by nobody in particular."})
    store.put(("notes",), "who", {"text": "Comet Sorrel was discovered by Ada Brook."})
    store.put(("notes",), "where", {"text": "Ada Brook was born in Gull Rock."})
    found = store.search(("notes",), query="Where was the discoverer of Comet Sorrel born?", limit=3)
    assert {"who", "where"} <= {item.key for item in found}
    assert all(item.score is not None for item in found)


def test_values_are_kept_exactly(store: HippoStore) -> None:
    """Any JSON, in any script, with its keys in their order; a value that is none is an error and stores nothing."""
    value = {"z": [1, 2.5, None, True, {"b": {}, "a": []}], "a": "NUL \x00 half \ud83d 北京 🦛", "n": 2**70, "": " \n"}
    store.put(("a b", '"quoted", \\'), "key \x00 / 北京", value)
    item = store.get(("a b", '"quoted", \\'), "key \x00 / 北京")
    assert item is not None
    assert item.value == value
    assert [*item.value] == ["z", "a", "n", ""]
    assert item.namespace == ("a b", '"quoted", \\')
    assert item.key == "key \x00 / 北京"
    with pytest.raises(InputError, match="cannot be written as JSON"):
        store.put(("a",), "set", {"text": {1, 2}})
    assert store.get(("a",), "set") is None


def test_putting_again_replaces(store: HippoStore) -> None:
    """The new value is found, the old is not; one memory is left, without a history, that knows when its key was made."""
    store.put(("a",), "k", {"text": "Anna lives in Rome."})
    first = store.get(("a",), "k")
    store.put(("a",), "k", {"text": "Anna lives in Oslo."})
    second = store.get(("a",), "k")
    assert first is not None
    assert second is not None
    assert second.created_at == first.created_at < second.updated_at
    assert store.memory.count() == 1
    assert "Rome" not in store.memory.export()
    assert [item.value["text"] for item in store.search((), query="Rome")] == ["Anna lives in Oslo."]


def test_equal_values_are_separate_items(store: HippoStore) -> None:
    """Two people may say the same: each item is deleted, replaced and found by itself."""
    store.put(("anna",), "k", {"text": "I like pizza."})
    store.put(("bo",), "k", {"text": "I like pizza."})
    store.put(("bo",), "hidden", {"text": "I like pizza."}, index=False)
    assert len(store.search((), query="pizza")) == 2
    store.delete(("anna",), "k")
    assert [(item.namespace, item.key) for item in store.search((), query="pizza")] == [(("bo",), "k")]
    assert [item.key for item in store.search(("bo",))] == ["k", "hidden"]


def test_index_says_by_what_an_item_is_found(store: HippoStore) -> None:
    """False: by no query. Paths: by these. An item without any such text is stored all the same."""
    store.put(("a",), "hidden", {"text": "The tide mill was built in 1790."}, index=False)
    store.put(("a",), "title", {"text": "zzz", "page": {"title": "Tide mill"}}, index=["page.title"])
    store.put(("a",), "list", {"parts": [{"body": "tide"}, {"body": "mill"}]}, index=["parts[*].body"])
    store.put(("a",), "bare", {"other": "tide mill"})
    assert {item.key for item in store.search(("a",), query="tide mill")} == {"title", "list"}
    assert len(store.search(("a",))) == 4
    store.put(("a",), "hidden", {"text": "The tide mill was built in 1790."})
    assert "hidden" in {item.key for item in store.search(("a",), query="tide mill")}
    everything = HippoStore(store.memory)
    everything.put(("b",), "k", {"name": "Bo", "likes": ["figs", "tea"], "age": 31, "none": None})
    assert [item.key for item in everything.search(("b",), query="figs")] == ["k"]
    assert "likes: figs\nlikes: tea\nage: 31" in everything.memory.search("figs").hits[0].text


def test_filters_hold_before_ranking(store: HippoStore) -> None:
    """As many as pass come back, also when many others are nearer to the query."""
    for number in range(30):
        store.put(
            ("a",), str(number), {"text": f"Comet {number}", "shelf": "sky" if number % 10 else "sea", "n": number}
        )
    assert {i.key for i in store.search((), query="comet", filter={"shelf": "sea"}, limit=3)} == {"0", "10", "20"}
    assert {i.key for i in store.search((), query="comet", filter={"n": {"$gte": 27}})} == {"27", "28", "29"}
    both = {"n": {"$lt": 15, "$ne": 0}, "shelf": "sea"}
    assert [i.key for i in store.search((), query="comet", filter=both)] == ["10"]


def test_comparisons_of_what_is_not_there_fail_without_an_error(store: HippoStore) -> None:
    """A missing field is neither more nor less; texts compare as texts; an operator that does not exist is an error."""
    store.put(("a",), "dated", {"on": "2026-05-01", "n": 3})
    store.put(("a",), "bare", {})
    assert [i.key for i in store.search((), filter={"on": {"$gt": "2026-01-01"}})] == ["dated"]
    assert store.search((), filter={"n": {"$lt": 3}}) == []
    assert [i.key for i in store.search((), filter={"n": {"$ne": 3}})] == ["bare"]
    with pytest.raises(InputError, match="there is no filter operator"):
        store.search((), filter={"n": {"$like": "x"}})
    with pytest.raises(InputError, match="cannot be compared"):
        store.search((), filter={"n": {"$gt": None}})


def test_reads_of_a_batch_come_before_its_writes(store: HippoStore) -> None:
    """Results stand where their operations stood."""
    store.put(("a",), "k", {"text": "before"})
    results = store.batch([PutOp(("a",), "k", {"text": "after"}), GetOp(("a",), "k"), SearchOp(("a",))])
    assert results[0] is None
    assert getattr(results[1], "value", None) == {"text": "before"}
    assert [item.value for item in results[2] or () if not isinstance(item, tuple)] == [{"text": "before"}]
    item = store.get(("a",), "k")
    assert item is not None
    assert item.value == {"text": "after"}


def test_only_items_of_the_store_are_seen(store: HippoStore) -> None:
    """What was added to the memory by other ways is no item, and stays when items go."""
    store.memory.add("Comet Sorrel is bright.", metadata={"langgraph_item": "mine"})
    store.put(("a",), "k", {"text": "Comet Sorrel is far."})
    assert [item.key for item in store.search((), query="Comet Sorrel")] == ["k"]
    assert [item.key for item in store.search(())] == ["k"]
    assert store.list_namespaces() == [("a",)]
    store.delete(("a",), "k")
    assert store.memory.count() == 1


def test_namespaces_are_matched_by_labels(store: HippoStore) -> None:
    """A prefix is one of labels, not of letters; a star stands for one label."""
    for namespace in [("users", "anna", "v1"), ("users", "bo"), ("users2",), ("docs", "v1")]:
        store.put(namespace, "k", {"text": "x"})
    assert {item.namespace for item in store.search(("users",))} == {("users", "anna", "v1"), ("users", "bo")}
    assert store.list_namespaces(prefix=("users", "*"), max_depth=2) == [("users", "anna"), ("users", "bo")]
    assert store.list_namespaces(suffix=("v1",)) == [("docs", "v1"), ("users", "anna", "v1")]
    for wrong in [(), ("a.b",), ("",), ("langgraph",)]:
        with pytest.raises(InvalidNamespaceError):
            store.put(wrong, "k", {"text": "x"})


def test_expired_items_are_gone(store: HippoStore, clock: Clock) -> None:
    """Reading lets an item live for its whole time again, unless it is told not to; sweeping erases the text."""
    store.put(("a",), "short", {"text": "short"}, ttl=10)
    store.put(("a",), "read", {"text": "read"}, ttl=10)
    store.put(("a",), "forever", {"text": "forever"})
    clock.wait(6)
    assert store.get(("a",), "read") is not None
    assert store.get(("a",), "short", refresh_ttl=False) is not None
    clock.wait(6)
    assert {item.key for item in store.search(("a",), refresh_ttl=False)} == {"read", "forever"}
    assert {item.key for item in store.search(("a",), query="short", refresh_ttl=False)} == {"read", "forever"}
    assert store.get(("a",), "short") is None
    assert "short" in store.memory.export()
    assert store.sweep_ttl() == 1
    assert "short" not in store.memory.export()
    assert store.search(("a",), query="read")[0].key == "read"  # refreshed by being found
    clock.wait(9)
    assert store.get(("a",), "read") is not None
    clock.wait(11)
    assert [item.key for item in store.search(("a",))] == ["forever"]


def test_a_time_to_live_can_be_given_and_taken_by_putting_again(store: HippoStore, clock: Clock) -> None:
    """The last put decides; defaults come from the settings; a key whose item has expired is free."""
    store.put(("a",), "k", {"text": "one"}, ttl=10)
    store.put(("a",), "k", {"text": "two"})
    store.put(("a",), "l", {"text": "three"})
    store.put(("a",), "l", {"text": "three"}, ttl=10)
    clock.wait(11)
    assert [item.key for item in store.search(("a",))] == ["k"]
    store.put(("a",), "l", {"text": "three"})
    assert [item.key for item in store.search(("a",))] == ["k", "l"]
    short = HippoStore(store.memory, ttl={"default_ttl": 5, "refresh_on_read": False}, now=clock)
    short.put(("b",), "k", {"text": "gone soon"})
    clock.wait(4)
    assert short.get(("b",), "k") is not None
    clock.wait(2)
    assert short.get(("b",), "k") is None


def test_the_sweeper_sweeps(store: HippoStore, clock: Clock) -> None:
    """A thread erases what has expired until it is stopped."""
    store.put(("a",), "k", {"text": "short"}, ttl=1)
    clock.wait(2)
    store.start_ttl_sweeper(sweep_interval_minutes=0.0005)
    ended = threading.Event()
    for _ in range(200):
        if "short" not in store.memory.export():
            break
        ended.wait(0.02)
    store.stop_ttl_sweeper()
    store.stop_ttl_sweeper()
    assert "short" not in store.memory.export()


def test_threads_and_tasks_share_a_store(tmp_path: Path) -> None:
    """Nothing is lost or doubled when many write at once; all is there after opening again."""
    path = tmp_path / "a.hippo"

    async def put_all(store: HippoStore) -> None:
        await asyncio.gather(*(store.aput(("a", str(n % 3)), str(n % 10), {"text": f"item {n}"}) for n in range(30)))

    with Memory(path, embedder=HashEmbedder(64)) as memory:
        asyncio.run(put_all(HippoStore(memory)))
        assert memory.count() == 30
    with Memory(path, embedder=HashEmbedder(64)) as memory:
        assert len(HippoStore(memory).search((), limit=100)) == 30


def test_two_processes_put_the_same_keys(tmp_path: Path) -> None:
    """No call fails; whoever was last counts for both, and the next put or delete leaves one item or none."""
    path = tmp_path / "a.hippo"
    with (
        Memory(path, embedder=HashEmbedder(64)) as first,
        Memory(path, embedder=HashEmbedder(64)) as second,
        ThreadPoolExecutor(2) as pool,
    ):
        stores = [HippoStore(first), HippoStore(second)]

        def put_all(store: HippoStore) -> None:
            for number in range(12):
                store.put(("a",), str(number % 3), {"text": f"{number} {id(store)}"})

        for done in [pool.submit(put_all, store) for store in stores]:
            done.result()
        values = [[store.get(("a",), str(n)) for n in range(3)] for store in stores]
        assert None not in values[0]
        assert values[0] == values[1]
        for number in range(3):
            stores[number % 2].put(("a",), str(number), {"text": "the last"})
        assert [item.value["text"] for item in stores[0].search(("a",))] == ["the last"] * 3
        assert second.count() == 3
        stores[1].delete(("a",), "0")
        assert stores[0].get(("a",), "0") is None


def test_of_two_values_of_a_key_the_later_counts(store: HippoStore) -> None:
    """So a killed put leaves them; the next one leaves one item."""
    store.put(("a",), "k", {"text": "one"})
    record = next(iter(store.memory.list()))
    # What another process, which did not see the item yet, would have written.
    kept = dict(record.sources[0].metadata["langgraph_item"]) | {
        "value": '{"text": "two"}',
        "updated_at": "2999-01-01T00:00:00+00:00",
    }
    store.memory.add("two", source_id=record.sources[0].source_id, metadata={"langgraph_item": kept})
    item = store.get(("a",), "k")
    assert item is not None
    assert item.value == {"text": "two"}
    store.put(("a",), "k", {"text": "three"})
    assert [item.value["text"] for item in store.search(("a",))] == ["three"]
    assert store.memory.count() == 1
