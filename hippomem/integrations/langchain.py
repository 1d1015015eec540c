"""LangChain: a retriever over a memory, to stand in any chain.

from hippomem import Memory
from hippomem.integrations.langchain import HippoRetriever

retriever = HippoRetriever(memory=Memory("notes.hippo"), k=5, where={"user": "anna"})
retriever.invoke("Where was Comet Sorrel discovered?")[0].metadata["why"]
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from hippomem.integrations._common import hit_metadata, missing, narrowed
from hippomem.memory import Memory
from hippomem.types import Document as MemoryDocument
from hippomem.types import RetrieverName

try:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from pydantic import Field
except ModuleNotFoundError as error:
    raise missing("LangChain", "langchain") from error

#: Keys of a document's metadata that a memory has a field for, and that are texts.
_FIELDS = ("title", "kind", "occurred_at", "user", "agent", "session", "speaker", "expires_at")


class HippoRetriever(BaseRetriever):
    """Documents by multi-hop retrieval: ``page_content`` is the passage, ``id`` its passage_id.

    ``metadata`` has what the memory was stored with, and the hit's score, rank, memory_id, title, times, sources and why.

    memory: what is searched, in its namespace.    k: how many passages.    where: see `hippomem.types.Where`.
    freshness: whether what was superseded ranks lower; None takes the memory's own setting.
    explain: False leaves ``why`` out, and is faster.

    ``invoke`` and ``ainvoke`` take *k* and *where* too, for one call; such a *where* adds to the retriever's own and cannot
    widen it. Raises EmptyQueryError, InputError, RetrievalError, ModelError, StoreError.
    """

    memory: Memory
    k: int = Field(default=10, ge=1)
    where: Mapping[str, Any] = Field(default_factory=dict)
    retriever: RetrieverName = "hippomem"
    freshness: bool | None = None
    explain: bool = True

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun | None = None,
        k: int | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> list[Document]:
        found = self.memory.search(
            query,
            k=self.k if k is None else k,
            retriever=self.retriever,
            explain=self.explain,
            freshness=self.freshness,
            **narrowed(self.where, where),
        )
        return [Document(page_content=hit.text, id=hit.passage_id, metadata=hit_metadata(hit)) for hit in found]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun | None = None,
        k: int | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> list[Document]:
        return await asyncio.to_thread(self._get_relevant_documents, query, k=k, where=where)

    def add_documents(self, documents: Iterable[Document]) -> list[str]:
        """Remember documents; returns a memory_id for each, in order.

        ``id`` becomes the source_id. Metadata is kept; of it, title, kind, occurred_at, user, agent, session, speaker and
        expires_at become the memory's own fields. Raises EmptyTextError, InputError, ModelError, StoreError.
        """
        return list(self.memory.add_many(_memory_document(document) for document in documents).memory_ids)

    async def aadd_documents(self, documents: Iterable[Document]) -> list[str]:
        """`add_documents`, in a thread."""
        return await asyncio.to_thread(self.add_documents, documents)


def _memory_document(document: Document) -> MemoryDocument:
    fields = {name: document.metadata[name] for name in _FIELDS if isinstance(document.metadata.get(name), str)}
    metadata = {name: value for name, value in document.metadata.items() if name not in fields}
    return MemoryDocument(text=document.page_content, source_id=document.id, metadata=metadata, **fields)
