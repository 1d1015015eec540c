"""LlamaIndex: a retriever over a memory, to stand in any query engine.

from hippomem import Memory
from hippomem.integrations.llama_index import HippoRetriever
from llama_index.core.query_engine import RetrieverQueryEngine

engine = RetrieverQueryEngine.from_args(HippoRetriever(Memory("notes.hippo"), k=5))
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hippomem.integrations._common import hit_metadata, missing, narrowed
from hippomem.memory import Memory
from hippomem.types import Hit, RetrieverName

try:
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode
except ModuleNotFoundError as error:
    raise missing("LlamaIndex", "llama-index") from error

#: What a language model is shown of the metadata, beside the text.
_SHOWN = ("title", "occurred_at")


class HippoRetriever(BaseRetriever):
    """Nodes by multi-hop retrieval, best first, with the scores of the search.

    A node's id is the passage_id, its source node the memory_id. ``metadata`` has what the memory was stored with, and the
    hit's rank, memory_id, title, times, sources and why; only title and occurred_at are written into prompts.

    memory: what is searched, in its namespace.    k: how many passages.    where: see `hippomem.types.Where`.
    freshness: whether what was superseded ranks lower; None takes the memory's own setting.
    explain: False leaves ``why`` out, and is faster.
    Raises EmptyQueryError, InputError, RetrievalError, ModelError, StoreError.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        retriever: RetrieverName = "hippomem",
        freshness: bool | None = None,
        explain: bool = True,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager=callback_manager)
        self._memory = memory
        self._k = k
        self._where = narrowed(where or {}, None)
        self._retriever: RetrieverName = retriever
        self._freshness = freshness
        self._explain = explain

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._memory.search(
            query_bundle.query_str,
            k=self._k,
            retriever=self._retriever,
            explain=self._explain,
            freshness=self._freshness,
            **self._where,
        )
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(hit: Hit) -> TextNode:
    metadata = hit_metadata(hit)
    empty = [name for name in _SHOWN if not metadata[name]]
    hidden = [name for name in metadata if name not in _SHOWN or name in empty]
    return TextNode(
        id_=hit.passage_id,
        text=hit.text,
        metadata=metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=hidden,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.memory_id)},
    )
