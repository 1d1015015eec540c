"""Names that become known late: old sentences are renamed as if the name had been known from the start."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import indexing.naming
from hippomem.memory import Memory
from hippomem.store import facts
from hippomem.testing import HashEmbedder
from hippomem.text.fold import normalise, tokenize
from hippomem.text.mentions import match_gazetteer, ngrams
from hippomem.types import Document

SENTENCES = [
    "it was late and It was read by all.",
    "ada's byron met ADA BYRON's aunt.",
    "the ada--byron affair, ada 's byron's end.",
    "ada (byron) and adabyron.",
    "a b52 flew; the b 52 did not.",
    "In 1984 they read 1984.",
    "Über ada byron, it is said.",
    "now, NOW and nOw.",
    "the who saw The Who.",
    "ada then byron.",
    "byron ada.",
]
NAMES = ["It", "Ada Byron", "B52", "1984", "Now", "The Who", "Then", "Said", "Byron's End"]


@pytest.mark.parametrize("name", NAMES)
def test_a_title_that_comes_last_names_what_it_would_have_named_first(name: str) -> None:
    """Whether a name is known before or after a sentence, the export is the same."""
    title = Document("Nothing is said here.", title=name)
    with Memory(":memory:", embedder=HashEmbedder()) as first, Memory(":memory:", embedder=HashEmbedder()) as last:
        first.add_many([title])
        first.add_many(SENTENCES)
        last.add_many(SENTENCES)
        last.add_many([title])
        assert last.export() == first.export()


def test_only_sentences_that_may_hold_the_name_are_matched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A title that is a common word does not have every sentence with that word read and matched anew."""
    matched: list[int] = []
    real = indexing.naming.match_sentences

    def count(db: object, gazetteer: object, fact_keys: set[int]) -> None:
        matched.append(len(fact_keys))
        real(db, gazetteer, fact_keys)  # type: ignore[arg-type]

    with Memory(":memory:", embedder=HashEmbedder()) as memory:
        memory.add_many([f"then it was day {n}." for n in range(200)])
        memory.add_many(["So It is read.", "Nobody read IT."])
        monkeypatch.setattr(indexing.naming, "match_sentences", count)
        memory.add_many([Document("A novel.", title="It")])
        key = memory.store.db.execute("SELECT entity_key FROM entities WHERE key = 'it'").fetchone()[0]
        assert len(facts.sentences_naming(memory.store.db, key)) == 2
    assert matched == [3], "the two, and its own sentence"


words = st.sampled_from(
    ["ada", "Ada", "BYRON", "byron", "it", "It", "b52", "B52", "'s", "’s", "-", " ", "  ", ".", "é", "北京"]
)


@given(st.lists(words, max_size=10).map("".join), st.lists(words, min_size=1, max_size=6).map("".join))
@settings(max_examples=300, deadline=None)
def test_the_first_words_of_names_only_save_time(text: str, name: str) -> None:
    """With and without the test whether a word opens a known name, the gazetteer finds the same."""
    normalised = normalise(text)
    tokens = tokenize(normalised)
    known = set(list(ngrams(tokenize(normalise(name))))[:5]) | set(list(ngrams(tokens))[:3])
    opens = {key.partition(" ")[0] for key in known}
    assert match_gazetteer(normalised, tokens, known.__contains__, opens.__contains__) == match_gazetteer(
        normalised, tokens, known.__contains__
    )


@given(st.lists(words, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_ascii_is_read_like_any_text(text: str) -> None:
    """The short way for ASCII gives the tokens that the long way gives, which one letter of another script asks for."""
    normalised = normalise(text.replace("’", "'")).encode("ascii", "ignore").decode()
    *tokens, other = tokenize(f"{normalised} é")
    assert other.text == "é"
    assert tokenize(normalised) == tokens
    assert all(type(a) is type(b) for a, b in pairwise([*tokens, other]))
