"""Where the costly steps of indexing run: in this process, or spread over a Ray cluster.

An engine embeds texts, reads statements and asks an LLM; reading the corpus and writing the store stay with one process.
Whatever the engine, a store's canonical export is the same: each step is a function of its text alone, and the writer puts
results back in the order of what it sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hippomem.models.async_chat import AsyncLLM
from hippomem.models.embedder import Embedder
from hippomem.store.facts import Statement


class Engine(Protocol):
    """What a run spreads."""

    @property
    def embedder(self) -> Embedder:
        """Embeds; a ``TokenEmbedder`` if the model shows its tokens."""
        ...

    def statements(self, texts: Sequence[tuple[str, str]]) -> list[list[Statement]]:
        """What passages, each a (title, text), state by their sentences; in order (`indexing.extract.builtin`)."""
        ...

    def chat(self, make: Callable[[], AsyncLLM]) -> AsyncLLM:
        """The model that *make* makes, asked from where the engine works.

        make: is called there, on an event loop; it and what it holds must pickle, as
        ``functools.partial(AsyncOpenAIChat, model, base_url, api_key)`` does.
        """
        ...
