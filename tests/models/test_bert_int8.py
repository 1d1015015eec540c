"""The 8-bit encoder: bit-exact like fp32, near to it, and a model of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.models import bert_int8
from hippomem.models.bert_int8 import Int8Ranges, build_bert_int8
from hippomem.models.bert_onnx import BertEncoder, BertShape, build_bert
from hippomem.models.embedder import TokenEmbedder, embed_query, sign_bits
from hippomem.models.int8_calibrate import main, observe
from hippomem.models.load import load_embedder
from hippomem.models.minilm import INT8_RANGES, MiniLM

Weights = dict[str, NDArray[np.float32]]
WORDS = ["memory", "hippocampus", "Paris", "1984", "北京", "São", ",", "director", "unaffable", "the"]


def sentence(words: int, seed: int = 0) -> str:
    """A text of that many words, the same each time."""
    return " ".join(np.random.default_rng([words, seed]).choice(WORDS, words))


TEXTS = [
    "",
    "a",
    "Who is the mother of the director of the film that Anna mentioned?",
    "The ferry to Quillhaven left at noon; the harbour master, a cousin of the mayor, had not been told.",
    "Ben: I got the job!! Starting on Monday, can you believe it?",
    "北京是中国的首都",
    "SELECT name FROM ships WHERE built < 1900 ORDER BY length DESC;",
    *(sentence(n, seed=n) for n in (5, 20, 80, 250, 400)),
]


@pytest.fixture(scope="module")
def fp32() -> MiniLM:
    """The default encoder."""
    return MiniLM()


@pytest.fixture(scope="module")
def int8() -> MiniLM:
    """The encoder under test, by its name."""
    model = load_embedder("minilm-int8")
    assert isinstance(model, MiniLM)
    return model


def test_it_is_another_model(fp32: MiniLM, int8: MiniLM) -> None:
    """Name and fingerprint differ from fp32's; a store made with one refuses the other."""
    assert int8.identity.name == "all-MiniLM-L6-v2-int8"
    assert int8.identity.dimension == fp32.identity.dimension
    assert int8.identity.fingerprint != fp32.identity.fingerprint
    assert load_embedder("all-MiniLM-L6-v2-int8").identity == int8.identity


def test_other_ranges_are_another_model(int8: MiniLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint covers the ranges, which decide every bit."""
    other = tmp_path / "ranges.json"
    other.write_text(INT8_RANGES.read_text() + "\n")
    monkeypatch.setattr("hippomem.models.minilm.INT8_RANGES", other)
    assert MiniLM(precision="int8").identity.fingerprint != int8.identity.fingerprint


def test_vectors_are_near_to_those_of_fp32(fp32: MiniLM, int8: MiniLM) -> None:
    """Cosine to fp32: at least 0.994 for each kind of text, 0.998 in the mean. The least is the text of no tokens."""
    cosines = (fp32.embed(TEXTS) * int8.embed(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.994
    assert cosines.mean() >= 0.998
    assert cosines.max() < 0.99999  # else it is fp32 that was asked


def test_token_vectors_are_near_to_those_of_fp32(fp32: MiniLM, int8: MiniLM) -> None:
    """The same for the tokens of a query, at least 0.99."""
    query = TEXTS[2]
    mine, theirs = int8.embed_query(query), fp32.embed_query(query)
    assert mine.words == theirs.words
    assert (mine.tokens * theirs.tokens).sum(axis=1).min() >= 0.99


@pytest.mark.parametrize("size", [1, 2, 3, 17, 64])
def test_a_vector_has_the_same_bits_alone_and_in_any_batch(int8: MiniLM, size: int) -> None:
    """One text, among others of the same and of other lengths: the same bytes."""
    text = sentence(12)
    batch = [*(sentence(12, seed=n) for n in range(1, size)), text, *(sentence(n) for n in range(size))]
    assert int8.embed(batch)[size - 1].tobytes() == int8.embed([text])[0].tobytes()


def test_bits_depend_on_neither_threads_nor_batch_budget(int8: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread or several, small batches or large, in bulk or not: the same bytes."""
    texts = [sentence(n % 40, seed=n) for n in range(80)]
    expected = int8.embed(texts).tobytes()
    assert MiniLM(precision="int8", threads=1).embed(texts).tobytes() == expected
    three = MiniLM(precision="int8", threads=3, batch_tokens=100)
    assert three.embed(texts).tobytes() == expected
    monkeypatch.setattr("hippomem.models.minilm.BULK_TOKENS", 1)
    assert three.embed(texts).tobytes() == expected


def test_it_fulfils_the_whole_seam(int8: MiniLM) -> None:
    """Query, passage and signs agree with each other to the bit."""
    assert isinstance(int8, TokenEmbedder)
    texts = [sentence(9), "a", "", sentence(40)]
    vectors, signs = int8.embed_with_signs(texts)
    assert vectors.tobytes() == int8.embed(texts).tobytes()
    for text, vector, bits in zip(texts, vectors, signs, strict=True):
        query = embed_query(int8, text)
        assert query.vector.tobytes() == vector.tobytes()
        assert sign_bits(query.tokens).tobytes() == bits.tobytes()
    names = int8.embed(["茶馆", "Ada"], role="entity")
    assert (np.abs(names).sum(axis=1) > 0).tolist() == [False, True]


def test_threads_get_the_bytes_of_single_calls(int8: MiniLM) -> None:
    """Queries from eight threads at once are what they are alone."""
    queries = [sentence(n % 11 + 3, seed=n) for n in range(40)]
    alone = [int8.embed_query(query).tokens.tobytes() for query in queries]
    together: dict[int, bytes] = {}

    def ask(first: int) -> None:
        for index in range(first, len(queries), 8):
            together[index] = int8.embed_query(queries[index]).tokens.tobytes()

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[index] for index in range(len(queries))] == alone


