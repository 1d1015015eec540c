"""What is put in comes out: any Unicode text, all sources, each namespace its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem.errors import EmptyTextError, InputError, NotFoundError
from hippomem.memory import Memory
from hippomem.retrieve import RETRIEVERS
from hippomem.testing import HashEmbedder
from hippomem.types import Document

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: Everything that UTF-8 can hold, but for NUL, which SQLite's text functions stop at.
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
with_text = any_text.filter(lambda text: bool(text.strip()))


def memory() -> Memory:
    """An empty memory."""
    return Memory(":memory:", embedder=HashEmbedder(dimension=16))


@given(with_text, any_text, any_text)
@relaxed
def test_any_unicode_text_comes_back(text: str, title: str, source_id: str) -> None:
    """Text, title and source id come back character by character, by get and as a hit."""
    with memory() as of:
        record = of.get(of.add(text, title=title, source_id=source_id, metadata={"note": title}))
        assert (record.text, record.title) == (text, title)
        assert record.sources[0].source_id == source_id
        assert dict(record.sources[0].metadata) == {"note": title}
        hit = of.search("anything", retriever="dense")[0]
        assert (hit.text, hit.title, hit.source_ids) == (text, title, (source_id,))


@given(with_text)
@settings(parent=relaxed, max_examples=15)
def test_passages_of_a_long_text_are_the_text(text: str) -> None:
    """A text that is cut into passages is all there: the hits of a search for everything, put in order, are the text."""
    long = (text + ". ") * (3000 // (len(text) + 2) + 1)
    with memory() as of:
        record = of.get(of.add(long))
        by_id = {hit.passage_id: hit.text for hit in of.search("anything", k=10_000, retriever="dense", explain=False)}
        assert "".join(by_id[passage_id] for passage_id in record.passage_ids) == long


def test_every_field_comes_back() -> None:
    """A memory keeps where it came from; a datetime is stored as ISO 8601."""
    with memory() as of:
        memory_id = of.add(
            "We met.",
            title="Ada",
            source_id="s",
            kind="episodic",
            occurred_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            user="u",
            agent="a",
            session="s1",
            speaker="Ada",
            position=7,
            metadata={"b": [1, None, {"c": "é"}], "a": 0.5},
        )
        record = of.get(memory_id)
        source = record.sources[0]
        assert record.occurred_at == "2026-01-02T03:04:05+00:00"
        assert (source.source_id, source.kind, source.user, source.agent) == ("s", "episodic", "u", "a")
        assert (source.session, source.speaker, source.position) == ("s1", "Ada", 7)
        assert source.metadata == {"b": [1, None, {"c": "é"}], "a": 0.5}
        assert record.states == ("ready",)
        assert record.to_dict()["sources"][0]["metadata"]["b"] == [1, None, {"c": "é"}]


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0\u2003"])
def test_a_text_without_a_character_is_refused(text: str) -> None:
    """There is nothing to remember in white space of any kind."""
    with memory() as of:
        with pytest.raises(EmptyTextError):
            of.add(text)
        assert of.stats().memories == 0


@pytest.mark.parametrize(
    "document",
    [
        Document("a\x00b"),
        Document("a", title="\x00"),
        Document("a\ud800b"),
        Document("a", title="\udfff"),
        Document("a", source_id="\ud800"),
        Document("a", session="\ud800"),
        Document("a", speaker="\ud800"),
        Document("a", user="\ud800"),
        Document("a", agent="\ud800"),
        Document("a", occurred_at="\ud800"),
        Document("a", metadata={"note": ["\ud800"]}),
        Document("a", metadata={"note": object()}),
        Document("a", metadata={"note": float("nan")}),
        Document("a", metadata={1: "a", "b": 2}),  # type: ignore[dict-item]
        Document("a", occurred_at="yesterday"),
        Document("a", kind="dreamt"),  # type: ignore[arg-type]
        Document("a", position="third"),  # type: ignore[arg-type]
    ],
    ids=lambda d: repr(d)[9:60],
)
def test_what_cannot_be_stored_is_an_input_error(document: Document) -> None:
    """Lone surrogates, NUL, and values that are no JSON are the caller's to mend; what came before stays."""
    with memory() as of:
        of.add("Ada lives in Rome.")
        with pytest.raises(InputError):
            of.add_many([document])
        assert of.stats().memories == 1


def test_a_date_that_is_none_is_an_input_error() -> None:
    """A time must say year, month and day."""
    with memory() as of, pytest.raises(InputError, match="is no date"):
        of.add("We met.", occurred_at="yesterday")


def test_a_duplicate_is_one_memory_with_both_sources() -> None:
    """Equal namespace, title, text and time: one memory, one passage, and nothing of either source is lost."""
    with memory() as of:
        report = of.add_many(
            [
                Document("Ada lives in Rome.", title="Ada", source_id="a", metadata={"from": "web"}),
                Document("Ada lives in Rome.", title="Ada", source_id="b", metadata={"from": "mail"}, user="u"),
                Document("Ada lives in Rome.", title="Ada", source_id="a", metadata={"from": "web"}),
            ]
        )
        assert (report.added, report.duplicates, len(set(report.memory_ids))) == (1, 2, 1)
        record = of.get(report.memory_ids[0])
        assert {(s.source_id, s.user, s.metadata["from"]) for s in record.sources} == {
            ("a", None, "web"),
            ("b", "u", "mail"),
        }
        assert of.stats().passages == 1
        assert of.search("Ada")[0].source_ids == ("a", "b")
        assert of.get("a") == of.get("b") == record


