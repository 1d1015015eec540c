"""A corpus of small passages, a server that reads them well, and memories that ask it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hippomem.memory import Memory
from hippomem.models.async_chat import AsyncOpenAIChat
from hippomem.models.pacing import Pace
from hippomem.testing import HashEmbedder
from hippomem.types import Document
from indexing.asking.extractor import LlmExtractor
from indexing.extract.llm import Scheme

Opens = Callable[..., AbstractContextManager[Memory]]


def documents(count: int) -> list[Document]:
    """Documents that differ in one number."""
    return [Document(f"Keeper number {n} lit lamp {n}.", title=f"Lamp {n}", source_id=f"d{n}") for n in range(count)]


def number(messages: list[dict[str, Any]]) -> str:
    """Which of them a request is about."""
    found = re.search(r"Keeper number (\w+) lit", str(messages[-1]["content"]))
    assert found is not None
    return found.group(1)


def well_read(messages: list[dict[str, Any]]) -> str:
    """The one fact of a passage."""
    n = number(messages)
    return json.dumps({"entities": [f"Keeper {n}"], "triples": [[f"Keeper {n}", "lit", f"Lamp {n}"]]})


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, URLs and proxies of the developer's own shell play no part."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def opens() -> Opens:
    """Opens a memory whose passages a model reads, given its URL and the path of the store."""

    @contextmanager
    def opened(
        url: str,
        path: str | Path = ":memory:",
        *,
        namespace: str = "default",
        concurrency: int = 4,
        passages_per_call: int = 1,
        **settings: Any,
    ) -> Iterator[Memory]:
        with (
            LlmExtractor(
                AsyncOpenAIChat("loopback", url, timeout=5),
                scheme=Scheme(passages_per_call=passages_per_call),
                pace=Pace(concurrency=concurrency, jitter=lambda: 0.0),
                **settings,
            ) as extractor,
            Memory(path, embedder=HashEmbedder(dimension=16), namespace=namespace, extractor=extractor) as memory,
        ):
            yield memory

    return opened
