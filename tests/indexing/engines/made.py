"""Embedders that workers make for themselves, and texts to index.

What a test hands to a worker is pickled by value (a function's inner function is): workers cannot import test files.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from hippomem.models.embedder import Embedder
from hippomem.types import Document

WORDS = (
    "Ada Rome Tiber Oslo Grand Hotel Vienna Mozart river palace music lived wrote near city famous old bridge".split()
)


def documents(count: int) -> list[Document]:
    """Documents of two to eight sentences, among them names that several share."""
    choose = random.Random(0)

    def sentence() -> str:
        return " ".join(choose.choice(WORDS) for _ in range(choose.randint(6, 20))) + "."

    return [
        Document(
            " ".join(sentence() for _ in range(choose.randint(2, 8))),
            title=f"{choose.choice(WORDS).title()} {number}",
            source_id=str(number),
        )
        for number in range(count)
    ]


def hashing() -> Callable[[], Embedder]:
    """A quick embedder."""

    def make() -> Embedder:
        from hippomem.testing import HashEmbedder

        return HashEmbedder()

    return make


def logging_to(path: Path, *, seconds: float) -> Callable[[], Embedder]:
    """One that writes each text it is asked for to a file, a line each, and then takes its time for each call."""

    def make() -> Embedder:
        import json
        import time
        from collections.abc import Sequence
        from typing import Any

        from hippomem.testing import HashEmbedder

        class Logging(HashEmbedder):
            def embed(self, texts: Sequence[str], **options: Any) -> Any:
                with path.open("a", encoding="utf-8") as file:
                    file.write("".join(json.dumps(text) + "\n" for text in texts))
                time.sleep(seconds)
                return super().embed(texts, **options)

        return Logging()

    return make


def deadly(text: str) -> Callable[[], Embedder]:
    """One whose process ends at once when it reads that text."""

    def make() -> Embedder:
        import os
        from collections.abc import Sequence
        from typing import Any

        from hippomem.testing import HashEmbedder

        class Deadly(HashEmbedder):
            def embed(self, texts: Sequence[str], **options: Any) -> Any:
                if text in texts:
                    os._exit(1)
                return super().embed(texts, **options)

        return Deadly()

    return make


def other_than(pid: int) -> Callable[[], Embedder]:
    """One model in the process *pid*, and another everywhere else."""

    def make() -> Embedder:
        import os

        from hippomem.testing import HashEmbedder

        return HashEmbedder(name="mine" if os.getpid() == pid else "theirs")

    return make
