"""The benchmark's encoder: a function of the text alone, and clustered as a real one is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.bench.scale.corpus import Corpus
from eval.bench.scale.encoder import DIMENSION, ClusteredEmbedder
from hippomem.models.embedder import TokenEmbedder, sign_bits
from hippomem.store.vectors import passage_text
from hippomem.text.sentences import split_sentences

ROOT = Path(__file__).parents[3]
N = 2500


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Fifty topics."""
    return Corpus(N)


@pytest.fixture(scope="module")
def passages(corpus: Corpus) -> NDArray[np.float32]:
    """(N, 384) vectors of the passages."""
    return ClusteredEmbedder().embed([passage_text(d.title, d.text) for d in corpus.documents()])


def pairs_by_topic(
    vectors: NDArray[np.float32], topics: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines of pairs of one topic, and of pairs of two."""
    cosine = vectors[:1000] @ vectors.T
    same = topics[:1000, None] == topics
    apart = np.arange(len(vectors)) != np.arange(1000)[:, None]
    return cosine[same & apart], cosine[~same]


def test_it_is_a_token_embedder_of_unit_vectors(passages: NDArray[np.float32]) -> None:
    """As the seam promises."""
    assert isinstance(ClusteredEmbedder(), TokenEmbedder)
    assert passages.shape == (N, DIMENSION)
    assert passages.dtype == np.float32
    assert np.linalg.norm(passages, axis=1) == pytest.approx(np.ones(N), abs=1e-5)


def test_the_same_bytes_alone_and_in_any_batch(corpus: Corpus, passages: NDArray[np.float32]) -> None:
    """Whatever was embedded before."""
    texts = [passage_text(d.title, d.text) for d in corpus.documents(0, 40)]
    embedder = ClusteredEmbedder()
    for at in (7, 0, 39):
        assert embedder.embed([texts[at]]).tobytes() == passages[at : at + 1].tobytes()
    assert embedder.embed(texts[::-1]).tobytes() == np.ascontiguousarray(passages[:40][::-1]).tobytes()
    assert embedder.embed([]).shape == (0, DIMENSION)


def test_the_same_bytes_in_every_process() -> None:
    """Under any hash seed."""
    code = (
        "from eval.bench.scale.encoder import ClusteredEmbedder as E;"
        "print(E().embed(['Babara met qudofok babak.', '', 'é 北京']).tobytes().hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_texts_of_one_topic_lie_together(corpus: Corpus, passages: NDArray[np.float32]) -> None:
    """About 0.3 to 0.7 within a topic and 0 to 0.2 between topics, for passages and for sentences with their title."""
    topics = np.array([corpus.topic_of(number) for number in range(N)])
    sentences = [f"{d.title}: {s}" for d in corpus.documents() for s in split_sentences(d.text)]
    facts = ClusteredEmbedder().embed(sentences)
    for vectors, of in ((passages, topics), (facts, np.repeat(topics, 3))):
        within, between = pairs_by_topic(vectors, of)
        low, middle, high = np.percentile(within, [5, 50, 95])
        assert low > 0.3
        assert 0.4 < middle < 0.6
        assert high < 0.7
        low, middle, high = np.percentile(between, [5, 50, 95])
        assert low > -0.05
        assert 0.05 < middle < 0.17
        assert high < 0.3


def test_few_names_are_near_each_other_and_some_are(corpus: Corpus) -> None:
    """Names that only add a word are synonyms at 0.8; hardly any others."""
    names = [corpus.name(entity) for entity in range(corpus.entities)]
    vectors = ClusteredEmbedder().embed(names, role="entity")
    cosine = vectors @ vectors.T
    first, second = np.nonzero(np.triu(cosine >= 0.8, k=1))
    words = [set(one.split()) for one in names]
    extended = [words[a] < words[b] or words[b] < words[a] for a, b in zip(first, second, strict=True)]
    assert 0.005 * len(names) < len(first) < 0.06 * len(names)
    assert np.mean(extended) > 0.9


def test_a_question_lands_near_the_passages_of_its_topic(corpus: Corpus, passages: NDArray[np.float32]) -> None:
    """Of the ten nearest passages of a question nearly all are of the topic whose words it has."""
    embedder = ClusteredEmbedder()
    shares = []
    for question in corpus.questions(50):
        nearest = np.argsort(-(passages @ embedder.embed_query(question).vector))[:10]
        root = question.split()[1][:6]
        texts = [corpus.document(int(number)).text for number in nearest]
        shares.append(np.mean([f" {root}" in text for text in texts]))
    assert np.mean(shares) > 0.95


def test_tokens_are_the_words_and_their_signs_those_of_their_vectors() -> None:
    """So that late interaction finds a word of the query in a passage that holds it."""
    embedder = ClusteredEmbedder()
    text = "Which qudofok babak did Dihan Gobas know?"
    found = embedder.embed_query(text)
    assert found.words == ("Which", "qudofok", "babak", "did", "Dihan", "Gobas", "know")
    assert found.vector.tobytes() == embedder.embed([text])[0].tobytes()
    vectors, signs = embedder.embed_with_signs([text, "babak"])
    assert vectors.tobytes() == embedder.embed([text, "babak"]).tobytes()
    assert np.array_equal(signs[0], sign_bits(found.tokens))
    assert np.array_equal(signs[1][0], signs[0][2])
    assert embedder.embed_with_signs([])[1] == []


def test_it_tells_its_own_time() -> None:
    """What a benchmark takes off."""
    embedder = ClusteredEmbedder()
    embedder.embed(["babak"] * 50)
    first = embedder.seconds
    embedder.embed_query("babak")
    assert 0.0 < first < embedder.seconds
    assert embedder.texts == 51
