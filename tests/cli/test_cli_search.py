"""``hippomem search``: hits, reasons, and the corners of a query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_json_has_the_contracted_fields(run: Run, harbour: Path) -> None:
    """A hit has its ids, text, score, rank, sources and reasons."""
    found = run("search", "What does the captain of the Petrel play?", "--store", harbour, "--json").json
    assert set(found) == {"query", "retriever", "note", "seconds", "hits"}
    assert set(found["hits"][0]) == {
        "passage_id", "memory_id", "text", "title", "score", "rank", "source_ids", "occurred_at", "why",
        "recorded_at", "sources", "superseded_by",
    }  # fmt: skip
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert found["hits"][0]["why"]["seeds"]


def test_why_shows_seeds_and_a_chain(run: Run, harbour: Path) -> None:
    """--why draws the path to a passage; without it a person sees the passages only."""
    plain = run("search", "Who commands the RV Petrel?", "--store", harbour)
    told = run("search", "Who commands the RV Petrel?", "--store", harbour, "--why")
    assert "▸" not in plain.out
    assert "seeds" in told.out
    assert "▸ RV Petrel (passage)" in told.out


def test_the_store_may_come_from_the_environment(run: Run, harbour: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HIPPOMEM_STORE stands for --store."""
    monkeypatch.setenv("HIPPOMEM_STORE", str(harbour))
    assert run("search", "cake", "--k", "1", "--json").json["hits"][0]["source_ids"] == ["cake"]


def test_k_larger_than_the_store_gives_what_there_is(run: Run, harbour: Path) -> None:
    """Asking for a thousand of three gives three."""
    assert len(run("search", "cake", "--store", harbour, "--k", "1000", "--json").json["hits"]) == 3


@pytest.mark.parametrize("k", ["0", "-3"])
def test_k_below_one_is_code_6(run: Run, harbour: Path, k: str) -> None:
    """Asking for nothing is an error that says what to ask for."""
    ran = run("search", "cake", "--store", harbour, "--k", k)
    assert (ran.code, "k >= 1" in ran.err, ran.out) == (6, True, "")


@pytest.mark.parametrize("query", ["", " ", "\n\t"])
def test_an_empty_query_is_code_3(run: Run, harbour: Path, query: str) -> None:
    """A query without a word is an error, not an empty answer."""
    ran = run("search", query, "--store", harbour)
    assert (ran.code, "query is empty" in ran.err) == (3, True)


@pytest.mark.parametrize("query", ["तितली कहाँ है?", "???", "🦋"])
@pytest.mark.parametrize("retriever", ["hippomem", "hipporag1", "hipporag2", "dense", "bm25"])
def test_a_query_of_strange_letters_is_answered(run: Run, harbour: Path, query: str, retriever: str) -> None:
    """A script that the corpus lacks is no error."""
    ran = run("search", query, "--store", harbour, "--retriever", retriever, "--why")
    assert (ran.code, ran.err) == (0, "")


def test_bytes_that_are_not_utf8_are_code_3(run: Run, harbour: Path) -> None:
    """A query that the shell could not decode is refused with a reason."""
    ran = run("search", "caf\udce9", "--store", harbour)
    assert (ran.code, "not UTF-8" in ran.err) == (3, True)


def test_an_unknown_retriever_is_code_2(run: Run, harbour: Path) -> None:
    """A retriever that does not exist is a usage error that lists those that do."""
    ran = run("search", "cake", "--store", harbour, "--retriever", "oracle")
    assert (ran.code, "hipporag2" in ran.err) == (2, True)


def test_another_namespace_is_empty(run: Run, harbour: Path) -> None:
    """Memories of one namespace are never seen from another."""
    ran = run("search", "cake", "--store", harbour, "--namespace", "other")
    assert (ran.code, "nothing is stored" in ran.out) == (0, True)
    assert run("search", "cake", "--store", harbour, "--namespace", "other", "--json").json["hits"] == []


def test_json_and_people_see_the_same_order(run: Run, harbour: Path) -> None:
    """Both outputs rank alike."""
    query = ("search", "Which instrument does Ilse Varnholt play?", "--store", harbour)
    titles = [hit["title"] for hit in run(*query, "--json").json["hits"]]
    said = run(*query).out
    assert sorted(titles, key=said.index) == titles
