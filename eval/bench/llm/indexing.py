"""The process that is measured: indexes a corpus with an LLM, then runs its encoder alone on the same texts.

``python -m eval.bench.llm.indexing`` reads its `Order` as JSON from standard input and writes its figures as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench.measure import peak_bytes
from hippomem.models.embedder import Role
from hippomem.models.minilm import MiniLM


@dataclass(frozen=True)
class Order:
    """What to index: a folder in BEIR layout, whose documents are a passage each.

    timeout: seconds of silence until a call is given up.    at_once: the most calls under way.    limit: first documents.
    """

    corpus: str
    base_url: str
    at_once: int = 50
    timeout: float = 60.0
    passages_per_call: int = 1
    limit: int | None = None


class RecordingMiniLM(MiniLM):
    """The default encoder, which remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[bool, tuple[str, ...], Role]] = []

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """See ``MiniLM``."""
        self.asked.append((False, tuple(texts), role))
        return super().embed(texts, role=role, progress=progress)

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """See ``MiniLM``."""
        self.asked.append((True, tuple(texts), "passage"))
        return super().embed_with_signs(texts, progress=progress)

    def again(self) -> None:
        """The same calls, one after the other, with nothing beside them."""
        for with_signs, texts, role in self.asked:
            if with_signs:
                super().embed_with_signs(texts)
            else:
                super().embed(texts, role=role)


def measure(order: Order) -> dict[str, Any]:
    """Index into a new store. Seconds of wall and of processor time, of the whole and of the encoder alone."""
    from hippomem.memory import Memory
    from hippomem.models.async_chat import AsyncOpenAIChat
    from hippomem.models.pacing import Pace
    from indexing.asking.extractor import LlmExtractor
    from indexing.extract.llm import Scheme
    from indexing.readers import read_beir

    encoder = RecordingMiniLM()
    encoder.embed(["loads the weights"])  # loading is not indexing
    encoder.asked.clear()
    documents = list(islice(read_beir(Path(order.corpus)), order.limit))
    llm = AsyncOpenAIChat("loopback", order.base_url, "sk-loopback", timeout=order.timeout)
    pace = Pace(concurrency=order.at_once)
    scheme = Scheme(passages_per_call=order.passages_per_call)
    with (
        tempfile.TemporaryDirectory(prefix="hippomem-bench-") as folder,
        LlmExtractor(llm, pace=pace, scheme=scheme) as extractor,
        Memory(Path(folder) / "bench.hippo", embedder=encoder, extractor=extractor, chunk=False) as memory,
    ):
        began, cpu, start = time.time(), _cpu_seconds(), time.perf_counter()
        report = memory.add_many(documents)
        whole = {"seconds": time.perf_counter() - start, "cpu_seconds": _cpu_seconds() - cpu}
        passages = memory.stats().passages
    peak = peak_bytes()
    cpu, start = _cpu_seconds(), time.perf_counter()
    encoder.again()
    alone = {"seconds": time.perf_counter() - start, "cpu_seconds": _cpu_seconds() - cpu}
    return {
        "began": began,
        "passages": passages,
        "failed": report.failed,
        "whole": whole,
        "stages": dict(report.seconds),
        "encoder": {**alone, "texts": sum(len(texts) for _, texts, _ in encoder.asked)},
        "usage": dict(report.usage),
        "retries": pace.state.retries,
        "peak_bytes": peak,
    }


def _cpu_seconds() -> float:
    """Processor time of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure what is ordered."""
    json.dump(measure(Order(**json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
