"""Second pass: names that the rest of the corpus knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.text.fold import fold, normalise, tokenize
from hippomem.text.mentions import match_gazetteer, ngrams


def matched(text: str, *names: str) -> list[str]:
    """Keys of the known names found in a text."""
    normalised = normalise(text)
    known = {fold(name) for name in names}
    return [mention.key for mention in match_gazetteer(normalised, tokenize(normalised), known.__contains__)]


def test_a_known_name_is_found_in_lower_case() -> None:
    """Names of several words are found whatever their case."""
    assert matched("the road to new york is long", "New York") == ["new york"]


@pytest.mark.parametrize("text", ["it is late now", "NOWhere else", "now, then"])
def test_a_word_in_lower_case_is_not_the_film_of_that_name(text: str) -> None:
    """A one-word name needs a capital or a digit where its script has capitals."""
    assert matched(text, "Now", "Then") == []


def test_a_word_with_a_capital_or_digit_is_a_name() -> None:
    """The same word with a capital, inside too, or with a digit, is the name."""
    assert matched("The Rust spread, eBay fell, b52 flew", "Rust", "eBay", "B52") == ["rust", "ebay", "b52"]


def test_stop_words_need_all_capitals_first_letters() -> None:
    """A film called "It" is one only when it is written so; "the who" is a band only as "The Who"."""
    assert matched("it was the who again", "It", "The Who") == []
    assert matched("a record of The Who", "The Who") == ["the who"]


def test_the_longest_match_wins_and_takes_its_words() -> None:
    """The name "New York City" is neither "New York" nor "York City"; what follows is matched again."""
    names = ("New York", "New York City", "York City", "City Hall")
    assert matched("In New York City Hall is old", *names) == ["new york city"]
    assert matched("New York, New York City; City Hall", *names) == ["new york", "new york city", "city hall"]


def test_each_name_once_in_order() -> None:
    """Repeats are one mention, at the first place."""
    assert matched("Oslo, Rome, Oslo", "Rome", "Oslo") == ["oslo", "rome"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("他昨天在北京大学学习", "北京大学"),
        ("彼は東京タワーを見た", "東京タワー"),
        ("그는 서울특별시에서 산다", "서울특별시"),
        ("يعيش في القاهرة الآن", "القاهرة"),
        ("он живёт в САНКТ-ПЕТЕРБУРГЕ", "Санкт-Петербурге"),
        ("เขาอยู่กรุงเทพมหานคร", "กรุงเทพ"),
    ],
)
def test_inside_a_run_of_any_script(text: str, name: str) -> None:
    """A name is found where no space sets it off, and in another case."""
    assert matched(text, name) == [fold(name)]


def test_not_inside_a_word() -> None:
    """A name is no part of a longer word in scripts that write spaces."""
    assert matched("Romeo and Rosenthal", "Rome", "Rosen") == []


@given(
    st.lists(st.sampled_from(["New", "York", "City", "北京", "大学", "Ada", "now", "2020", "é"]), max_size=12),
    st.data(),
)
def test_every_known_name_of_several_words_is_found(words: list[str], data: st.DataObject) -> None:
    """`ngrams` lists every key that could match, so looking those up first loses nothing."""
    text = normalise(" ".join(words))
    tokens = tokenize(text)
    candidates = ngrams(tokens)
    known = set(data.draw(st.lists(st.sampled_from(sorted(candidates) or ["x"]), max_size=5)))
    found = match_gazetteer(text, tokens, known.__contains__)
    assert {mention.key for mention in found} <= known & candidates
    for mention in found:
        assert fold(mention.surface) == mention.key
