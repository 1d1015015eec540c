"""``python -m eval bench encode``: what is embedded, how rates become ratios, and the real encoders side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.__main__ import main
from eval.bench import encode as bench_encode
from eval.bench.encode import BASELINE, Texts, compare, demo_texts, encoders
from hippomem.models.embedder import Role
from hippomem.models.minilm import MiniLM
from hippomem.models.sentence_transformer import SentenceTransformerEmbedder
from hippomem.testing.embedder import HashEmbedder

TEXTS = Texts(short=["a b", "c"], passages=["a b c d. e f g."], queries=["a?", "b c?"])


class Slower(HashEmbedder):
    """Waits before each call; its vectors lean away from those of `HashEmbedder`."""

    def __init__(self, seconds: float, lean: float = 0.0) -> None:
        super().__init__()
        self.wait, self.lean = seconds, lean

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """The same texts, later."""
        time.sleep(self.wait)
        vectors = super().embed(texts, role=role, progress=progress)
        vectors[:, -1] += self.lean
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_ratios_say_how_much_faster_than_the_baseline() -> None:
    """An encoder that waits a fourth of the time is about four times as fast, in rates and in times alike."""
    report = compare({"quick": Slower(0.02, lean=1.0), BASELINE: Slower(0.08)}, TEXTS, rounds=3)
    quick, torch = report["encoders"]["quick"], report["encoders"][BASELINE]
    for what in ("short_per_second", "passages_per_second", "query_p50", "query_p95"):
        assert 2.0 < quick["ratio"][what] < 5.0
        assert torch["ratio"][what] == 1.0
    assert 10 < torch["short_per_second"] < 25  # two texts in 0.08 s
    assert 0.08 <= torch["query_p50"] < 0.2
    assert torch["cosine"] == {"mean": pytest.approx(1.0), "min": pytest.approx(1.0)}
    assert quick["cosine"]["min"] <= quick["cosine"]["mean"] < 0.95


def test_the_demo_texts_are_distinct() -> None:
    """An encoder that embeds equal texts once would look faster than it is."""
    texts = demo_texts()
    for some in (texts.short, texts.passages, texts.queries):
        assert len(set(some)) == len(some) >= 20
    lengths = [len(text.split()) for text in texts.passages]
    assert 30 < np.mean(lengths) < 80
    assert np.mean([len(text.split()) for text in texts.short]) < 20


def test_int8_is_left_out_where_it_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that would load some sentence-transformers model is not taken for it; a known one is."""
    monkeypatch.setattr(bench_encode, "load_embedder", lambda name: SentenceTransformerEmbedder(name))
    assert bench_encode.int8() is None
    monkeypatch.setattr(bench_encode, "load_embedder", lambda name: MiniLM())
    assert list(encoders()) == ["fp32", "int8", BASELINE]


@pytest.mark.slow
def test_a_real_run(tmp_path: Path) -> None:
    """The embedded model gives torch's vectors."""
    pytest.importorskip("torch")
    out = tmp_path / "out.json"
    assert main(["bench", "encode", "--rounds", "1", "--json", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["encoders"]["fp32"]["cosine"]["min"] > 0.9999
    assert report["encoders"]["fp32"]["ratio"]["short_per_second"] > 0.5
