"""What every command does with a store that is not as it should be, and what stats and export say of one that is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import pytest

Run = Callable[..., Any]

READERS = [
    ["search", "q"],
    ["get", "x"],
    ["forget", "x"],
    ["update", "x", "--title", "t"],
    ["list"],
    ["stats"],
    ["check"],
]
ALL = [*READERS, ["export", "--out", "out.graphml"], ["add", "text"]]
ids = " ".join


@pytest.mark.parametrize("command", [*READERS, ["export", "--out", "out.graphml"]], ids=ids)
def test_a_missing_store_is_code_4_and_is_not_made(run: Run, store: Path, command: list[str]) -> None:
    """A command that only reads or removes does not create a store."""
    ran = run(*command, "--store", store)
    assert (ran.code, str(store) in ran.err, store.exists()) == (4, True, False)


@pytest.mark.parametrize("command", ALL, ids=ids)
def test_a_file_that_is_no_store_is_code_4_and_stays(run: Run, store: Path, command: list[str]) -> None:
    """Another file under that name is refused and not touched."""
    store.write_bytes(b"Dear diary, " * 100)
    assert run(*command, "--store", store).code == 4
    assert store.read_bytes() == b"Dear diary, " * 100


@pytest.mark.parametrize("command", ALL, ids=ids)
def test_another_programs_database_is_code_4(run: Run, store: Path, command: list[str]) -> None:
    """An SQLite file of someone else is refused and not touched."""
    db = sqlite3.connect(store)
    db.execute("CREATE TABLE theirs (x)")
    db.commit()
    db.close()
    before = store.read_bytes()
    assert run(*command, "--store", store).code == 4
    assert store.read_bytes() == before


@pytest.mark.parametrize("command", ALL, ids=ids)
def test_a_newer_schema_is_code_4(run: Run, harbour: Path, command: list[str]) -> None:
    """A store of a later hippomem is refused with the advice to update."""
    db = sqlite3.connect(harbour)
    db.execute("INSERT INTO migrations VALUES (999, 'future', '')")
    db.commit()
    db.close()
    ran = run(*command, "--store", harbour)
    assert (ran.code, "update hippomem" in ran.err) == (4, True)


@pytest.mark.parametrize("command", [["search", "q"], ["add", "text"], ["update", "cake", "--title", "t"]], ids=ids)
def test_another_embedding_model_is_code_4(run: Run, harbour: Path, command: list[str]) -> None:
    """A command that embeds refuses a store of another model and names both."""
    ran = run(*command, "--store", harbour, "--embedder", "other")
    assert (ran.code, "other" in ran.err, "hash" in ran.err) == (4, True, True)


def test_commands_that_embed_nothing_need_no_model(run: Run, harbour: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """stats, list, get, forget and export work where the store's model is not installed."""

    def load(spec: object = None) -> object:
        assert not isinstance(spec, str | None), "a model was loaded"
        return spec

    monkeypatch.setattr("hippomem.memory.memory.load_embedder", load)
    out = harbour.with_name("g.graphml")
    for command in (["stats"], ["list"], ["get", "cake"], ["forget", "cake"], ["export", "--out", str(out)]):
        assert run(*command, "--store", harbour).code == 0


def test_stats_count(run: Run, harbour: Path) -> None:
    """Stats --json has the contracted counts; for people the same numbers."""
    counted = run("stats", "--store", harbour, "--json").json
    assert {"passages", "entities", "facts", "failed", "pending"} <= set(counted)
    assert (counted["passages"], counted["failed"], counted["pending"]) == (3, 0, 0)
    assert str(counted["entities"]) in run("stats", "--store", harbour).out


def test_graphml_holds_the_graph(run: Run, harbour: Path, tmp_path: Path) -> None:
    """Networkx reads the export back: three kinds of labelled nodes, weighted edges of known kinds."""
    out = tmp_path / "graph.graphml"
    said = run("export", "--store", harbour, "--out", out, "--json").json
    graph = networkx.read_graphml(out)
    assert (said["nodes"], said["edges"]) == (graph.number_of_nodes(), graph.number_of_edges())
    assert {data["kind"] for _, data in graph.nodes(data=True)} == {"entity", "fact", "passage"}
    assert all(data["label"] for _, data in graph.nodes(data=True))
    assert {data["kind"] for *_, data in graph.edges(data=True)} <= {"mention", "contribution", "synonym", "neighbour"}
    assert all(data["weight"] > 0 for *_, data in graph.edges(data=True))
    labels = {data["label"] for _, data in graph.nodes(data=True) if data["kind"] == "entity"}
    assert "Ilse Varnholt" in labels


@pytest.mark.parametrize("kind", ["graphml", "jsonl"])
def test_an_export_does_not_depend_on_history(run: Run, tmp_path: Path, kind: str) -> None:
    """Two stores that remember the same, in another order and after forgetting, export the same bytes."""
    texts = ["Ada Lovelace met Mary Somerville.", "Mary Somerville taught Ada.", "In Rome Mary Somerville wrote."]
    exports = []
    for name, order in (("a", texts), ("b", ["Gone with Ada tomorrow.", *reversed(texts)])):
        for text in order:
            run("add", text, "--store", tmp_path / name, "--source-id", text[:4])
        run("forget", "Gone", "--store", tmp_path / name)
        out = tmp_path / f"{name}.{kind}"
        assert run("export", "--store", tmp_path / name, "--out", out, "--format", kind).code == 0
        exports.append(out.read_bytes())
    assert exports[0] == exports[1] != b""


def test_graphml_survives_characters_that_xml_lacks(run: Run, store: Path, tmp_path: Path) -> None:
    """A control character in a text does not make a file that no program reads."""
    run("add", "Bell\x07 and \x1b escape; \ufffe too.", "--store", store, "--title", "A\x01B")
    out = tmp_path / "graph.graphml"
    assert run("export", "--store", store, "--out", out).code == 0
    assert networkx.read_graphml(out).number_of_nodes() >= 2


def test_an_export_that_cannot_be_written_is_code_2(run: Run, harbour: Path, tmp_path: Path) -> None:
    """A folder that does not exist is said plainly."""
    ran = run("export", "--store", harbour, "--out", tmp_path / "no" / "where.graphml")
    assert (ran.code, "cannot be written" in ran.err) == (2, True)
