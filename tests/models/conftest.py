"""What the tests of the model seams share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.models.bert_onnx import BertShape

Weights = dict[str, NDArray[np.float32]]


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, URLs and proxies of the developer's own shell play no part."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def random_weights() -> Callable[[BertShape], Weights]:
    """Makes a BERT of a shape with normal weights, under the Hugging Face names."""
    return _random_weights


def _random_weights(shape: BertShape, *, vocabulary: int = 50, positions: int = 40, seed: int = 0) -> Weights:
    """A BERT of that shape with normal weights, under the Hugging Face names."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}

    def put(name: str, *size: int, around: float = 0.0) -> None:
        weights[name] = (around + rng.normal(0, 0.3, size)).astype(np.float32)

    def dense(name: str, rows: int, columns: int) -> None:
        put(f"{name}.weight", rows, columns)
        put(f"{name}.bias", rows)

    def norm(name: str) -> None:
        put(f"{name}.weight", shape.hidden, around=1.0)
        put(f"{name}.bias", shape.hidden)

    for name, rows in (("word", vocabulary), ("position", positions), ("token_type", 2)):
        put(f"embeddings.{name}_embeddings.weight", rows, shape.hidden)
    norm("embeddings.LayerNorm")
    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            dense(f"{at}.attention.self.{part}", shape.hidden, shape.hidden)
        dense(f"{at}.attention.output.dense", shape.hidden, shape.hidden)
        dense(f"{at}.intermediate.dense", 4 * shape.hidden, shape.hidden)
        dense(f"{at}.output.dense", shape.hidden, 4 * shape.hidden)
        norm(f"{at}.attention.output.LayerNorm")
        norm(f"{at}.output.LayerNorm")
    return weights
