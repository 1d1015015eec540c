"""Same input, same bytes: the hash seed of Python never shows."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import hashlib
from hippomem.memory import Memory
from hippomem.retrieve import RETRIEVERS
from hippomem.testing import HashEmbedder
from hippomem.types import Document, Extraction, Triple

names = ["New York", "New York City", "Oslo", "Ada Byron", "北京", "São Paulo", "Now", "Владимир"]
names += ["Grand Zanzibar Palace Hotel", "Rome"]
documents = [
    Document(
        f"{a} met {b} near {c}. the road from {b} to new york leads now to {a}. {c}！{a}和{b}。"
        " The Old Grand Zanzibar Palace Hotel.",
        title=a, source_id=a, metadata={"z": 1, "a": {"y": 2, "b": 3}}, session="s", position=n,
    )
    for n, (a, b, c) in enumerate(zip(names, names[3:] + names[:3], names[5:] + names[:5]))
]


class Pairs:
    name = "pairs"
    spent = {}

    def extract(self, passages):
        for position, passage in enumerate(passages):
            words = passage.text.split()
            yield position, Extraction((), tuple(Triple(a, "near", b) for a, b in zip(words, words[2:])))


with Memory(":memory:", embedder=HashEmbedder(), extractor=Pairs()) as memory:
    memory.add_many(documents)
    for name in RETRIEVERS:
        for hit in memory.search("Who met Ada Byron near Oslo?", retriever=name):
            print(name, hit.passage_id, hit.score.hex(), hit.why)
    memory.forget(memory.get("Oslo").memory_id)
    print(memory.export())
"""


def test_two_hash_seeds_give_the_same_export_and_rankings() -> None:
    """Two processes whose sets and dicts iterate differently store the same rows and give the same hits."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout.decode()
        for seed in ("0", "1")
    ]
    assert outputs[0].splitlines() == outputs[1].splitlines()
    assert outputs[0].count('"relation": "synonym"') > 0
    assert outputs[0].count("hippomem p-") == 10
