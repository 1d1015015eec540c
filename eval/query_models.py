"""Models that retrievers ask for each query besides the encoder; none by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hippomem.models.cross_encoder import CrossEncoderReranker
    from hippomem.models.llm import LLM
    from hippomem.retrieve.options import OptionName, RetrieverOptions


@dataclass(frozen=True, slots=True)
class QueryModels:
    """What is asked. llm_filter, llm_entities: of the LLM of the run.    rerank: name or folder of a cross-encoder."""

    llm_filter: bool = False
    llm_entities: bool = False
    rerank: str | None = None

    @property
    def asks_llm(self) -> bool:
        """Whether a query costs tokens."""
        return self.llm_filter or self.llm_entities

    @property
    def given(self) -> tuple[OptionName, ...]:
        """As `hippomem.retrieve.options` names them."""
        parts: tuple[tuple[OptionName, bool], ...] = (
            ("fact_filter", self.llm_filter),
            ("query_entities", self.llm_entities),
            ("reranker", self.rerank is not None),
        )
        return tuple(name for name, there in parts if there)

    def notes(self) -> list[str]:
        """What a reader of the figures must know, in words."""
        words = {
            "fact_filter": "an LLM filters the facts of each query",
            "query_entities": "an LLM finds the names of each query",
            "reranker": "a cross-encoder re-ranks the best hits",
        }
        return [words[name] for name in self.given]


@contextmanager
def open_query_models(
    wanted: QueryModels, llm_model: str | None, llm_base_url: str | None
) -> Iterator[tuple[RetrieverOptions, LLM | None]]:
    """The options of a retriever, and the LLM that they ask: one of its own, whose use is the queries' alone."""
    from hippomem.retrieve.options import RetrieverOptions, model_options

    connection: AbstractContextManager[LLM | None] = nullcontext()
    if wanted.asks_llm:
        from hippomem.models.llm import OpenAIChat

        connection = OpenAIChat(llm_model or "", llm_base_url)
    with connection as llm:
        options = model_options(llm, llm_filter=wanted.llm_filter, llm_entities=wanted.llm_entities)
        reranker = None if wanted.rerank is None else _reranker(wanted.rerank)
        yield RetrieverOptions(options.fact_filter, options.query_entities, reranker), llm


@lru_cache(maxsize=1)
def _reranker(name: str) -> CrossEncoderReranker:
    """Loaded once a run, however many stores the run builds, and before the first: a wrong name is known at once."""
    from hippomem.models.cross_encoder import CrossEncoderReranker

    reranker = CrossEncoderReranker(name)
    reranker.score("Is it there?", ["It is."])
    return reranker
