"""A search within a filter: what is filtered out is no hit, no seed, no node of the walk and no part of the reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem.answer.trail import Trails
from hippomem.arrays.picture import Picture
from hippomem.graph.pagerank import personalized_pagerank
from hippomem.memory import Memory
from hippomem.retrieve.chains import chain_scores
from hippomem.retrieve.hippomem import HippoMem
from hippomem.retrieve.linking import QueryNames
from hippomem.retrieve.matching import match
from hippomem.retrieve.weights import Weights
from hippomem.retrieve.wording import Wording
from hippomem.store import display
from hippomem.testing.toy import TOY_DOCUMENTS, TOY_FIRST_HOP, TOY_QUESTION, TOY_SECOND_HOP, toy_memory
from hippomem.text.fold import normalise, tokenize
from hippomem.types import Document, SearchResult
from tests.arrays.marked import NAMES, documents, mark, memory_of, name, picture_of, places_of, searching, within

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: Questions name what may be filtered out, by its mark too.
questions = st.one_of(
    st.builds("Who met {} near the boat of {}?".format, name, name),
    st.builds(lambda n, some: f"Did Mr {mark(n).title()} know {some}?", st.integers(0, 8), name),
    st.integers(0, 8).map(mark),
)


def chosen(data: st.DataObject, some: list[Document]) -> set[str]:
    """Sources that a search may see."""
    return data.draw(st.sets(st.sampled_from([str(d.source_id) for d in some])), label="seen")


def told(result: SearchResult) -> str:
    """All that a search says, but for how long it took and what it was asked."""
    return json.dumps([hit.to_dict() for hit in result], ensure_ascii=False, sort_keys=True) + result.note


def hidden(memory: Memory, some: Iterable[Document], seen: set[str]) -> list[str]:
    """Marks and ids of what is filtered out, in small letters."""
    words = [str(d.source_id).removeprefix("source-") for d in some if d.source_id not in seen]
    for record in memory.list():
        if not {source.source_id for source in record.sources} & seen:
            words += [record.memory_id, *record.passage_ids]
    return words


def nodes_seen(memory: Memory, picture: Picture, seen: set[str]) -> set[int]:
    """The nodes of what may be seen, as the store has it: passages, the facts they state, the entities in these."""
    db = memory.store.db
    passages = [int(picture.arrays.passage_key[place]) for place in places_of(memory, seen)]
    among = f"passage_key IN ({','.join(map(str, passages))})"
    facts = [row[0] for row in db.execute(f"SELECT fact_key FROM contributions WHERE {among}")]
    sql = f"SELECT entity_key FROM mentions WHERE fact_key IN (SELECT fact_key FROM contributions WHERE {among})"
    entities = [row[0] for row in db.execute(sql)]
    whole = picture_of(memory)
    return {
        *whole.entity_places(entities).values(),
        *(place + whole.facts_from for place in whole.fact_places(facts).values()),
        *(place + whole.passages_from for place in whole.passage_places(passages).values()),
    }


@given(documents(None, "s1", "s2"), questions, st.integers(1, 12), st.data())
@relaxed
def test_nothing_of_what_is_out_is_found_or_told(
    some: list[Document], question: str, k: int, data: st.DataObject
) -> None:
    """k hits where there are k, all of them allowed, and no id, no word of the others; neither in seeds nor on the walk."""
    seen = chosen(data, some)
    with memory_of(some) as memory:
        picture = within(memory, seen)
        retriever = searching(memory, picture)
        result = retriever.search(question, k=k)
        assert len(result) == len({hit.passage_id for hit in result}) == min(k, len(seen))
        assert {source for hit in result for source in hit.source_ids} <= seen
        trail = Trails(memory.store, picture, memory._embedder).find(result)
        steps = json.dumps(trail.to_dict()["steps"], ensure_ascii=False)
        for word in hidden(memory, some, seen):
            assert word not in told(result).lower()
            assert word not in steps.lower()
        if not seen:
            return
        matched = match(
            picture, Weights(), QueryNames.of(question), memory._embedder.embed([question], role="query")[0]
        )
        chains = chain_scores(picture, matched)
        assert {*matched.passages.tolist(), *chains.every.places.tolist()} <= set(picture.passages.tolist())
        nodes = nodes_seen(memory, picture, seen)
        seeds = retriever.seeds(question)
        assert set(seeds.places.tolist()) <= nodes
        walked = picture.network.walk(seeds.places, seeds.values, retriever._steps, tolerance=1e-9)
        assert set(walked.nodes.tolist()) <= nodes


@given(documents(None, "s1"), questions, st.data())
@relaxed
def test_every_name_and_fact_is_told_in_words_that_are_in(
    some: list[Document], question: str, data: st.DataObject
) -> None:
    """Seeds, facts and paths are spelled as an allowed passage spells them, and every passage they quote is allowed."""
    seen = chosen(data, some)
    with memory_of(some) as memory:
        result = searching(memory, within(memory, seen)).search(question, k=10)
        said = [text for d in some if d.source_id in seen for text in (d.text, d.title)]
        sql = "SELECT statement FROM contributions WHERE passage_key = ? AND statement NOT NULL"
        rows = [int(picture_of(memory).arrays.passage_key[place]) for place in places_of(memory, seen)]
        triples = [json.loads(row[0]) for key in rows for row in memory.store.db.execute(sql, (key,))]
        said += [" — ".join(words) for words in triples]
        ids = {hit.passage_id for hit in searching(memory, within(memory, seen)).search(question, k=len(some))}
        for hit in result:
            assert hit.why is not None
            texts = [seed.name for seed in hit.why.seeds] + [fact.text for fact in hit.why.facts]
            for text in texts + [step.text for step in hit.why.path]:
                assert text.endswith("…") or any(text in whole for whole in said), text
            assert {fact.passage_id for fact in hit.why.facts} <= ids
            assert {step.passage_id for step in hit.why.path} - {None} <= ids


@given(documents(None, "s1", "s2"), questions)
@relaxed
def test_a_filter_that_leaves_all_changes_nothing(some: list[Document], question: str) -> None:
    """Hits, scores and reasons are those without a filter, byte by byte."""
    with memory_of(some) as memory:
        every = within(memory, (str(d.source_id) for d in some))
        assert told(searching(memory, every).search(question)) == told(memory.search(question))


@given(documents(None, "s1"), questions, st.data())
@relaxed
def test_its_walk_is_pagerank_on_what_is_left(some: list[Document], question: str, data: st.DataObject) -> None:
    """Power iteration on the matrix of the filtered network gives the same activation; nothing leads to what is out."""
    seen = chosen(data, some)
    with memory_of(some) as memory:
        picture = within(memory, seen)
        if picture.is_empty:
            return
        retriever = searching(memory, picture)
        seeds, network = retriever.seeds(question), picture.network
        matrix = network.transition(retriever._steps)
        nodes = nodes_seen(memory, picture, seen)
        assert set(matrix.nonzero()[1].tolist()) <= nodes
        reset = np.zeros(len(network))
        reset[seeds.places] = seeds.values
        exact = personalized_pagerank(matrix, reset, tol=1e-14, max_iter=1000)
        walked = network.walk(seeds.places, seeds.values, retriever._steps, tolerance=1e-9).inside(0)
        assert set(np.flatnonzero(exact).tolist()) <= nodes
        assert walked.at(np.arange(len(network))) == pytest.approx(exact, abs=1e-5)


@given(documents(None), st.data())
@relaxed
def test_it_reaches_what_a_store_of_these_alone_reaches(some: list[Document], data: st.DataObject) -> None:
    """From the same passage the walk reaches the same entities, facts and passages; how much each gets goes by idf."""
    seen = chosen(data, some)
    kept = [d for d in some if d.source_id in seen]
    with memory_of(some) as memory, memory_of(kept) as alone:
        for start in sorted(seen):
            reached = []
            for of, picture in ((memory, within(memory, seen)), (alone, picture_of(alone))):
                begin, a = places_of(of, [start]) + picture.passages_from, picture.arrays
                steps = searching(of, picture)._steps
                walked = picture.network.walk(begin, np.ones(len(begin)), steps, tolerance=1e-11)
                reached.append(
                    {
                        (first, int(order[node - first]))
                        for first, last, order in (
                            (0, picture.facts_from, a.entity_hash),
                            (picture.facts_from, picture.passages_from, a.fact_order),
                            (picture.passages_from, len(picture.network), a.passage_order),
                        )
                        for node in walked.nodes.tolist()
                        if first <= node < last
                    }
                )
            assert {order for _, order in reached[0]} == {order for _, order in reached[1]}


@pytest.fixture(scope="module")
def toy() -> Iterator[Memory]:
    """The toy memory, read only."""
    with toy_memory() as memory:
        yield memory


def test_the_second_hop_needs_the_first(toy: Memory) -> None:
    """Without the passage that joins them, the maker's passage is reached by no path; with it, by one over the maker."""
    every = {str(d.source_id) for d in TOY_DOCUMENTS}
    for seen, joined in ((every, True), ({TOY_FIRST_HOP, TOY_SECOND_HOP}, True), (every - {TOY_FIRST_HOP}, False)):
        found = {h.source_ids[0]: h for h in searching(toy, within(toy, seen)).search(TOY_QUESTION, k=10)}
        why = found[TOY_SECOND_HOP].why
        assert why is not None
        assert ("Tessaly Vorn" in [step.text for step in why.path]) == joined
        assert (TOY_FIRST_HOP in found) == (TOY_FIRST_HOP in seen)
        assert len(found) == len(seen)


