"""The generated corpus: text that looks like text to the extractor, by Zipf's law, the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.bench.scale.corpus import Corpus
from eval.bench.scale.language import (
    FUNCTION_WORDS,
    OPENERS,
    TOPIC_ROOT,
    TOPIC_START,
    name,
    topic_word,
    vocabulary,
    word,
    zipf,
)
from hippomem.text.fold import fold
from hippomem.text.mentions import find_spans, title_key
from hippomem.text.sentences import split_sentences
from hippomem.text.words import STOP_WORDS, term_of

ROOT = Path(__file__).parents[3]


def slope(counts: NDArray[np.float64], rank: NDArray[np.float64]) -> float:
    """Least-squares slope of log count over log rank: minus the exponent of Zipf's law."""
    return float(np.polyfit(np.log(rank), np.log(counts), 1)[0])


@pytest.mark.parametrize("entities", [8, 75, 5_000, 40_000])
def test_names_are_distinct_to_the_extractor(entities: int) -> None:
    """No two entities share a key, and a name has one to three words, each capitalised."""
    names = [name(entity, entities) for entity in range(entities)]
    assert len({fold(one) for one in names}) == entities
    words = [one.split() for one in names]
    assert {len(some) for some in words} == {1, 2, 3}
    assert all(one[0].isupper() and one[1:].islower() for some in words for one in some)


def test_words_are_distinct_and_mean_nothing_in_english() -> None:
    """50,000 words, which stay apart when stemmed; none is a function word, none looks like a topic's."""
    words = vocabulary()
    assert len(set(words)) == len(words) == 50_000
    assert len({term_of(one) for one in words}) > 0.99 * len(words)
    assert not set(words) & STOP_WORDS
    assert not any(one.startswith(TOPIC_START) for one in words)
    assert len({word(number) for number in range(100_000)}) == 100_000


def test_function_words_are_those_that_the_index_leaves_out() -> None:
    """Else they would be names behind a capital, or terms in nearly every sentence."""
    assert set(FUNCTION_WORDS) <= STOP_WORDS
    assert all(find_spans(f"{opener} babak") == [] for opener in OPENERS)


def test_a_topics_words_share_their_root_and_no_other_topics() -> None:
    """The encoder tells a topic by the first letters."""
    roots = {topic: {topic_word(topic, ending)[:TOPIC_ROOT] for ending in range(5)} for topic in range(2000)}
    assert all(len(some) == 1 for some in roots.values())
    assert len(set.union(*roots.values())) == 2000


def test_the_extractor_finds_the_names_and_nothing_else() -> None:
    """Three sentences, in each the two names that were drawn; the title is the name of an entity."""
    corpus = Corpus(2000)
    for number, document in enumerate(corpus.documents(0, 500)):
        sentences = split_sentences(document.text)
        assert len(sentences) == 3
        drawn = corpus.entities_of(number)
        for at, sentence in enumerate(sentences):
            wanted = {corpus.name(entity) for entity in drawn[2 * at : 2 * at + 2]}
            assert len(wanted) == 2
            assert {mention.surface for mention in find_spans(sentence)} == wanted
        assert title_key(document.title) == fold(corpus.name(number % corpus.entities))


def test_titles_are_unique_beyond_the_corpus_too() -> None:
    """Passages that are added later are new ones."""
    corpus = Corpus(50)
    assert len({corpus.title(number) for number in range(500)}) == 500


def test_names_follow_zipfs_law_with_exponent_one() -> None:
    """Counted over the text's drawn names, not over the law that they are drawn from."""
    corpus = Corpus(20_000)
    counts = Counter(entity for number in range(20_000) for entity in corpus.entities_of(number))
    ranked = np.array([count for _, count in counts.most_common(300)], dtype=np.float64)
    assert slope(ranked, np.arange(1, 301)) == pytest.approx(-1.0, abs=0.07)
    by_rank = corpus.entity_of_rank(np.arange(corpus.entities))
    assert len(set(by_rank.tolist())) == corpus.entities
    assert [entity for entity, _ in counts.most_common(3)] == by_rank[:3].tolist()


def test_words_follow_one_law_whose_first_ranks_are_function_words() -> None:
    """The first ranks are English, those behind them made up: so a made-up word is in few sentences, as in real text."""
    words = Counter(word for document in Corpus(3000).documents() for word in document.text.replace(".", "").split())
    made_up = np.array(sorted((words[one] for one in vocabulary()[:300]), reverse=True), dtype=np.float64)
    assert slope(made_up, len(FUNCTION_WORDS) + np.arange(1, 301)) == pytest.approx(-1.0, abs=0.15)
    assert made_up[0] / (3 * 3000) < 0.05  # of the sentences
    # Where no name may be joined, the words between are drawn by the same law, so "the" comes first.
    assert words["the"] == max(words[one] for one in FUNCTION_WORDS)


def test_zipf_gives_shares_in_proportion_to_one_over_rank() -> None:
    """Ranks 2, 3, 4: 1/2 : 1/3 : 1/4 = 6 : 4 : 3."""
    assert np.diff(zipf(2, 3), prepend=0.0) * 13 == pytest.approx([6, 4, 3])


def test_a_passage_does_not_depend_on_how_it_is_reached() -> None:
    """Read in order, alone, or behind the end: the same text."""
    corpus = Corpus(600, seed=3)
    in_order = list(corpus.documents(0, 700))
    assert Corpus(600, seed=3).document(555) == in_order[555]
    assert Corpus(600, seed=3).document(650) == in_order[650]
    assert Corpus(600, seed=4).document(555) != in_order[555]


def test_questions_take_two_passages_that_share_a_name() -> None:
    """Distinct; each spells out a name of one passage, and the words of another one's topic, which stand in its text."""
    corpus = Corpus(2000)
    questions = corpus.questions(200)
    assert len(set(questions)) == 200
    texts = [document.text for document in corpus.documents()]
    words = [set(text.replace(".", "").split()) for text in texts]
    for question in questions:
        asked = question.removeprefix("Which ").split()
        second = {n for n in range(2000) if asked[1] in words[n] and asked[0][:TOPIC_ROOT] in topic_roots(texts[n])}
        bridges = {n % corpus.entities for n in second}
        (known,) = {mention.surface for mention in find_spans(question)}
        first = {n for n in range(2000) if known in f"{corpus.title(n)} {texts[n]}"}
        assert any(bridges & set(corpus.entities_of(n)) for n in first), question
        assert corpus_entity(corpus, known) not in bridges or len(bridges) > 1, question


def topic_roots(text: str) -> set[str]:
    """The roots of its topic words."""
    return {word[:TOPIC_ROOT] for word in text.split() if word.startswith(TOPIC_START)}


def corpus_entity(corpus: Corpus, known: str) -> int:
    """The entity of a name."""
    return next(entity for entity in range(corpus.entities) if corpus.name(entity) == known)


def test_the_same_text_in_every_process() -> None:
    """Under any hash seed."""
    code = (
        "from eval.bench.scale.corpus import Corpus; c = Corpus(900, 5);"
        "print([d.text for d in c.documents(890, 910)], c.questions(5))"
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
    corpus = Corpus(900, 5)
    assert outputs == {f"{[d.text for d in corpus.documents(890, 910)]} {corpus.questions(5)}\n"}
