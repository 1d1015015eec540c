"""A whole run with an LLM on engine ray, one of the workers that ask killed: the store is that of a calm local run."""

from __future__ import annotations

import json
import os
import re
import signal
from functools import partial
from typing import Any

from hippomem.memory import Memory
from hippomem.models.async_chat import AsyncLLM, AsyncOpenAIChat
from hippomem.models.pacing import Pace
from hippomem.testing import HashEmbedder, LoopbackServer
from hippomem.types import AddReport, Document
from indexing.asking.extractor import LlmExtractor
from indexing.engines import Engine
from indexing.engines.local import LocalEngine
from indexing.engines.ray.chat import RayChat
from indexing.engines.ray.cluster import Cluster
from indexing.engines.ray.engine import open_ray
from tests.indexing.engines.made import hashing

PASSAGES = 300
CONCURRENCY = 16
DOCUMENTS = [Document(f"A passage about Number{n}. It is near Rome.", title=f"Number{n}") for n in range(PASSAGES)]


def well_read(messages: list[dict[str, Any]]) -> str:
    """One triple for the passage asked about, in the plain format that every scheme reads."""
    found = re.findall(r"A passage about (Number\d+)\.", str(messages[-1]["content"]))[-1]
    return json.dumps({"entities": [found, "Rome"], "triples": [[found, "is near", "Rome"]]})


def index(engine: Engine, llm: AsyncLLM) -> tuple[str, AddReport]:
    """The canonical export, and the report."""
    with (
        LlmExtractor(llm, pace=Pace(concurrency=CONCURRENCY)) as extractor,
        Memory(":memory:", embedder=engine.embedder, sentences=engine.statements, extractor=extractor) as memory,
    ):
        report = memory.add_many(DOCUMENTS)
        return memory.export(), report


def test_an_asker_that_is_killed_costs_only_the_calls_under_way(cluster: Cluster) -> None:
    """Same export; and the endpoint answers at most what the dead worker had under way more than once."""
    with LoopbackServer(well_read) as server:
        want, calm = index(LocalEngine(HashEmbedder()), AsyncOpenAIChat("loopback", server.base_url))
    assert calm.failed == 0

    answered = 0

    def killing(messages: list[dict[str, Any]]) -> str:
        nonlocal answered
        answered += 1
        if answered == PASSAGES // 3:
            os.kill(chat.crew.hellos()[0].pid, signal.SIGKILL)
        return well_read(messages)

    with LoopbackServer(killing, latency=0.05) as server, open_ray(hashing(), workers=2) as engine:
        chat = engine.chat(partial(AsyncOpenAIChat, "loopback", server.base_url))
        assert isinstance(chat, RayChat)
        got, report = index(engine, chat)
        assert chat.crew.deaths == 1
        assert report.failed == 0
        assert got == want
        assert '"kind": "triple"' in got
        assert PASSAGES < answered <= PASSAGES + CONCURRENCY