def test_nothing_is_allowed(toy: Memory) -> None:
    """No hit, and no error."""
    assert not searching(toy, within(toy, [])).search(TOY_QUESTION)


def test_a_shared_sentence_is_quoted_from_what_is_in() -> None:
    """Two passages state one fact: its home is the first that is allowed, never the first of all."""
    shared = f"once {NAMES[0]} met {NAMES[1]}."
    some = [Document(f"{shared} {mark(n)} went.", title="Log", source_id=f"source-{mark(n)}") for n in range(4)]
    with memory_of(some) as memory:
        for out in range(4):
            seen = {str(d.source_id) for n, d in enumerate(some) if n != out}
            result = searching(memory, within(memory, seen)).search(f"Whom did {NAMES[0]} meet?")
            assert len(result) == 3
            assert not [word for word in hidden(memory, some, seen) if word in told(result)]


def test_names_and_triples_are_spelled_as_what_is_in_spells_them() -> None:
    """A name in capitals is out: the spelling left is shown. A triple that two state is told as the one left states it."""
    some = [Document("once OWEN GLASS was heard, or OWEN GLASS slept.", source_id=f"loud{n}") for n in range(3)]
    some += [Document("once Owen Glass slept.", source_id="calm"), Document("São Paulo.", source_id="a")]
    some += [Document("São Paulo!", source_id="b")]
    with memory_of(some) as memory:
        db = memory.store.db
        (owen,) = db.execute("SELECT entity_key FROM entities WHERE key = 'owen glass'").fetchone()
        (paulo,) = db.execute("SELECT fact_key FROM facts WHERE kind = 'triple' AND subject = 'são paulo'").fetchone()
        (lands,) = db.execute("SELECT entity_key FROM entities WHERE key = 'new lands'").fetchone()
        assert display.entity_name(db, owen) == "OWEN GLASS"
        assert display.entity_name(db, owen, within(memory, ["calm", "a"]).visible) == "Owen Glass"
        assert display.entity_name(db, owen, within(memory, ["loud0"]).visible) == "OWEN GLASS"
        for seen, said in (("a", "São Paulo — near — New Lands"), ("b", "SÃO PAULO — NEAR — NEW LANDS")):
            visible = within(memory, [seen]).visible
            assert display.fact_statement(db, paulo, visible) == said
            assert str(display.fact_triple(db, paulo, visible).object) == said.split(" — ")[2]
            assert display.entity_name(db, lands, visible) == said.split(" — ")[2]


