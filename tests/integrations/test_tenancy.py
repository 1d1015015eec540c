"""No adapter reaches another namespace: whatever is asked, nothing of the other tenant is told or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp

from hippomem import Memory
from hippomem.errors import InputError
from hippomem.integrations import langchain, langgraph
from hippomem.integrations.openai_tools import call
from hippomem.testing import HashEmbedder

SECRET = "Zanzibar"
SAID = f"The password of Ada Brook is {SECRET}."


class House:
    """Two tenants in one file, who keep the same things under the same names; only one of them has a secret."""

    def __init__(self, path: Path) -> None:
        self.mine = Memory(path, embedder=HashEmbedder(32), namespace="mine")
        self.theirs = Memory(path, embedder=HashEmbedder(32), namespace="theirs")
        for memory, text in ((self.mine, "Ada Brook was born in Gull Rock."), (self.theirs, SAID)):
            memory.add(text, title="Ada Brook", source_id="s1", user="anna", session="s", metadata={"shelf": "sky"})
            langgraph.HippoStore(memory).put(("users", "anna"), "k", {"text": text, "shelf": "sky"})
        self.ids = [each for record in self.theirs.list() for each in (record.memory_id, *record.passage_ids)]
        self.kept = self.state()

    def state(self) -> list[Any]:
        """Everything of the other tenant."""
        return [record.to_dict() for record in self.theirs.list()]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house") / "two.hippo")
    yield made
    made.mine.close()
    made.theirs.close()


def told(house: House, reach: Callable[[], object]) -> str:
    """What comes of an attempt, as text."""
    try:
        found = repr(reach())
    except InputError as error:
        found = str(error)
    assert SECRET not in found
    assert house.state() == house.kept
    return found


QUERIES = st.sampled_from([SAID, "Ada Brook", SECRET[:4], "theirs", "*"])
WHERES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"user": "anna"},
        {"session": "s"},
        {"metadata": {"shelf": "sky"}},
        {"metadata": {"namespace": "theirs"}},
        {"kind": "semantic"},
    ]
)
PATHS = st.sampled_from([(), ("users",), ("users", "anna"), ("theirs",), ("theirs", "users", "anna"), ("..", "theirs")])


@given(QUERIES, WHERES, st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_retrievers_find_nothing_of_the_other_tenant(house: House, query: str, where: dict[str, Any], k: int) -> None:
    """By any query and filter, reasons and sources included; adding what the other tenant has makes an own memory."""
    from hippomem.integrations import llama_index

    told(house, lambda: langchain.HippoRetriever(memory=house.mine, k=k, where=where).invoke(query))
    told(house, lambda: llama_index.HippoRetriever(house.mine, k=k, where=where).retrieve(query))
    added = Document(
        "Ada Brook was born in Gull Rock.", id="s1", metadata={"title": "Ada Brook", "namespace": "theirs"}
    )
    told(house, lambda: langchain.HippoRetriever(memory=house.mine).add_documents([added]))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_store_reaches_nothing_of_the_other_tenant(house: House, data: st.DataObject) -> None:
    """No read, write, deletion, listing or sweep."""
    store = langgraph.HippoStore(house.mine)
    path, key = data.draw(PATHS), data.draw(st.sampled_from(["k", "s1", *house.ids]))
    ops = [
        GetOp(path, key),
        SearchOp(path, data.draw(st.sampled_from([None, {"shelf": "sky"}])), 50, 0, data.draw(QUERIES)),
        SearchOp(path, None, 50),
        ListNamespacesOp((MatchCondition("prefix", path),)),
        PutOp(
            path, key, data.draw(st.sampled_from([None, {"text": "mine"}])), ttl=data.draw(st.sampled_from([None, 1]))
        ),
    ]
    told(house, lambda: store.batch(data.draw(st.permutations(ops))))
    told(house, store.sweep_ttl)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_tools_reach_nothing_of_the_other_tenant(house: House, data: st.DataObject) -> None:
    """Ids of the other tenant are as unknown as any."""
    some = data.draw(st.sampled_from(house.ids))
    user = data.draw(st.sampled_from([None, "anna"]))
    query = {"query": data.draw(QUERIES), "since": data.draw(st.sampled_from([None, "1990-01-01"]))}
    told(house, lambda: call(house.mine, "recall", json.dumps(query), user=user))
    unknown = told(house, lambda: call(house.mine, "forget", {"memory_ids": ["m-0"]}, user=user))
    refused = told(house, lambda: call(house.mine, "forget", {"memory_ids": [some]}, user=user))
    assert refused == unknown.replace("m-0", some)
    replacing = {"text": "Ada Brook has no password.", "replaces": [some]}
    assert told(house, lambda: call(house.mine, "remember", replacing, user=user)) == refused
