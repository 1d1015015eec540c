"""Which passages an LLM should read: signs worked out by hand, and the same however they are counted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.memory import Memory
from hippomem.models.async_chat import AsyncOpenAIChat
from hippomem.store import blocks, named
from hippomem.testing import LoopbackServer
from hippomem.testing.embedder import HashEmbedder
from hippomem.testing.toy import toy_memory
from hippomem.types import Document
from indexing import choosing
from indexing.asking.counting import Counted
from indexing.asking.estimate import to_read
from indexing.asking.extractor import LlmExtractor
from indexing.choosing import Signals, choose, how_many, ranks, read_signals

UNIT = choosing._UNIT


def indexed(documents: Sequence[Document]) -> Memory:
    """The documents, read without a model."""
    memory = Memory(embedder=HashEmbedder(dimension=16))
    memory.add_many(documents)
    return memory


def passage_keys(memory: Memory) -> list[int]:
    """All rows of passages."""
    return named.lengths(memory.store.db, 1)[:, 0].tolist()


def titles(memory: Memory, keys: Sequence[int]) -> list[str]:
    """The titles of passages."""
    sql = "SELECT title FROM passages JOIN memories USING (memory_key) WHERE passage_key = ?"
    return [memory.store.db.execute(sql, (key,)).fetchone()[0] for key in keys]


def by_title(memory: Memory) -> dict[str, tuple[int, int, float]]:
    """title → (bridge, hub, thin)."""
    signals = read_signals(memory.store.db, 1, passage_keys(memory))
    rows = zip(signals.bridge.tolist(), signals.hub.tolist(), signals.thin.tolist(), strict=True)
    return dict(zip(titles(memory, signals.passage_keys.tolist()), rows, strict=True))


#: Two valleys of three passages each, which only "ferry" joins; "note" names nobody.
VALLEYS = [
    Document("The mill of Orrin grinds.", title="Orrin mill"),
    Document("The bells of Orrin ring.", title="Orrin bells"),
    Document("The smith of Velden hammers.", title="Velden smith"),
    Document("The market of Velden opens.", title="Velden market"),
    Document("The ferry leaves Orrin for Velden.", title="Ferry"),
    Document("it rained all day and nobody went out of the house before the evening", title="Note"),
]


def test_a_bridge_joins_names_that_little_else_joins() -> None:
    """Orrin and Velden stand in three passages each, and together in the ferry's: 2 · 1/3 · 1/3; a mill joins nothing."""
    with indexed(VALLEYS) as memory:
        signals = by_title(memory)
    assert signals["Ferry"][0] == 2 * (UNIT // 3) ** 2
    assert {title: bridge for title, (bridge, _, _) in signals.items() if bridge} == {"Ferry": signals["Ferry"][0]}


def test_rare_names_make_more_of_a_bridge() -> None:
    """Of two passages that join two names each, the one whose names stand in fewer others."""
    crowd = [Document(f"The road to Orrin is number {n}.", title=f"Road {n}") for n in range(20)]
    with indexed([*VALLEYS, *crowd, Document("The pass leads from Velden to Orrin.", title="Pass")]) as memory:
        common = by_title(memory)["Pass"][0]
    with indexed([*VALLEYS, Document("The pass leads from Velden to Orrin.", title="Pass")]) as memory:
        assert by_title(memory)["Pass"][0] > common > 0


def test_a_hub_is_named_by_others() -> None:
    """Three others name the lake; that it names itself, in both of its passages, makes it no hub."""
    long = "Lake Sil is deep. " + "It is very cold in the winter and the summer. " * 60 + "Lake Sil is old."
    documents = [
        Document(long, title="Lake Sil"),
        *(Document(f"Pier {n} stands at Lake Sil.", title=f"Pier {n}") for n in range(3)),
        Document("Hermit Vos lives alone. Hermit Vos is happy.", title="Hermit Vos"),
    ]
    with indexed(documents) as memory:
        keys = passage_keys(memory)
        signals = read_signals(memory.store.db, 1, keys)
        named_by = sorted(zip(titles(memory, signals.passage_keys.tolist()), signals.hub.tolist(), strict=True))
    assert len(keys) > len(documents)  # the lake has several passages, and each is a way in
    assert {hub for title, hub in named_by if title == "Lake Sil"} == {3}
    assert {hub for title, hub in named_by if title != "Lake Sil"} == {0}


def test_thin_passages_give_little_hold() -> None:
    """Characters for each name found, and one: the note names nobody, the ferry's sentence two."""
    with indexed(VALLEYS) as memory:
        signals = by_title(memory)
    assert signals["Note"][2] == len(VALLEYS[-1].text)
    assert signals["Ferry"][2] == len(VALLEYS[4].text) / 3
    assert max(signals, key=lambda title: signals[title][2]) == "Note"


def test_value_is_the_sum_of_ranks() -> None:
    """Equals share the mean of their ranks; no unit counts."""
    signals = Signals(np.arange(3), np.array([0, 5, 5]), np.array([9, 0, 0]), np.array([1.0, 2.0, 3e9]))
    assert signals.value.tolist() == [1 + 3 + 1, 2.5 + 1.5 + 2, 2.5 + 1.5 + 3]
    assert ranks(np.array([], dtype=np.int64)).tolist() == []


def test_the_best_come_first() -> None:
    """As many as asked for, all if there are fewer, none for none; equals in order of passage_id.

    Nobody is a hub here. Ranks as bridge: the ferry 6, the others 3. As thin: bells 24 / 2, mill 25 / 2, market 27 / 2 and
    smith 28 / 2 characters a name are ranked 2 to 5, the ferry's 34 / 3 are 1, the note's 70 are 6.
    """
    with indexed(VALLEYS) as memory:
        db, keys = memory.store.db, passage_keys(memory)  # in order of passage_id
        order = choose(db, 1, keys, 6)
        shown = titles(memory, order)
        assert [shown[place] for place in (0, 1, 4, 5)] == ["Note", "Velden smith", "Orrin mill", "Orrin bells"]
        assert {"Ferry", "Velden market"} == set(shown[2:4])  # 6 + 1 and 3 + 4
        assert keys.index(order[2]) < keys.index(order[3])
        assert [choose(db, 1, keys, count) for count in (2, 99, 0, -1)] == [order[:2], order, [], []]


def test_only_what_was_asked_about_is_chosen() -> None:
    """Rows that are gone or another namespace's are left out; others count as what the chosen ones join."""
    with indexed(VALLEYS) as memory:
        db, keys = memory.store.db, passage_keys(memory)
        assert sorted(choose(db, 1, [*keys[:2], 10_000], 5)) == sorted(keys[:2])
        assert choose(db, 2, keys, 5) == []
        assert choose(db, 1, [], 5) == []
        ferry = [key for key in keys if titles(memory, [key]) == ["Ferry"]]
        assert read_signals(db, 1, ferry).bridge.tolist() == [2 * (UNIT // 3) ** 2]


def test_other_namespaces_say_nothing(tmp_path: Path) -> None:
    """The choice in a namespace is that of a store without the others."""
    path = tmp_path / "both.hippo"
    with Memory(path, namespace="other", embedder=HashEmbedder(dimension=16)) as other:
        other.add_many([Document(f"Orrin and Velden, said {n}.", title="Orrin") for n in range(5)])
    with Memory(path, namespace="mine", embedder=HashEmbedder(dimension=16)) as both, indexed(VALLEYS) as alone:
        both.add_many(VALLEYS)
        db, key = both.store.db, both.store.namespace_key("mine")
        assert key is not None
        keys = named.lengths(db, key)[:, 0].tolist()
        expected = choose(alone.store.db, 1, passage_keys(alone), 6)
        assert titles(both, choose(db, key, keys, 6)) == titles(alone, expected)
        assert not set(choose(db, key, range(100), 100)) - set(keys)


NAMES = ["Orrin", "Velden", "Tessaly Vorn", "Lake Sil", "Quill", "Bay Harrow"]


@st.composite
def corpora(draw: st.DrawFn) -> list[Document]:
    """Some passages that name some names under some title, or none."""
    count = draw(st.integers(1, 12))
    drawn = st.lists(st.sampled_from(NAMES), max_size=4)
    return [
        Document(f"Number {n} saw {' with '.join(draw(drawn))} there.", title=draw(st.sampled_from(["", *NAMES])))
        for n in range(count)
    ]


@settings(max_examples=30, deadline=None)
@given(corpora(), st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(documents: list[Document], shuffle: random.Random) -> None:
    """The same passages are chosen in the same order, ties included, whatever rows they got."""

    def chosen(ordered: Sequence[Document]) -> list[str]:
        with indexed(ordered) as memory:
            keys = choose(memory.store.db, 1, passage_keys(memory), 99)
            sql = "SELECT passage_id FROM passages WHERE passage_key = ?"
            return [memory.store.db.execute(sql, (key,)).fetchone()[0] for key in keys]

    other = list(documents)
    shuffle.shuffle(other)
    assert chosen(documents) == chosen(other)


def same(one: Signals, other: Signals) -> None:
    """Equal in all arrays."""
    for name in ("passage_keys", "bridge", "hub", "thin"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_some_passages_have_the_signals_that_they_have_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a memory whose other passages were not asked about."""
    long = "Lake Sil is near Orrin. " + "It is very cold in the winter and the summer. " * 60 + "Lake Sil is old."
    with indexed([*VALLEYS, Document(long, title="Lake Sil"), Document("He saw Lake Sil.", title="Pier")]) as memory:
        db, keys = memory.store.db, passage_keys(memory)
        among_all, some = read_signals(db, 1, keys), keys[::2]
        wanted = np.isin(among_all.passage_keys, some)
        expected = Signals(*(array[wanted] for array in vars(among_all).values()))
        for few in (0, 10**9):
            monkeypatch.setattr(choosing, "_FEW", few)
            same(read_signals(db, 1, some), expected)
    assert expected.hub.max() == 1


@pytest.mark.parametrize("many", [1000, 3])
def test_few_are_counted_name_by_name_with_the_same_result(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One scan of everything and a count for each name agree, also for names that stand in too many passages."""
    monkeypatch.setattr(choosing, "_MANY", many)
    with indexed([*VALLEYS, *(Document(f"Orrin, said {n}.", title="Orrin") for n in range(9))]) as memory:
        db, keys = memory.store.db, passage_keys(memory)
        monkeypatch.setattr(choosing, "_FEW", 0)
        by_name = read_signals(db, 1, keys)
        monkeypatch.setattr(choosing, "_FEW", 10**9)
        by_scan = read_signals(db, 1, keys)
    same(by_name, by_scan)
    # Twelve name Orrin; it is the title of nine, each of which names it itself.
    assert by_scan.hub.max() == min(12, many + 1) - 1


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many passages are read at a time."""
    with toy_memory() as memory:
        db, keys = memory.store.db, passage_keys(memory)
        whole = read_signals(db, 1, keys)
        monkeypatch.setattr(named, "_BLOCK", 3)
        monkeypatch.setattr(blocks, "MANY", 2)
        for few in (0, 10**9):
            monkeypatch.setattr(choosing, "_FEW", few)
            np.testing.assert_array_equal(read_signals(db, 1, keys).value, whole.value)


def test_the_cost_grows_with_the_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block of passages is looked up by its rows: SQLite walks no index of the whole namespace for it."""
    statements: list[str] = []
    with toy_memory() as memory:
        db, keys = memory.store.db, passage_keys(memory)
        monkeypatch.setattr(named, "_BLOCK", 3)
        db.set_trace_callback(statements.append)
        choose(db, 1, keys, 3)
        db.set_trace_callback(None)
        scans = [statement for statement in statements if "BETWEEN" in statement]
        assert len(scans) == 2 * 4  # two passes over ten passages
        plan = [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + scans[0])]
    assert plan[0].startswith("SEARCH passages USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)")


@pytest.mark.parametrize(("share", "passages", "count"), [(1.0, 7, 7), (0.1, 30, 3), (0.29, 100, 29), (0.001, 5, 1)])
def test_a_share_is_rounded_up(share: float, passages: int, count: int) -> None:
    """0.29 · 100 is 28.999999999999996 in floating point, and 29 all the same."""
    assert how_many(share, passages) == count


def test_a_run_and_its_estimate_read_the_same_share() -> None:
    """0.07 · 100 is 7.000000000000001 in floating point: seven are announced and asked about, not eight."""
    documents = [Document(f"Town {n} lies near Velden.", title=f"Town {n}") for n in range(100)]
    with (
        LoopbackServer(lambda messages: '{"entities":[],"triples":[]}') as server,
        LlmExtractor(AsyncOpenAIChat("loopback", server.base_url), share=0.07) as llm,
        Memory(embedder=HashEmbedder(dimension=16), extractor=llm) as memory,
    ):
        memory.add_many(documents)
        assert len(server.requests) == 7
    assert to_read(Counted(passages=100), 0.07) == 7
