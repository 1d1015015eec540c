"""A picture that followed the log of changes equals one made anew from the store."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem.arrays.build import build
from hippomem.arrays.picture import Picture
from hippomem.arrays.update import update
from hippomem.memory import Memory
from hippomem.store import changes
from hippomem.types import Document
from tests.arrays.describe import describe
from tests.indexing.test_exactness import documents, memory

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made_anew(of: Memory) -> Picture:
    """The picture of what a memory holds."""
    with of.store.reading() as db:
        key = of.store.namespace_key("default")
        return Picture(build(db, -1 if key is None else key, 32, changes.newest_sequence(db)))


def follow(picture: Picture, of: Memory) -> None:
    """Bring a picture up to date."""
    with of.store.reading() as db:
        found = changes.since(db, picture.sequence, at_most=changes.MANY)
        assert found is not None
        update(picture, db, of.store.namespace_key("default") or 0, found, changes.newest_sequence(db))


@given(documents, st.lists(documents, max_size=3), st.data())
@relaxed
def test_a_followed_picture_is_that_of_the_store(first: list[Document], later: list[list[Document]], data: st.DataObject) -> None:  # fmt: skip
    """Adding, forgetting and updating in any order, followed step by step or in one go, end where a new picture begins."""
    with memory() as of:
        ids = list(dict.fromkeys(of.add_many(first).memory_ids))
        step_by_step, at_once = made_anew(of), made_anew(of)
        for batch in later:
            what = data.draw(st.sampled_from(["add", "forget", "update"]))
            if what == "add" or not ids:
                ids = list(dict.fromkeys([*ids, *of.add_many(batch).memory_ids]))
            elif what == "forget":
                of.forget(ids.pop(data.draw(st.integers(0, len(ids) - 1))))
            else:
                of.update(data.draw(st.sampled_from(ids)), text=f"{batch[0].text} And more of New York City.")
            follow(step_by_step, of)
            assert describe(step_by_step) == describe(made_anew(of))
        follow(at_once, of)
        assert describe(at_once) == describe(made_anew(of))