def test_turns_that_are_out_lend_nothing() -> None:
    """The turn that holds the word is out: no turn of its session counts it, nor its length. The one between is out: what
    it would have got is nowhere, and the turn behind it gets what two steps lend.
    """
    turns = ["what do the goats eat?", "oats, mostly.", "nice weather."]
    some = [Document(t, source_id=str(n), session="s1", position=n) for n, t in enumerate(turns)]
    with memory_of(some, triples=False) as memory:

        def shares(seen: Iterable[str]) -> tuple[dict[str, float], dict[str, int]]:
            picture = within(memory, seen)
            of = Wording(picture)
            touched, found = of.share(of.query(tokenize(normalise("goats"))), 10)
            places = {source: int(places_of(memory, [source])[0]) for source in "012"}
            assert set(touched.tolist()) <= set(picture.passages.tolist())
            lengths = {source: int(picture.arrays.spread_length[place]) for source, place in places.items()}
            return {source: float(found[place]) for source, place in places.items()}, lengths

        all_shares, all_lengths = shares("012")
        assert all(all_shares[source] > 0 for source in "012")
        own = {source: int(picture_of(memory).arrays.length[places_of(memory, [source])[0]]) for source in "012"}
        none, lengths = shares("12")
        assert none == {"0": 0.0, "1": 0.0, "2": 0.0}
        assert lengths == {"0": 0, "1": 40 * own["1"] + (10 + 4) * own["2"], "2": 40 * own["2"] + (20 + 4) * own["1"]}
        around, lengths = shares("02")
        assert around["1"] == 0.0
        assert around["0"] > around["2"] > 0
        assert lengths["2"] == 40 * own["2"] + (10 + 4) * own["0"]
        assert all_lengths["2"] == lengths["2"] + (20 + 4) * own["1"]


def test_variants_stay_within(toy: Memory) -> None:
    """Another set of weights, or no shortcut, over the same filter."""
    retriever = searching(toy, within(toy, [TOY_FIRST_HOP]))
    for other in (retriever.variant(retriever._w.without("walk")), retriever.exact()):
        assert isinstance(other, HippoMem)
        assert [hit.source_ids for hit in other.search(TOY_QUESTION)] == [(TOY_FIRST_HOP,)]
