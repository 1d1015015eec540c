"""What an LLM may add to a query, each off by default: the query path needs no LLM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hippomem.retrieve.recognition import FactFilter

#: From a query to the keys of the entities that it names.
QueryEntities = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class RetrieverOptions:
    """Parts of a retriever that ask a model.

    fact_filter: chooses among the facts found (HippoRAG 2's recognition memory).    query_entities: names in the query, as
    HippoRAG 1 asks an LLM for them.    None leaves a part out.
    """

    fact_filter: FactFilter | None = None
    query_entities: QueryEntities | None = None


NO_OPTIONS = RetrieverOptions()
