"""Online retrieval: link the query to the graph, spread activation, rank passages, say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from hippomem.errors import ConfigError
from hippomem.types import RetrieverName

if TYPE_CHECKING:
    from hippomem.models.embedder import Embedder
    from hippomem.retrieve.base import Retriever
    from hippomem.retrieve.index import NamespaceIndex
    from hippomem.store import Store

RETRIEVERS: tuple[str, ...] = get_args(RetrieverName)


def make_retriever(name: str, store: Store, index: NamespaceIndex, embedder: Embedder) -> Retriever:
    """The retriever of that name over an index. Raises ConfigError for a name that is none."""
    from hippomem.retrieve.baselines import Bm25, Dense
    from hippomem.retrieve.hippomem import HippoMem
    from hippomem.retrieve.hipporag1 import HippoRag1
    from hippomem.retrieve.hipporag2 import HippoRag2

    for kind in (Bm25, Dense, HippoRag1, HippoRag2, HippoMem):
        if kind.name == name:
            return kind(store, index, embedder)
    raise ConfigError(f"there is no retriever '{name}'; choose one of {', '.join(RETRIEVERS)}.")
