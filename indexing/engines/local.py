"""The engine that is this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hippomem.models.async_chat import AsyncLLM
from hippomem.models.embedder import Embedder
from hippomem.store.facts import Statement
from indexing.extract.builtin import all_statements


class LocalEngine:
    """Works here; an `Engine`."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def statements(self, texts: Sequence[tuple[str, str]]) -> list[list[Statement]]:
        """See `Engine.statements`."""
        return all_statements(texts)

    def chat(self, make: Callable[[], AsyncLLM]) -> AsyncLLM:
        """See `Engine.chat`."""
        return make()
