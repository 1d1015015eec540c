"""Online retrieval: link the query to the graph, spread activation, rank passages, say why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, get_args

from hippomem.errors import ConfigError
from hippomem.retrieve.options import NO_OPTIONS, RetrieverOptions, check_options
from hippomem.types import RetrieverName

if TYPE_CHECKING:
    from hippomem.models.embedder import Embedder
    from hippomem.retrieve.base import Retriever
    from hippomem.retrieve.opening import OpenNamespace
    from hippomem.store import Store

#: The project's best: the one that follows a growing store.
DEFAULT_RETRIEVER: RetrieverName = "hippomem"
RETRIEVERS: tuple[str, ...] = get_args(RetrieverName)


def make_retriever(
    name: str, store: Store, namespace: OpenNamespace, embedder: Embedder, *, options: RetrieverOptions = NO_OPTIONS
) -> Retriever:
    """The retriever of that name over a namespace as it is now.

    Raises ConfigError for a name that is none, and for options that the retriever has no place for.
    """
    from hippomem.retrieve.baselines import Bm25, Dense
    from hippomem.retrieve.hippomem import HippoMem
    from hippomem.retrieve.hipporag1 import HippoRag1
    from hippomem.retrieve.hipporag2 import HippoRag2

    makers: Mapping[str, Callable[[], Retriever]] = {
        Bm25.name: lambda: Bm25(store, namespace.index, embedder),
        Dense.name: lambda: Dense(store, namespace.index, embedder),
        HippoRag1.name: lambda: HippoRag1(store, namespace.index, embedder, query_entities=options.query_entities),
        HippoRag2.name: lambda: HippoRag2(store, namespace.index, embedder, fact_filter=options.fact_filter),
        HippoMem.name: lambda: HippoMem(store, namespace.picture, embedder, options=options),
    }
    if name not in makers:
        raise ConfigError(f"there is no retriever '{name}'; choose one of {', '.join(RETRIEVERS)}.")
    check_options(name, options.given)
    retriever = makers[name]()
    if options.reranker is None:
        return retriever
    from hippomem.retrieve.rerank import Reranked

    return Reranked(retriever, options.reranker)
