"""What is no longer so: the newest first, the older marked, and all of it undone when the newest goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from types import MappingProxyType

import pytest

from hippomem import Document, Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Extraction, Triple
from indexing.extract import PassageText
from tests.memory.conftest import Clock

ROME, OSLO, BERGEN = "Ada lives in Rome.", "Ada lives in Oslo.", "Ada lives in Bergen."
WHERE = "Where does Ada live?"


def order(memory: Memory, query: str = WHERE, **options: object) -> list[tuple[str, str | None]]:
    """Texts by rank, each with the text of what retires it."""
    hits = memory.search(query, **options)  # type: ignore[arg-type]
    text = {hit.memory_id: hit.text for hit in hits}
    return [(hit.text, None if hit.superseded_by is None else text[hit.superseded_by]) for hit in hits]


def test_the_last_said_wins_and_forgetting_it_brings_back_the_one_before(memory: Memory) -> None:
    rome, oslo, bergen = (memory.add(text) for text in (ROME, OSLO, BERGEN))
    found = dict(order(memory))
    assert found == {BERGEN: None, OSLO: BERGEN, ROME: BERGEN}
    assert order(memory)[0][0] == BERGEN
    assert [memory.get(each).superseded_by for each in (rome, oslo, bergen)] == [bergen, bergen, None]
    memory.forget(bergen)
    assert order(memory) == [(OSLO, None), (ROME, OSLO)]
    memory.add(ROME)  # said again: it is so again
    assert order(memory) == [(ROME, None), (OSLO, ROME)]
    memory.update(oslo, "Ada lives in Oslo now.")  # corrected: as new as now
    assert dict(order(memory))[ROME] == "Ada lives in Oslo now."


@pytest.mark.parametrize("came", list(permutations([0, 1, 2])))
def test_dates_decide_and_not_the_order_in_which_they_came(memory: Memory, came: Sequence[int]) -> None:
    dated = [(ROME, "2024-01-01"), (OSLO, "2025-01-01"), (BERGEN, "2025-01-01T09:00")]
    for at in came:
        memory.add(dated[at][0], occurred_at=dated[at][1])
    assert order(memory)[0] == (BERGEN, None)
    assert dict(order(memory)) == {BERGEN: None, OSLO: BERGEN, ROME: BERGEN}
    assert dict(order(memory, as_of="2024-12-31")) == {ROME: None}
    assert dict(order(memory, until="2024-12-31")) == {ROME: None}


def test_of_one_date_the_last_said_wins(memory: Memory) -> None:
    """Turns of one day often have its date alone: which came last is all there is to go by."""
    for text in (OSLO, ROME):
        memory.add(text, occurred_at="2025-01-01")
    assert order(memory) == [(ROME, None), (OSLO, ROME)]


def test_what_is_to_happen_retires_nothing_yet(memory: Memory, clock: Clock) -> None:
    memory.add(ROME)
    memory.add(OSLO, occurred_at="2027-01-01")
    assert dict(order(memory)) == {ROME: None, OSLO: None}
    assert dict(order(memory, as_of="2027-06-01")) == {ROME: OSLO, OSLO: None}
    clock.now += 366 * 86_400
    assert dict(order(memory)) == {ROME: OSLO, OSLO: None}


def test_what_is_filtered_out_or_has_expired_retires_nothing(memory: Memory, clock: Clock) -> None:
    memory.add(ROME, user="ada")
    memory.add(OSLO, user="bob", ttl=100)
    assert dict(order(memory)) == {ROME: OSLO, OSLO: None}
    assert order(memory, user="ada") == [(ROME, None)]
    clock.now += 1000
    assert order(memory) == [(ROME, None)]


def test_who_speaks_is_whom_it_is_about(memory: Memory) -> None:
    """Two who say "I" do not retire each other; what others say of one of them does."""
    memory.add("I live in Rome.", speaker="Ada")
    memory.add("I live in Oslo.", speaker="Bob")
    assert {superseded for _, superseded in order(memory, "Who lives where?")} == {None}
    memory.add("Ada lives in Bergen.")
    assert dict(order(memory))["I live in Rome."] == "Ada lives in Bergen."
    assert dict(order(memory))["I live in Oslo."] is None


def test_only_the_statement_that_is_asked_for_is_retired(memory: Memory) -> None:
    """A passage that says something else too stays where it stands when that is what is asked for."""
    both = memory.add("Ada lives in Rome. Her parrot Figaro sings opera.")
    memory.add(OSLO)
    assert order(memory)[0][0] == OSLO
    first = memory.search("Which opera does the parrot Figaro sing?")[0]
    assert (first.memory_id, first.superseded_by) == (both, None)


def test_what_can_be_true_side_by_side_stays(memory: Memory) -> None:
    for text in (
        "Ada likes tea.",
        "Ada likes coffee.",
        "Ada visited Rome.",
        "Ada visited Oslo.",
        "Ada has a dog.",
        "Ada has a cat.",
    ):
        memory.add(text)
    assert {superseded for _, superseded in order(memory, "Ada")} == {None}


def test_it_can_be_switched_off(memory: Memory) -> None:
    memory.add(ROME)
    memory.add(OSLO)
    plain = [hit.text for hit in memory.search(WHERE, freshness=False)]
    assert {superseded for _, superseded in order(memory, freshness=False)} == {None}
    with Memory(embedder=HashEmbedder(dimension=32), freshness=False) as off:
        off.add(ROME)
        off.add(OSLO)
        assert [text for text, _ in order(off)] == plain
        assert order(off, freshness=True)[0] == (OSLO, None)


class Living:
    """Reads (Ada, lives in, PLACE) in a text that ends in a place."""

    name = "living"
    spent = MappingProxyType({})

    def extract(self, passages: Sequence[PassageText]) -> list[tuple[int, Extraction]]:
        """One triple a passage."""
        places = [passage.text.rstrip(".").rpartition(" ")[2] for passage in passages]
        return [(i, Extraction((), (Triple("Ada", "lives in", place),))) for i, place in enumerate(places)]


def test_triples_retire_each_other_and_sentences(clock: Clock) -> None:
    """Also where the sentences beside them say nothing of the kind."""
    with Memory(embedder=HashEmbedder(dimension=32), extractor=Living(), now=clock) as memory:
        memory.add("In those days the sun rose for Ada over Rome.")
        memory.add("Nowadays Ada looks out on the harbour of Oslo.")
        found = dict(order(memory, "Where does Ada live, in Rome or Oslo?"))
        assert (
            found["In those days the sun rose for Ada over Rome."] == "Nowadays Ada looks out on the harbour of Oslo."
        )


@pytest.mark.parametrize("change", [lambda memory: None, lambda memory: memory.add("Bob lives in Hamar.")])
def test_a_store_of_an_older_hippomem_is_read_at_the_first_write(
    tmp_path: object, change: Callable[[Memory], object]
) -> None:
    """Its claims are those that a new store would have."""
    path = f"{tmp_path}/a.hippo"
    with Memory(path, embedder=HashEmbedder(dimension=32)) as memory:
        memory.add_many([Document(ROME), Document(OSLO)])
        change(memory)
        expected = memory.export()
        with memory.store.transaction() as db:
            db.execute("DELETE FROM claims")
            memory.store.set_setting("claims", 0)
    with Memory(path, embedder=HashEmbedder(dimension=32)) as memory:
        assert memory.export() != expected
        memory.resume()
        assert memory.export() == expected
        assert dict(order(memory))[ROME] == OSLO
