"""Sentence splitting: nothing is lost, nothing is too long, and it is quick on anything."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.text.sentences import MAX_SENTENCE_CHARACTERS, split_sentences

pieces = st.sampled_from([*"aB1.!?…\"'”)。！？؟۔। \n\t-", "Dr. ", "e.g. ", "北京", "\u00a0", "word " * 250])
prose = st.lists(pieces, max_size=60).map("".join)


def visible(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Ada B. Lovelace met Mr. Babbage.", ["Dr. Ada B. Lovelace met Mr. Babbage."]),
        ("It cost 3.50 dollars. Then 4.", ["It cost 3.50 dollars.", "Then 4."]),
        ("In the U.S. Army he rose. Later not.", ["In the U.S. Army he rose.", "Later not."]),
        ("see e.g. Smith et al. and others. End.", ["see e.g. Smith et al. and others.", "End."]),
        ("He left... and came back.", ["He left... and came back."]),
        ('She said "Stop." He did.', ['She said "Stop."', "He did."]),
        ("(It rained.) We stayed.", ["(It rained.)", "We stayed."]),
        ("北京是首都。上海不是！真的？", ["北京是首都。", "上海不是！", "真的？"]),
        ("彼は「行く。」と言った。", ["彼は「行く。」", "と言った。"]),
        ("هل هذا صحيح؟ نعم.", ["هل هذا صحيح؟", "نعم."]),
        ("यह भारत है। वह नेपाल है॥", ["यह भारत है।", "वह नेपाल है॥"]),
        ("یہ پاکستان ہے۔وہ نہیں۔", ["یہ پاکستان ہے۔", "وہ نہیں۔"]),
        ("first line\nsecond line\r\n\n  third", ["first line", "second line", "third"]),
        ("Hi!!! How are you?!", ["Hi!!!", "How are you?!"]),
        ("www.example.org is a site", ["www.example.org is a site"]),
        ("", []),
        (" \n\t ", []),
        ("...", ["..."]),
    ],
)
def test_examples(text: str, expected: list[str]) -> None:
    """Sentences end where readers of their script see the end; abbreviations and numbers go on."""
    assert split_sentences(text) == expected


@given(prose)
def test_nothing_but_white_space_is_lost(text: str) -> None:
    """The sentences hold every visible character, in order; each is stripped, not empty and not too long."""
    sentences = split_sentences(text)
    assert visible("".join(sentences)) == visible(text)
    assert all(s == s.strip() and 0 < len(s) <= MAX_SENTENCE_CHARACTERS for s in sentences)


@given(st.text())
def test_nothing_is_lost_of_any_text(text: str) -> None:
    """The same over all of Unicode, and each sentence occurs in the text, in order."""
    position = 0
    for sentence in split_sentences(text):
        position = text.index(sentence, position) + len(sentence)
    assert visible("".join(split_sentences(text))) == visible(text)


@given(prose)
def test_a_sentence_is_one_sentence_or_more_never_other_text(text: str) -> None:
    """Splitting what was joined by line ends gives the same sentences again."""
    once = split_sentences(text)
    assert visible("".join(split_sentences("\n".join(once)))) == visible("".join(once))
    assert len(split_sentences("\n".join(once))) >= len(once)


def test_a_run_without_an_end_is_cut_at_white_space() -> None:
    """No piece is longer than the limit; words are whole where there is white space to cut at."""
    pieces = split_sentences("word " * 1000)
    assert len(pieces) == 5
    assert set(" ".join(pieces).split()) == {"word"}
    assert [len(piece) for piece in split_sentences("x" * 2500)] == [1000, 1000, 500]


@pytest.mark.parametrize(
    "text",
    [
        "word " * 200_000,
        "北" * 1_000_000,
        "a" + "." * 1_000_000 + "b",
        "a" + " " * 1_000_000 + "b",
        "a" + "\n" * 200_000 + "b",
        "。" + "'" * 1_000_000,
        "Dr. " * 100_000,
        "?!" * 300_000 + "x",
    ],
    ids=["words", "characters", "dots", "spaces", "lines", "quotes", "abbreviations", "marks"],
)
def test_a_megabyte_of_anything_is_quick(text: str) -> None:
    """The time is linear in the text, whatever it is: below ten seconds even on a busy machine, mostly far below one."""
    start = time.perf_counter()
    assert visible("".join(split_sentences(text))) == visible(text)
    assert time.perf_counter() - start < 10
