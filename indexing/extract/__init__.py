"""Step 2: read facts out of a passage: without a model (`builtin`), by an LLM (`llm`), or from a recording (`recorded`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from hippomem.errors import ExtractionError
from hippomem.types import Extraction

__all__ = ["ExtractionError", "PassageText", "TripleExtractor"]


class PassageText(NamedTuple):
    """What an extractor sees of a passage.

    source_ids: the caller's ids of the passage's memory, for extractors that look results up by them.
    """

    passage_id: str
    title: str
    text: str
    source_ids: tuple[str, ...] = ()


@runtime_checkable
class TripleExtractor(Protocol):
    """Adds an LLM's triples beside the sentences that the built-in extractor always stores."""

    @property
    def name(self) -> str:
        """Recorded in the store's settings."""
        ...

    @property
    def spent(self) -> Mapping[str, int]:
        """What the extractor has cost so far: prompt_tokens, completion_tokens, calls; empty when it costs nothing."""
        ...

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction | ExtractionError]]:
        """Yield (position in *passages*, outcome) as outcomes arrive, each position once.

        A passage that cannot be extracted is an ExtractionError *as outcome*: it is stored as ``failed``, the others go
        on. What would fail for every passage (wrong key, endpoint gone) is *raised* as a ModelError: what was yielded is
        kept, the run stops, and the other passages stay ``pending``.
        """
        ...