@pytest.mark.parametrize(
    "other",
    [
        Document("See you tomorrow!", title="Ada", occurred_at="2026-01-02"),
        Document("See you tomorrow!", title="Bob", occurred_at="2026-01-01"),
        Document("See you tomorrow.", title="Ada", occurred_at="2026-01-01"),
        Document("See you tomorrow!", title="Ada"),
    ],
)
def test_another_day_title_or_text_is_another_memory(other: Document) -> None:
    """Two equal turns on two days are two memories, both found."""
    with memory() as of:
        first = Document("See you tomorrow!", title="Ada", occurred_at="2026-01-01")
        report = of.add_many([first, other])
        assert report.added == 2
        assert len({hit.memory_id for hit in of.search("See you tomorrow", retriever="dense")}) == 2


def test_namespaces_never_see_each_other(tmp_path: Path) -> None:
    """The same text of two tenants is two memories; search, get, list, stats and forget stay inside one."""
    path, embedder = tmp_path / "a.hippo", HashEmbedder(dimension=16)
    with (
        Memory(path, embedder=embedder, namespace="ada") as one,
        Memory(path, embedder=embedder, namespace="bob") as two,
    ):
        mine, theirs = one.add("Ada lives in Rome.", source_id="s"), two.add("Ada lives in Rome.", source_id="s")
        private = two.add("Bob's secret is Zanzibar.", title="Secret")
        assert mine != theirs
        for name in RETRIEVERS:
            result = one.search("What is Bob's secret about Ada?", k=50, retriever=name)
            assert [hit.memory_id for hit in result] == [mine]
            assert "Zanzibar" not in str(result)
        for hidden in (theirs, private, two.get(private).passage_ids[0]):
            for call in (one.get, one.forget, one.update):
                with pytest.raises(NotFoundError):
                    call(hidden)
        assert [record.memory_id for record in one.list()] == [mine]
        assert one.get("s").memory_id == mine
        assert (one.stats().memories, two.stats().memories) == (1, 2)
        assert one.stats().entities < two.stats().entities
        one.forget(mine)
        assert [hit.memory_id for hit in two.search("Ada", retriever="bm25")] == [theirs]


def test_another_namespace_changes_no_ranking(tmp_path: Path) -> None:
    """Document frequencies, gazetteer and graph are per namespace: a neighbour's memories leave every score as it was."""
    texts = ["Ada lives in Rome.", "Rome lies on the Tiber.", "the tiber is long"]
    path, embedder = tmp_path / "a.hippo", HashEmbedder(dimension=16)
    with memory() as alone, Memory(path, embedder=embedder) as shared:
        with Memory(path, embedder=embedder, namespace="bob") as other:
            other.add_many(["Tiber Rome Ada", "The Tiber is Long", "Rome"])
            shared.add_many(texts)
            other.add("Ada in Rome and Ada on the Tiber")
        alone.add_many(texts)
        ours = [line for line in shared.export().splitlines() if '"namespace": "bob"' not in line]
        assert ours == alone.export().splitlines()
        for name in RETRIEVERS:
            found = [(hit.passage_id, hit.score) for hit in shared.search("Where does Ada live?", retriever=name)]
            assert found == [
                (hit.passage_id, hit.score) for hit in alone.search("Where does Ada live?", retriever=name)
            ]


def test_unknown_ids_are_not_found() -> None:
    """An id that is none says so, for get, forget and update, in an empty store too."""
    with memory() as of:
        for call in (of.get, of.forget, of.update):
            with pytest.raises(NotFoundError, match="m-nothing"):
                call("m-nothing")


def test_update_keeps_the_id_and_the_sources() -> None:
    """An updated memory is the same memory: id and sources stay, the old text is found no longer."""
    with memory() as of:
        memory_id = of.add("Ada lives in Rome.", source_id="s", occurred_at="2026-01-01")
        record = of.update(memory_id, "Ada lives in Oslo.", title="Ada")
        assert (record.memory_id, record.text, record.title, record.occurred_at) == (
            memory_id,
            "Ada lives in Oslo.",
            "Ada",
            "2026-01-01",
        )
        assert [source.source_id for source in record.sources] == ["s"]
        assert len(of.search("Rome", retriever="bm25")) == 0
        assert of.search("Oslo", retriever="bm25")[0].memory_id == memory_id
        again = of.add("Ada lives in Rome.", occurred_at="2026-01-01")
        assert again != memory_id
        with pytest.raises(InputError, match="exactly this content"):
            of.update(again, "Ada lives in Oslo.", title="Ada")
        assert of.get(again).text == "Ada lives in Rome."
        with pytest.raises(EmptyTextError):
            of.update(again, " ")


def test_more_hits_than_a_statement_takes_values() -> None:
    """A search for everything in a store of 1,200 memories names each of them, with its source."""
    with Memory(embedder=HashEmbedder(dimension=8)) as memory:
        memory.add_many(Document(f"note {n}", source_id=f"s{n}") for n in range(1200))
        found = memory.search("note", k=5000, retriever="dense", explain=False)
        assert sorted(hit.source_ids for hit in found) == sorted((f"s{n}",) for n in range(1200))
