"""Folding and tokens: when two strings are the same name, in any script."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.text.fold import fold, normalise, tokenize
from hippomem.text.ids import content_id, digest, entity_id, fact_id, memory_id, passage_id

any_text = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The  São-Paulo's", "the são paulo"),
        ("NEW\tYORK", "new york"),
        ("C++ & C#", "c c"),
        ("Straße", "strasse"),
        ("ΟΔΥΣΣΕΎΣ", "οδυσσεύσ"),
        ("Владимир Путин", "владимир путин"),
        ("北京大学", "北京大学"),
        ("北京 大学", "北京 大学"),
        ("東京タワー", "東京 タワー"),
        ("서울특별시", "서울특별시"),
        ("القاهرة،", "القاهرة"),
        ("नई दिल्ली।", "नई दिल्ली"),
        ("กรุงเทพ", "กรุงเทพ"),
        ("ＮＡＳＡ　２０２０", "nasa 2020"),
        ("ﬁve ﬂoors", "five floors"),
        ("Kings’ Cross", "kings cross"),
        ("***", ""),
        ("", ""),
    ],
)
def test_examples_in_many_scripts(text: str, key: str) -> None:
    """Letters, marks and digits of every script are kept, case and width are not."""
    assert fold(text) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("São Paulo", unicodedata.normalize("NFD", "São Paulo")),
        ("İstanbul", unicodedata.normalize("NFD", "İstanbul")),
        ("Ada's", "Ada’s"),
        ("サッポロ", "ｻｯﾎﾟﾛ"),
        ("Jean-Luc", "jean luc"),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    """Composition, width, case and punctuation do not make another name."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("北京", "南京"), ("São Paulo", "S o Paulo"), ("वर", "वीर"), ("Анна", "Alla")]
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    """No letter and no vowel sign of any script is lost."""
    assert fold(one) != fold(other)


@given(any_text)
def test_a_key_is_its_own_key(text: str) -> None:
    """Folding is idempotent over all of Unicode: a stored key and a name folded now always meet."""
    assert fold(fold(text)) == fold(text)


@given(any_text)
def test_tokens_are_slices_in_order(text: str) -> None:
    """A token's offsets cut exactly its text out of the normalised text; tokens do not overlap."""
    normalised = normalise(text)
    tokens = tokenize(normalised)
    assert all(normalised[t.start : t.end] == t.text for t in tokens)
    assert all(a.end <= b.start for a, b in itertools.pairwise(tokens))


@given(any_text)
def test_no_letter_and_no_digit_is_dropped(text: str) -> None:
    """Every letter and digit lies in a token, but for the s of a possessive."""
    normalised = normalise(text)
    inside = {at for t in tokenize(normalised) for at in range(t.start, t.end)}
    outside = {c for at, c in enumerate(normalised) if at not in inside and unicodedata.category(c)[0] in "LN"}
    assert outside <= {"s", "S"}


def test_a_possessive_s_is_no_token_but_other_apostrophes_stay() -> None:
    """A possessive is dropped, in both apostrophes and in capitals; an s that belongs to a word is kept."""
    assert [t.text for t in tokenize("Ada's ADA'S Ada’s")] == ["Ada", "ADA", "Ada"]
    assert [t.text for t in tokenize("d'sa it'd")] == ["d", "sa", "it", "d"]


def test_ids_follow_from_content_and_parts_cannot_run_together() -> None:
    """Equal parts have equal ids; moving a letter from one part to the next changes them; kinds have their prefix."""
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a\x1fb") != digest("a", "b")
    assert content_id("t", "x", None) == content_id("t", "x", "") != content_id("t", "x", "2026-01-01")
    assert memory_id("a", "c") != memory_id("b", "c") != memory_id("b", "c", 1)
    prefixes = [i[:2] for i in (memory_id("n", "c"), passage_id("c", 0), fact_id("sentence", "s"), entity_id("k"))]
    assert prefixes == ["m-", "p-", "f-", "e-"]


def test_ids_are_the_same_on_every_machine() -> None:
    """The ids of today are the ids of stores written yesterday: these must never change."""
    content = content_id("Ada", "Ada wrote.", None)
    assert content == "80ebdc2bbbba061de58cdee921bc2101"
    assert memory_id("default", content) == "m-96e261a464c23a71e1583107"
    assert passage_id(content, 0) == "p-796bdacc991d43fa36390665"
    assert entity_id("北京") == "e-879ba2bacd528b28afda4026"
