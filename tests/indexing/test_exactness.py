"""The promise everything stands on: what a store knows depends on what it remembers, not on how it came to.

Batch = one by one in any order = more, then forget; the same export and the same ranking. The gazetteer is on, and the
texts below are drawn from few names so that it changes with almost every passage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from random import Random
from types import MappingProxyType

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Document, Extraction, Triple, Why
from indexing.extract import PassageText

NAMES = [
    "New York",
    "New York City",
    "York",
    "City Hall",
    "Ada Byron",
    "São Paulo",
    "北京",
    "北京大学",
    "Now",
    "Владимир",
]
SENTENCES = [
    "{0} lies near {1}.",
    "In spring {0} met {1} and {2}.",
    "the road from {0} leads now to the city hall of {1}.",
    "{0}和{1}在这里。",
    "Nobody mentions anything here.",
    "{0}!",
    "{0} lives in {1}.",
    "I live in {0}.",
]

name = st.sampled_from(NAMES)
sentence = st.builds(lambda form, a, b, c: form.format(a, b, c), st.sampled_from(SENTENCES), name, name, name)
documents = st.lists(
    st.builds(
        Document,
        text=st.lists(sentence, min_size=1, max_size=3).map(" ".join),
        title=st.sampled_from(["", *NAMES, "Now (album)"]),
        source_id=st.sampled_from([None, "a", "b"]),
        occurred_at=st.sampled_from([None, "2026-01-01", "2026-01-02"]),
        session=st.sampled_from([None, "s1"]),
        speaker=st.sampled_from([None, "Ada Byron", "Bob"]),
        position=st.integers(0, 3),
    ),
    min_size=1,
    max_size=7,
)
#: Each at a time of its own: then times alone say what is no longer so.
dated = st.permutations(range(7)).flatmap(
    lambda days: documents.map(
        lambda batch: [
            replace(document, occurred_at=f"2026-01-0{1 + day}") for document, day in zip(batch, days, strict=False)
        ]
    )
)
LIVES = [
    Document("New York City lives in New York.", occurred_at="2026-01-01"),
    Document("New York City lives in New York City.", occurred_at="2026-01-02"),
]
#: The two sentences of the first have one vector; only one of them is no longer so.
ALIKE = [
    Document("York lives in New York. New York lives in York.", occurred_at="2026-01-01"),
    Document("New York lives in York.", occurred_at="2026-01-02"),
    Document("York lives in Now.", occurred_at="2026-01-03"),
]
relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class PairTriples:
    """States a triple for each two neighbouring capitalised words: a stand-in for an LLM that is a function of the text."""

    name = "pairs"
    spent: Mapping[str, int] = MappingProxyType({})

    def extract(self, passages: Sequence[PassageText]) -> Iterable[tuple[int, Extraction]]:
        """One extraction a passage."""
        for position, passage in enumerate(passages):
            words = [word.strip(".!") for word in passage.text.split() if word[0].isupper()]
            yield position, Extraction((), tuple(Triple(a, "near", b) for a, b in pairwise(words)))


def memory() -> Memory:
    """An empty memory with a small deterministic encoder and triples beside the sentences."""
    return Memory(":memory:", embedder=HashEmbedder(dimension=32), extractor=PairTriples())


def ranking(of: Memory, query: str, *, freshness: bool = False) -> list[list[tuple[str, float, Why | None]]]:
    """What every retriever answers, and why.

    freshness: put what retires another first. Of undated statements, and of those of one date, the last handed in retires
    the others, so there the order of insertion is meant to show.
    """
    return [
        [
            (hit.passage_id, hit.score, hit.why)
            for hit in of.search(query, k=20, retriever=retriever, freshness=freshness)
        ]
        for retriever in ("bm25", "dense", "hipporag1", "hipporag2", "hippomem")
    ]


@contextmanager
def in_two_orders(batch: Sequence[Document], random: Random) -> Iterator[tuple[Memory, Memory]]:
    """A memory that was given the documents at once, and one that was given them one by one in another order."""
    shuffled = list(batch)
    random.shuffle(shuffled)
    with memory() as at_once, memory() as one_by_one:
        at_once.add_many(batch)
        for document in shuffled:
            one_by_one.add_many([document])
        yield at_once, one_by_one


@given(documents, st.randoms(use_true_random=False), name)
@example([replace(document, occurred_at="2026-01-01") for document in LIVES], Random(1), "New York")
@relaxed
def test_order_of_insertion_never_shows(batch: list[Document], random: Random, query: str) -> None:
    """One batch and one by one in any order give the same export and the same rankings."""
    with in_two_orders(batch, random) as (at_once, one_by_one):
        assert one_by_one.export() == at_once.export()
        assert ranking(one_by_one, query) == ranking(at_once, query)


@given(dated, st.randoms(use_true_random=False), name)
@example(LIVES, Random(1), "New York")
@example(ALIKE, Random(1), "York lives")
@relaxed
def test_dates_retire_in_any_order_of_insertion(batch: list[Document], random: Random, query: str) -> None:
    """What retires what follows from the times, where no two are equal."""
    with in_two_orders(batch, random) as (at_once, one_by_one):
        assert ranking(one_by_one, query, freshness=True) == ranking(at_once, query, freshness=True)


@given(documents, documents, name)
@relaxed
def test_forgetting_is_exact(kept: list[Document], surplus: list[Document], query: str) -> None:
    """A store that held more and forgot it equals one that never held it."""
    content = {(d.title, d.text, d.occurred_at) for d in kept}
    surplus = [d for d in surplus if (d.title, d.text, d.occurred_at) not in content]
    with memory() as never, memory() as forgot:
        never.add_many(kept)
        report = forgot.add_many([*surplus, *kept])
        for memory_id in dict.fromkeys(report.memory_ids[: len(surplus)]):
            forgot.forget(memory_id)
        assert forgot.export() == never.export()
        assert ranking(forgot, query, freshness=True) == ranking(never, query, freshness=True)


@given(documents)
@relaxed
def test_forgetting_everything_leaves_nothing(batch: list[Document]) -> None:
    """After forgetting all, no row of any relation is left."""
    with memory() as forgot:
        for memory_id in dict.fromkeys(forgot.add_many(batch).memory_ids):
            forgot.forget(memory_id)
        assert forgot.export() == ""
        leftovers = (
            "facts",
            "entities",
            "mentions",
            "words",
            "postings",
            "synonyms",
            "contributions",
            "sources",
            "passages",
        )
        counts = {table: forgot.store.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in leftovers}
        assert counts == dict.fromkeys(leftovers, 0)


@given(documents, st.data())
@relaxed
def test_update_equals_never_having_said_it(batch: list[Document], data: st.DataObject) -> None:
    """An updated memory leaves no trace of its old content: forgetting it restores the store without it."""
    with memory() as updated, memory() as never:
        first, *rest = dict.fromkeys(updated.add_many(batch).memory_ids)
        updated.update(first, text="Quite another text about Timbuktu and New York City.")
        record = updated.get(first)
        assert record.memory_id == first
        assert "Timbuktu" in record.text
        updated.forget(first)
        never.add_many([d for d, i in zip(batch, updated_ids(batch), strict=True) if i in rest])
        assert updated.export() == never.export()


def updated_ids(batch: list[Document]) -> list[str]:
    """The memory ids that a batch gets."""
    with memory() as fresh:
        return list(fresh.add_many(batch).memory_ids)
