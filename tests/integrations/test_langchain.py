"""LangChain's own chains, with the retriever in them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import ParrotFakeChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough

from hippomem import Memory
from hippomem.errors import EmptyQueryError, InputError
from hippomem.integrations.langchain import HippoRetriever


def chain(retriever: HippoRetriever) -> Runnable[str, str]:
    """A chain whose chat model says back what it was asked."""

    def lines(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    prompt = ChatPromptTemplate.from_template("Answer from:\n{context}\nQuestion: {question}")
    return (
        {"context": retriever | lines, "question": RunnablePassthrough()}
        | prompt
        | ParrotFakeChatModel()
        | StrOutputParser()
    )


def test_a_chain_reads_what_the_memory_holds(comet: Memory) -> None:
    """The chat model is shown both passages of the answer, called either way, and in a batch."""
    asked = "Where was the discoverer of Comet Sorrel born?"
    answering = chain(HippoRetriever(memory=comet, k=2))
    answer = answering.invoke(asked)
    assert "discovered by Ada Brook" in answer
    assert "born in Gull Rock" in answer
    assert asyncio.run(answering.ainvoke(asked)) == answer
    assert answering.batch([asked, asked]) == [answer, answer]


def test_documents_are_the_hits_of_a_search(comet: Memory) -> None:
    """Text, id, order, scores and reasons are those of `Memory.search`."""
    documents = HippoRetriever(memory=comet, k=3).invoke("Who discovered Comet Sorrel?")
    hits = comet.search("Who discovered Comet Sorrel?", k=3).hits
    assert [(d.id, d.page_content) for d in documents] == [(h.passage_id, h.text) for h in hits]
    assert [d.metadata["score"] for d in documents] == [h.score for h in hits]
    first = documents[0].metadata
    assert first["memory_id"] == hits[0].memory_id
    assert first["title"] == "Comet Sorrel"
    assert first["rank"] == 1
    assert first["shelf"] == "sky"
    assert first["source_ids"] == ["s1"]
    assert hits[0].why is not None
    assert [step["text"] for step in first["why"]["path"]] == [step.text for step in hits[0].why.path]
    assert json.loads(json.dumps(first)) == first


def test_filters_bind_and_calls_only_narrow(comet: Memory) -> None:
    """What a retriever is bound to holds for every call."""
    bound = HippoRetriever(memory=comet, where={"metadata": {"shelf": "sky"}})
    assert [d.metadata["title"] for d in bound.invoke("harbour in winter")] == ["Comet Sorrel"]
    assert bound.invoke("Gull Rock", where={"user": "anna"}) == []
    with pytest.raises(InputError, match="bound to shelf='sky'"):
        bound.invoke("harbour", where={"metadata": {"shelf": "sea"}})
    free = HippoRetriever(memory=comet)
    assert [d.metadata["title"] for d in free.invoke("born", where={"user": "anna"})] == ["Ada Brook"]
    assert len(free.invoke("harbour", k=1)) == 1
    assert [d.metadata["title"] for d in asyncio.run(free.ainvoke("x", where={"user": "anna"}, k=5))] == ["Ada Brook"]


def test_errors_pass_through(comet: Memory) -> None:
    """An empty query is an error, not an empty answer; reasons are left out when they are not wanted."""
    with pytest.raises(EmptyQueryError):
        HippoRetriever(memory=comet).invoke(" ")
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        HippoRetriever(memory=comet, k=0)
    assert HippoRetriever(memory=comet, explain=False).invoke("comet")[0].metadata["why"] is None


@pytest.mark.parametrize("way", ["sync", "async"])
def test_documents_can_be_added(memory: Memory, way: str) -> None:
    """Id, text, title, time, speaker and metadata of a LangChain document are kept, and come back."""
    retriever = HippoRetriever(memory=memory, k=1)
    given = Document(
        "The tide mill was built in 1790.",
        id="doc-7",
        metadata={"title": "Tide mill", "occurred_at": "2020-01-02", "user": "bo", "page": 3, "tags": ["mill", "sea"]},
    )
    added: list[str] = (
        retriever.add_documents([given]) if way == "sync" else asyncio.run(retriever.aadd_documents([given]))
    )
    record = memory.get("doc-7")
    assert [record.memory_id] == added
    assert (record.title, record.occurred_at, record.sources[0].user) == ("Tide mill", "2020-01-02", "bo")
    back: dict[str, Any] = retriever.invoke("When was the tide mill built?")[0].metadata
    assert (back["page"], back["tags"], back["title"]) == (3, ["mill", "sea"], "Tide mill")
