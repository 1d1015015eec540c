"""A picture of some passages: what a store of these alone would say, in the numbers of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem.arrays import nearest
from hippomem.arrays.picture import Picture, hashed
from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Document
from tests.arrays.marked import documents, memory_of, picture_of, within

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def said(picture: Picture) -> dict[str, object]:
    """What a picture says of passages, facts, entities and what joins them, in ids and hashes; counts over all left out."""
    a = picture.arrays
    entities, facts = np.flatnonzero(a.entity_alive), np.flatnonzero(a.fact_alive)
    named = {}
    for kind, places, first, order in (
        ("e", entities, 0, a.entity_hash),
        ("f", facts, picture.facts_from, a.fact_order),
        ("p", picture.passages, picture.passages_from, a.passage_order),
    ):
        named.update({first + place: (kind, int(order[place])) for place in places.tolist()})
    return {
        "nodes": set(named.values()),
        "edges": {
            (named[node], kind, named[other])
            for node in named
            for kind in range(1, 9)
            for other in picture.gather(np.array([node]), kind)[0].tolist()
        },
        "homes": {int(a.fact_order[fact]): int(a.passage_order[a.home[fact]]) for fact in facts.tolist()},
        "lengths": {int(a.passage_order[p]): int(a.spread_length[p]) for p in picture.passages.tolist()},
        "size": picture.size,
    }


@given(documents(None, "s1", "s2"), st.data())
@relaxed
def test_it_says_what_a_store_of_these_alone_says(some: list[Document], data: st.DataObject) -> None:
    """Nodes, edges, homes and spread lengths are those of a store that never held the others, whole sessions left out."""
    seen = data.draw(st.sets(st.sampled_from([str(d.session or d.source_id) for d in some])))
    kept = [d for d in some if (d.session or d.source_id) in seen]
    with memory_of(some) as memory, memory_of(kept) as alone:
        picture = within(memory, (str(d.source_id) for d in kept))
        assert said(picture) == said(picture_of(alone))
        assert picture.is_empty == (not kept)
        assert picture.live == len(kept)


@given(documents(None, "s1"), st.data())
@relaxed
def test_within_what_is_within(some: list[Document], data: st.DataObject) -> None:
    """One filter after another is both; after all have left all, nothing has changed."""
    sources = st.sets(st.sampled_from([str(d.source_id) for d in some]))
    one, other = data.draw(sources), data.draw(sources)
    with memory_of(some) as memory:
        both = within(memory, one).within(within(memory, other).arrays.passage_alive > 0)
        assert said(both) == said(within(memory, one & other))
        every = picture_of(memory).within(np.ones(len(both.arrays.passage_alive), dtype=bool))
        for name, values in picture_of(memory).arrays.items():
            if not name.startswith("title_"):  # without the room behind the titles
                assert getattr(every.arrays, name).tobytes() == values.tobytes(), name


def test_what_is_out_has_no_name() -> None:
    """A name that only other passages hold is not found by it, nor is a row, nor a title."""
    some = [Document("once Ada Byron slept.", title="Cot"), Document("once Owen Glass slept.", title="Bed")]
    with memory_of(some, triples=False) as m:
        (place,) = picture_of(m).titled(hashed(["cot"]))["cot"]
        picture = picture_of(m).within(np.arange(len(picture_of(m).arrays.passage_alive)) == place)
        assert set(picture.entities_named(hashed(["ada byron", "owen glass", "cot", "bed"]))) == {"ada byron", "cot"}
        assert set(picture.titled(hashed(["cot", "bed"]))) == {"cot"}
        facts, passages = (
            [row[0] for row in m.store.db.execute(f"SELECT {kind}_key FROM {kind}s")] for kind in ("fact", "passage")
        )
        assert len(picture_of(m).fact_places(facts)) == len(picture_of(m).passage_places(passages)) == 2
        assert len(picture.fact_places(facts)) == len(picture.passage_places(passages)) == 1


def test_a_title_of_many_counts_those_that_are_left() -> None:
    """A title of more passages than are looked at is known again where few of them are left, wherever they are."""
    with memory_of((Document(f"entry {n}", title="Log", source_id=str(n)) for n in range(40)), triples=False) as memory:
        assert picture_of(memory).titled(hashed(["log"]), at_most=5) == {}
        for left in (range(3), range(37, 40)):
            assert len(within(memory, map(str, left)).titled(hashed(["log"]), at_most=5)["log"]) == 3
        memory.add("one more", title="Log", source_id="late")
        assert len(within(memory, ["1", "late"]).titled(hashed(["log"]), at_most=5)["log"]) == 2


def test_few_of_many_are_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """With clusters, too, the nearest of a few are exactly the nearest, and as many as there are."""
    monkeypatch.setattr(nearest, "EXACT", 150)
    embedder = HashEmbedder(dimension=64)
    with Memory(embedder=embedder) as memory:
        memory.add_many(f"Person{n} Smith{n} met Town{n % 13} on day {n}." for n in range(300))
        whole = picture_of(memory)
        assert len(whole.arrays.centroid)
        for share in (0.02, 0.9):
            picture = whole.within(np.random.default_rng(1).random(len(whole.arrays.passage_alive)) < share)
            query = embedder.embed(["Who met Town7?"])[0]
            found = nearest.nearest(picture, query, 20).tolist()
            assert set(found) <= set(picture.passages.tolist())
            assert len(found) == min(20, picture.live)
            if share == 0.02:
                assert found == nearest.nearest(picture, query, 20, exact=True).tolist()


def test_a_filter_is_a_snapshot() -> None:
    """It stays as it was made when the whole picture follows a change, and says of which change it is."""
    with memory_of([Document("once Ada Byron slept.", source_id="a")]) as memory:
        picture = within(memory, ["a"])
        assert picture.sequence == picture_of(memory).sequence
        memory.add("once Owen Glass slept.")
        assert picture_of(memory).sequence > picture.sequence
        assert picture.live == 1


def test_a_mask_of_another_length_is_an_error() -> None:
    """It says both lengths."""
    wanted = pytest.raises(ValueError, match=r"mask of 1 passages .* has \d+ places")
    with memory_of([Document("once Ada Byron slept.")]) as memory, wanted:
        picture_of(memory).within(np.ones(1, dtype=bool))


def test_what_is_shared_is_not_copied() -> None:
    """Edges, postings, vectors and the room to walk in are those of the whole picture."""
    with memory_of([Document("once Ada Byron met Owen Glass.", source_id="a")]) as memory:
        whole, picture = picture_of(memory), within(memory, ["a"])
        assert picture.edges is whole.edges
        assert picture.postings is whole.postings
        assert picture.network._scratch is whole.network._scratch
        assert picture.arrays.fact_vector is whole.arrays.fact_vector
        copied = sum(
            values.nbytes for name, values in picture.arrays.items() if values is not getattr(whole.arrays, name)
        )
        assert copied < 0.2 * sum(values.nbytes for _, values in whole.arrays.items())
        assert picture.lookups is whole.lookups
