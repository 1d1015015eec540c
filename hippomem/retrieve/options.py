"""What models may add to a query, each off by default: the query path needs none but the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from hippomem.errors import ConfigError
from hippomem.types import RetrieverName

if TYPE_CHECKING:
    from hippomem.models.llm import LLM
    from hippomem.retrieve.recognition import FactFilter
    from hippomem.retrieve.rerank import Reranker

#: From a query to the keys of the entities that it names.
QueryEntities = Callable[[str], list[str]]
#: The parts by name, as fields of `RetrieverOptions`.
OptionName = Literal["fact_filter", "query_entities", "reranker"]

#: Which retrievers have a place for a part. Any ranking can be re-ranked.
USED_BY: Mapping[OptionName, tuple[RetrieverName, ...]] = {
    "fact_filter": ("hipporag2", "hippomem"),
    "query_entities": ("hipporag1", "hippomem"),
    "reranker": get_args(RetrieverName),
}
#: A part in words, with its option on the command line.
_IN_WORDS: Mapping[OptionName, str] = {
    "fact_filter": "filter of facts (--llm-filter)",
    "query_entities": "finder of names in the query (--llm-entities)",
    "reranker": "reranker (--rerank)",
}


@dataclass(frozen=True, slots=True)
class RetrieverOptions:
    """Parts of a retriever that ask a model. None leaves a part out.

    fact_filter: chooses among the facts found (HippoRAG 2's recognition memory).    query_entities: names in the query, as
    HippoRAG 1 asks an LLM for them.    reranker: puts the best hits in a new order (`hippomem.retrieve.rerank.Reranked`).
    """

    fact_filter: FactFilter | None = None
    query_entities: QueryEntities | None = None
    reranker: Reranker | None = None

    @property
    def given(self) -> tuple[OptionName, ...]:
        """The parts that are there."""
        return tuple(name for name in USED_BY if getattr(self, name) is not None)


NO_OPTIONS = RetrieverOptions()


def check_options(retriever: str, given: Iterable[OptionName]) -> None:
    """Raise ConfigError for a part that the retriever has no place for; it would be left out without a word."""
    for option in given:
        if retriever not in USED_BY[option]:
            raise ConfigError(
                f"retriever '{retriever}' has no place for a {_IN_WORDS[option]}; "
                f"use it with {' or '.join(USED_BY[option])}, or leave it out."
            )


def model_options(
    llm: LLM | None, *, llm_filter: bool = False, llm_entities: bool = False, rerank: str | None = None
) -> RetrieverOptions:
    """Options from what a command line says. llm: asked by the first two.    rerank: name or folder of a cross-encoder.

    Raises ConfigError when sentence-transformers, which runs a cross-encoder, is not installed.
    """
    from hippomem.retrieve.query_entities import LlmQueryEntities
    from hippomem.retrieve.recognition import LlmFactFilter

    if (llm_filter or llm_entities) and llm is None:
        raise ConfigError("--llm-filter and --llm-entities ask a language model; name it with --llm-model NAME.")
    reranker = None
    if rerank is not None:
        from hippomem.models.cross_encoder import CrossEncoderReranker

        reranker = CrossEncoderReranker(rerank)
    return RetrieverOptions(
        fact_filter=LlmFactFilter(llm) if llm_filter and llm is not None else None,
        query_entities=LlmQueryEntities(llm) if llm_entities and llm is not None else None,
        reranker=reranker,
    )
