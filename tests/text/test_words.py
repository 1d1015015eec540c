"""Words of the inverted index, and terms of BM25."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.text.fold import normalise, tokenize
from hippomem.text.words import STOP_WORDS, count_words, term_of, terms, words


def words_of(text: str) -> list[str]:
    """Words of a text as it stands."""
    return words(tokenize(normalise(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mothers of KINGS", ["mothers", "of", "kings"]),
        ("北京大学", ["北京", "京大", "大学"]),
        ("北 京", ["北", "京"]),
        ("北", ["北"]),
        ("在NASA工作", ["在", "nasa", "工作"]),
        ("서울은", ["서울", "울은"]),
        ("東京タワー", ["東京", "タワー"]),
        ("", []),
    ],
)
def test_runs_of_characters_are_bigrams(text: str, expected: list[str]) -> None:
    """Scripts without spaces are cut into overlapping pairs, a lone character stands alone, words stay words."""
    assert words_of(text) == expected


@given(st.text(alphabet="北京大学 aB,é"))
def test_counting_is_counting_the_words(text: str) -> None:
    """``count_words`` is the count of ``words``."""
    assert count_words(text) == Counter(words_of(text))


@given(st.text(alphabet="北京大学", min_size=2), st.text(alphabet="北京大学"), st.text(alphabet="北京大学"))
def test_a_name_shares_all_its_words_with_a_run_that_holds_it(name: str, before: str, after: str) -> None:
    """A sentence that holds a name holds all words of the name: the inverted index finds it."""
    assert set(words_of(name)) <= set(words_of(before + name + after))


def test_terms_are_stems_of_words_that_are_no_stop_words() -> None:
    """Stop words have no term, other words their Snowball stem; repeats and order stay."""
    assert terms("The mothers and the mother ran; running!") == ["mother", "mother", "ran", "run"]
    assert terms("the of AND") == []
    assert all(term_of(word) is None for word in STOP_WORDS)
    assert terms("Владимира в 1990") == ["владимира", "в", "1990"]
