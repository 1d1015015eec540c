"""The ONNX graph computes BERT: checked against the equations written out in numpy, on a small random model."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.models.bert_onnx import BertEncoder, BertShape, build_bert

SHAPE = BertShape(hidden=32, layers=2, heads=4, epsilon=1e-12)
Weights = dict[str, NDArray[np.float32]]
RandomWeights = Callable[[BertShape], Weights]


def plain_bert(weights: Weights, shape: BertShape, ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """BERT (Devlin et al. 2019) for one text, (length,) to (length, hidden), in float64."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    erf = np.vectorize(math.erf)

    def dense(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=-1, keepdims=True) + shape.epsilon)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm("embeddings.LayerNorm", x + w["embeddings.position_embeddings.weight"][: len(ids)])
    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        q, k, v = (
            dense(f"{at}.attention.self.{part}", x).reshape(len(ids), shape.heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]))
        context = (scores / scores.sum(axis=-1, keepdims=True) @ v).swapaxes(0, 1).reshape(x.shape)
        x = norm(f"{at}.attention.output.LayerNorm", x + dense(f"{at}.attention.output.dense", context))
        inner = dense(f"{at}.intermediate.dense", x)
        gelu = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(f"{at}.output.LayerNorm", x + dense(f"{at}.output.dense", gelu))
    return x


@pytest.mark.parametrize("length", [1, 2, 9, 40])
def test_the_graph_is_bert(length: int, random_weights: RandomWeights) -> None:
    """Hidden states equal the equations to float32 precision, for every text of a batch."""
    weights = random_weights(SHAPE)
    ids = np.random.default_rng(length).integers(0, 50, (3, length)).astype(np.int32)
    hidden = BertEncoder(build_bert(weights, SHAPE)).encode(ids)
    expected = np.stack([plain_bert(weights, SHAPE, row) for row in ids])
    assert hidden.dtype == np.float32
    np.testing.assert_allclose(hidden, expected, atol=2e-5)


@pytest.mark.parametrize("length", [1, 9, 40])
def test_threads_and_neighbours_do_not_change_a_bit(length: int, random_weights: RandomWeights) -> None:
    """A text alone on three threads has the bytes it has among others on one, layer norms included."""
    encoder = BertEncoder(build_bert(random_weights(SHAPE), SHAPE))
    ids = np.random.default_rng(length).integers(0, 50, (33, length)).astype(np.int32)
    together = encoder.encode(ids)
    assert encoder.encode(ids, threads=3).tobytes() == together.tobytes()
    for row in (0, 16, 32):
        assert encoder.encode(ids[row : row + 1], threads=3)[0].tobytes() == together[row].tobytes()


def test_padding_token_is_an_ordinary_token(random_weights: RandomWeights) -> None:
    """No id means "masked": id 0 takes part like any other, since batches are never padded."""
    weights = random_weights(SHAPE)
    ids = np.array([[3, 0, 0]], dtype=np.int32)
    hidden = BertEncoder(build_bert(weights, SHAPE)).encode(ids)
    np.testing.assert_allclose(hidden[0], plain_bert(weights, SHAPE, ids[0]), atol=2e-5)


def test_the_graph_does_not_hold_the_weights(random_weights: RandomWeights) -> None:
    """The serialised model is small and deterministic; the arrays stay beside it."""
    first, second = (build_bert(random_weights(SHAPE), SHAPE) for _ in range(2))
    assert first.model == second.model
    assert len(first.model) < 40_000
    assert "embeddings.word_embeddings.weight" in first.tensors


@pytest.mark.parametrize(
    "change", [{"model_type": "roberta"}, {"hidden_act": "gelu_new"}, {"position_embedding_type": "relative_key"}]
)
def test_another_architecture_is_refused(change: dict[str, str]) -> None:
    """A config that this graph would compute wrongly is a ValueError."""
    config = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": 32, "num_hidden_layers": 2}
    config |= {"num_attention_heads": 4, "layer_norm_eps": 1e-12}
    assert BertShape.from_config(config) == SHAPE
    with pytest.raises(ValueError, match="only BERT"):
        BertShape.from_config(config | change)
