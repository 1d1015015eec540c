"""First pass: the names that a sentence shows by itself, in many scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.text.fold import fold, normalise
from hippomem.text.mentions import MAX_CHARACTERS, MAX_WORDS, find_spans, title_key


def keys(text: str) -> list[str]:
    """Keys of the names found, in order."""
    return [mention.key for mention in find_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Marie Curie was born in Warsaw in 1867.", ["marie curie", "warsaw"]),
        ("The Bank of the West opened in 1990 the first branch.", ["bank of the west"]),
        ("J. R. R. Tolkien met Dr. Ada Lovelace.", ["j r r tolkien", "dr ada lovelace"]),
        ("Jean-Luc Picard's Enterprise", ["jean luc picard", "enterprise"]),
        ("New York-based Apple Inc. hired Tim", ["new york", "apple inc", "tim"]),
        ("Boeing 747 landed at Gate 12 of Oslo", ["boeing 747", "gate 12 of oslo"]),
        ("however, iPhone is a name", ["iphone"]),
        ("nothing here, nothing there", []),
        ("However, When he came The Beatles played.", ["beatles"]),
        ("Владимир Путин родился в Ленинграде.", ["владимир путин", "ленинграде"]),
        ("Η Αθήνα είναι πόλη", ["η αθήνα"]),
        ("Élodie aime São Paulo", ["élodie", "são paulo"]),
    ],
)
def test_capitals(text: str, expected: list[str]) -> None:
    """Runs of capitalised words are names, with connectors and numbers inside, without the words that open a sentence."""
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("北京大学位于海淀区。", ["北京大学", "海淀区"]),
        ("中华人民共和国在亚洲。", ["中华人民共和国", "亚洲"]),
        ("《红楼梦》的作者是曹雪芹。", ["红楼梦", "作者", "曹雪芹"]),
        ("東京タワーは港区にある。", ["東京", "港区", "タワー"]),
        ("서울은 한국의 수도이다.", ["서울", "한국", "수도"]),
        ("김철수가 부산에서 살았다.", ["김철수", "부산"]),
        ("تقع القاهرة في مصر", ["القاهرة", "مصر"]),
        ("दिल्ली भारत की राजधानी है", ["दिल्ली", "भारत", "राजधानी"]),
    ],
)
def test_scripts_without_capitals(text: str, expected: list[str]) -> None:
    """Chinese between function characters, Katakana runs, Korean without particles, Arabic and Hindi content words."""
    assert set(expected) <= set(keys(text))


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('He read "a tale of two cities" today.', "a tale of two cities"),
        ("they sang “the long road” twice", "the long road"),
        ("das buch „der zauberberg“ ist lang", "der zauberberg"),
        ("il lit «les misérables» ici", "les misérables"),
        ("彼は『ノルウェイの森』を書いた。", "ノルウェイ の森"),
        ("he called it ``open sesame''", "open sesame"),
    ],
)
def test_quotation_marks(text: str, inside: str) -> None:
    """What stands in quotation marks of any kind is a name, whatever its letters."""
    assert inside in keys(text)


def test_quoted_stop_words_are_no_name() -> None:
    """A pronoun in quotation marks names nothing."""
    assert keys('she said "it was" and left') == []


def test_a_and_b_is_both_and_its_parts() -> None:
    """Two names joined by "and" may be one or two: the whole and both parts are kept."""
    assert keys("Ludwig van Beethoven and Joseph Haydn met") == [
        "ludwig van beethoven and joseph haydn",
        "ludwig van beethoven",
        "joseph haydn",
    ]


@pytest.mark.parametrize("text", ["1999", "in 1999 and 2004", "“1984”", "٣٤٥", "X", "“7”"])
def test_digits_alone_and_single_letters_are_no_names(text: str) -> None:
    """A number or one letter joins everything with everything."""
    assert keys(text) == []


def test_surface_is_what_stands_in_the_text() -> None:
    """The surface keeps case and punctuation of the normalised text; the key is its folded form."""
    first, second = find_spans("Dr. Ada Lovelace met ＮＡＳＡ")
    assert (first.surface, first.key) == ("Dr. Ada Lovelace", "dr ada lovelace")
    assert (second.surface, second.key) == ("NASA", "nasa")


def test_too_long_is_no_name() -> None:
    """More than eight words, or sixteen characters, in a row are no name."""
    assert keys("Word " * MAX_WORDS) == [" ".join(["word"] * MAX_WORDS)]
    assert keys("Word " * (MAX_WORDS + 1)) == []
    assert keys("京" * MAX_CHARACTERS) == ["京" * MAX_CHARACTERS]
    assert keys("京" * (MAX_CHARACTERS + 1)) == []


@given(st.text())
def test_any_text_gives_sound_mentions(text: str) -> None:
    """Over all of Unicode: keys are distinct, not empty, no numbers, and the surface is in the text and folds to the key."""
    found = find_spans(text)
    assert len({mention.key for mention in found}) == len(found)
    for mention in found:
        assert len(mention.key) > 1
        assert not mention.key.replace(" ", "").isnumeric()
        assert mention.surface in normalise(text)


@given(
    st.lists(
        st.sampled_from(["Ada", "von", "and", "Byron", "O'Neil", "2020", "the", "São", "北京", "Now,", "“It”"]),
        max_size=12,
    )
)
def test_a_surface_folds_to_its_key(words: list[str]) -> None:
    """A name read again by itself is the same name."""
    for mention in find_spans(" ".join(words)):
        assert fold(mention.surface) == mention.key


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Now (Fireflight album)", "now"),
        ("Now （アルバム）", "now"),
        ("(Untitled)", "untitled"),
        ("Rome (city) (Italy)", "rome city"),
        ("São Paulo", "são paulo"),
        ("***", ""),
        ("", ""),
    ],
)
def test_title_key(title: str, key: str) -> None:
    """A title names its subject; a closing parenthesis only says which one is meant."""
    assert title_key(title) == key