SHAPE = BertShape(hidden=32, layers=2, heads=4, epsilon=1e-12)


@pytest.fixture
def weights(random_weights: Callable[[BertShape], Weights]) -> Weights:
    """A small random encoder."""
    return random_weights(SHAPE)


IDS = np.random.default_rng(0).integers(0, 50, (6, 9)).astype(np.int32)


def similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def test_the_graph_is_bert_but_for_rounding(weights: Weights) -> None:
    """Hidden states of random weights: cosine to the fp32 graph above 0.999."""
    ranges = observe(weights, SHAPE, IDS)
    exact = BertEncoder(build_bert(weights, SHAPE)).encode(IDS)
    rounded = BertEncoder(build_bert_int8(weights, SHAPE, ranges)).encode(IDS)
    assert similarity(exact, rounded) > 0.999


def test_a_channel_that_reaches_far_is_split(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one outlier in a feed-forward layer, rounding loses more without copies of its channel than with them."""
    for layer in range(SHAPE.layers):
        weights[f"encoder.layer.{layer}.intermediate.dense.weight"][5] *= 20
    ranges = observe(weights, SHAPE, IDS)
    exact = BertEncoder(build_bert(weights, SHAPE)).encode(IDS)
    found = {}
    for copies in (0, 16):
        monkeypatch.setattr(bert_int8, "COPIES", copies)
        found[copies] = similarity(exact, BertEncoder(build_bert_int8(weights, SHAPE, ranges)).encode(IDS))
    assert 1 - found[16] < 0.7 * (1 - found[0])  # 0.00013 and 0.00024


def test_ranges_are_written_and_read(weights: Weights, tmp_path: Path) -> None:
    """What is read is at least what was measured, by at most the grid's step more; written again it is the same."""
    ranges = observe(weights, SHAPE, IDS)
    (tmp_path / "ranges.json").write_text(ranges.dump())
    read = Int8Ranges.load(tmp_path / "ranges.json")
    assert read.dump() == ranges.dump()
    for name in ("norms", "contexts", "actives"):
        ratio = getattr(read, name) / np.maximum(getattr(ranges, name), 0.25)
        assert ratio.shape == getattr(ranges, name).shape
        assert ratio.min() > 0.9999
        assert ratio.max() < bert_int8.GRID + 0.0001


def test_the_shipped_ranges_are_those_of_the_shipped_texts(capsys: pytest.CaptureFixture[str]) -> None:
    """Calibrating again gives the file."""
    main(Path(__file__).parents[2] / "data" / "calibration.txt")
    assert capsys.readouterr().out == INT8_RANGES.read_text()
