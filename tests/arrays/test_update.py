"""A picture that followed the log of changes equals one made anew from the store."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem.arrays import kinds
from hippomem.arrays.build import build
from hippomem.arrays.picture import Picture
from hippomem.arrays.update import update
from hippomem.memory import Memory
from hippomem.store import changes
from hippomem.testing import HashEmbedder
from hippomem.types import Document
from tests.arrays.describe import describe
from tests.indexing.test_exactness import NAMES, PairTriples, sentence

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: Turns and documents from few texts, so that the same one is handed in by several sources, sessions and speakers.
documents = st.lists(
    st.builds(
        Document,
        text=st.lists(sentence, min_size=1, max_size=3).map(" ".join),
        title=st.sampled_from(["", *NAMES, "Now (album)"]),
        source_id=st.sampled_from([None, "a", "b"]),
        occurred_at=st.sampled_from([None, "2026-01-01", "2026-01-02"]),
        session=st.sampled_from([None, "s1", "s2"]),
        speaker=st.sampled_from([None, "Ada Byron", "Now"]),
        position=st.sampled_from([None, 0, 1, 2]),
    ),
    min_size=1,
    max_size=7,
)


def made_anew(of: Memory) -> Picture:
    """The picture of what a memory holds."""
    with of.store.reading() as db:
        key = of.store.namespace_key(of.namespace)
        return Picture(build(db, -1 if key is None else key, 32, changes.newest_sequence(db)))


def follow(picture: Picture, of: Memory) -> None:
    """Bring a picture up to date."""
    with of.store.reading() as db:
        found = changes.since(db, picture.sequence, at_most=changes.MANY)
        assert found is not None
        key = of.store.namespace_key(of.namespace)
        update(picture, db, -1 if key is None else key, found, changes.newest_sequence(db))


def change(of: Memory, ids: list[str], batch: list[Document], data: st.DataObject) -> None:
    """Add, forget, update, or hand in again from elsewhere. ids: of what the memory holds, kept up to date."""
    what = data.draw(st.sampled_from(["add", "forget", "update", "add again"]))
    if what == "add" or not ids:
        ids[:] = dict.fromkeys([*ids, *of.add_many(batch).memory_ids])
    elif what == "forget":
        of.forget(ids.pop(data.draw(st.integers(0, len(ids) - 1))))
    elif what == "update":
        of.update(data.draw(st.sampled_from(ids)), text=f"{batch[0].text} And more of New York City.")
    else:
        old = of.get(data.draw(st.sampled_from(ids)))
        elsewhere = Document(old.text, old.title, source_id="again", session="s2", speaker="York", position=1)
        of.add_many([replace(elsewhere, occurred_at=old.occurred_at)])


@given(documents, st.lists(documents, max_size=3), st.data())
@relaxed
def test_a_followed_picture_is_that_of_the_store(
    first: list[Document], later: list[list[Document]], data: st.DataObject
) -> None:
    """Adding, forgetting and updating in any order, followed step by step or in one go, end where a new picture begins."""
    with Memory(embedder=HashEmbedder(dimension=32), extractor=PairTriples()) as of:
        ids = list(dict.fromkeys(of.add_many(first).memory_ids))
        step_by_step, at_once = made_anew(of), made_anew(of)
        for batch in later:
            change(of, ids, batch, data)
            follow(step_by_step, of)
            assert describe(step_by_step) == describe(made_anew(of))
        follow(at_once, of)
        assert describe(at_once) == describe(made_anew(of))


@given(documents, documents, st.lists(st.tuples(st.booleans(), documents), max_size=3), st.data())
@settings(relaxed, max_examples=25)
def test_pictures_of_two_namespaces_in_one_file(
    one: list[Document], other: list[Document], later: list[tuple[bool, list[Document]]], data: st.DataObject
) -> None:
    """The log is of the whole file; each picture takes what is its own, of equal texts, names and sessions too."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Memory(Path(folder) / "a.hippo", namespace="one", embedder=HashEmbedder(dimension=32)) as first,
        Memory(Path(folder) / "a.hippo", namespace="other", embedder=HashEmbedder(dimension=32)) as second,
    ):
        memories = (first, second)
        ids = [
            list(dict.fromkeys(of.add_many(some).memory_ids)) for of, some in zip(memories, (one, other), strict=True)
        ]
        pictures = [made_anew(of) for of in memories]
        for which, batch in later:
            change(memories[which], ids[which], batch, data)
            for of, picture in zip(memories, pictures, strict=True):
                follow(picture, of)
                assert describe(picture) == describe(made_anew(of))


def test_synonyms_have_their_cosine_as_strength() -> None:
    """A name and its misspelling are joined, and the edge holds their cosine in 255ths, followed or made anew."""
    with Memory(embedder=HashEmbedder(dimension=32)) as of:
        of.add("Tessaly Vorn grew up on Quillmoth Island.")
        picture = made_anew(of)
        of.add("Vorn Tessaly lived there.")
        follow(picture, of)
        strengths = describe(picture)["strengths"]
        assert isinstance(strengths, dict)
        joined = {edge: value for edge, value in strengths.items() if edge[1] == kinds.SYNONYM}
        assert len(joined) == 2
        (cosine,) = set(joined.values())
        stored = of.store.db.execute("SELECT max(similarity) FROM synonyms").fetchone()[0]
        assert cosine == round(255 * stored)
        assert describe(made_anew(of))["strengths"] == strengths
