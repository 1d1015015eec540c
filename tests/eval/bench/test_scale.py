"""``python -m eval bench scale``: real runs at small size, phase by phase in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.bench.scale.command import Measured, ratios
from eval.bench.scale.corpus import Corpus
from eval.bench.scale.encoder import ClusteredEmbedder
from eval.bench.scale.order import Order, run_phase
from eval.bench.scale.phase import Bench, exact
from hippomem.errors import ConfigError, HippomemError
from hippomem.graph.sparse import Sparse
from hippomem.graph.walk import Walked
from hippomem.memory import Memory
from hippomem.retrieve.hippomem import HippoMem

Scale = Callable[..., int]


@pytest.fixture
def scale() -> Scale:
    """``scale(...)`` is ``python -m eval bench scale ...``; returns the exit code."""
    return lambda *words: main(["bench", "scale", *map(str, words)])


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 60 generated passages, and the figures of its indexing beside it."""
    file = tmp_path_factory.mktemp("scale") / "small.hippo"
    Measured(file, 60, 0, 60.0).indexed(kept=True)
    return file


def order(store: Path, phase: Any, count: int = 0, patience: float = 60.0) -> Order:
    """An order over the store of 60 passages."""
    return Order(phase, str(store), 60, 0, count, patience)


def test_a_run_measures_every_phase_against_a_smaller_store(
    scale: Scale, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """300 passages, with 100 beside them; the JSON holds what the tables show, and names no folder."""
    out = tmp_path / "out.json"
    options = ("--queries", 6, "--exact", 3, "--adds", 4, "--reference", 100, "--json", out)
    assert scale("--passages", 300, *options) == 0
    text = out.read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["index"]["added"] == 300
    assert {"store", "extract", "embed", "synonyms", "close", "total"} <= set(report["index"]["seconds"])
    assert report["index"]["encoder_texts"] > 300 * 4  # passages, three sentences each, and names
    assert report["query"]["counts"]["passages"] == 300
    assert report["query"]["counts"]["facts"] == 900
    assert report["files"]["store"] > 100_000
    assert len(report["open"]) == 3
    assert "encode" not in report["query"]["plain"]
    assert "explain" in report["query"]["explained"]
    assert "explain" not in report["query"]["plain"]
    assert report["query"]["questions"] == 6
    assert report["exact"]["questions"] == 3
    assert report["exact"]["overlap_at_10"] > 0.9
    assert (report["change"]["added"], report["reference"]["change"]["added"]) == (4, 4)
    assert report["ratio"]["add"] == pytest.approx(
        report["change"]["add"]["p50"] / report["reference"]["change"]["add"]["p50"]
    )
    for phase in ("index", "query", "exact", "change"):
        assert report[phase]["peak_bytes"] > report[phase]["before_bytes"] > 10_000_000
    assert str(tmp_path) not in text
    shown = capsys.readouterr().out
    for line in ("passages/s", "peak, query", "total, with reasons", "search right after an add, p50", "of the exact"):
        assert line in shown


def test_a_kept_store_is_indexed_once(indexed: Path) -> None:
    """A later run takes the figures of its indexing from the record, and leaves the file as it is."""
    bytes_before = indexed.read_bytes()
    again = Measured(indexed, 60, 0, 60.0)
    figures = again.indexed(kept=True)
    assert figures["added"] == 60
    assert figures == json.loads(again.record.read_text(encoding="utf-8"))["index"]
    assert indexed.read_bytes() == bytes_before
    assert set(again.files()) == {"store"}


def test_a_store_of_another_make_is_refused(indexed: Path, tmp_path: Path) -> None:
    """Another size, a store that the benchmark did not finish, a store that is gone, a folder that is not there."""
    with pytest.raises(ConfigError, match=r"'passages': 60.*'passages': 61"):
        Measured(indexed, 61, 0, 60.0).indexed(kept=True)
    stranger = tmp_path / "other.hippo"
    stranger.write_bytes(b"")
    with pytest.raises(ConfigError, match="no store that this benchmark finished"):
        Measured(stranger, 60, 0, 60.0).indexed(kept=True)
    gone = tmp_path / "gone.hippo"
    (tmp_path / "gone.hippo.bench.json").write_bytes(indexed.with_name("small.hippo.bench.json").read_bytes())
    with pytest.raises(ConfigError, match="is gone"):
        Measured(gone, 60, 0, 60.0).indexed(kept=True)
    assert main(["bench", "scale", "--passages", "60", "--store", str(tmp_path / "none" / "s.hippo")]) == 2


def test_files_beside_the_store_are_counted(tmp_path: Path) -> None:
    """Those that begin with its name, folders as a whole; not the record of the benchmark."""
    for name, size in (("s.hippo", 5), ("s.hippo-wal", 7), ("s.hippo.bench.json", 9), ("other", 11)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "s.hippo.arrays" / "deep").mkdir(parents=True)
    (tmp_path / "s.hippo.arrays" / "a").write_bytes(b"x" * 2)
    (tmp_path / "s.hippo.arrays" / "deep" / "b").write_bytes(b"x" * 3)
    assert Measured(tmp_path / "s.hippo", 60, 0, 60.0).files() == {"store": 5, "store-wal": 7, "store.arrays": 5}


def test_what_a_killed_run_added_is_forgotten_first(indexed: Path) -> None:
    """So that the same passages can be added, and measured, again; at the end the store is as it was."""
    corpus = Corpus(60)
    with Memory(indexed, embedder=ClusteredEmbedder(), create=False) as memory:
        before = memory.export()
        memory.add_many(corpus.documents(60, 62))
    assert run_phase(order(indexed, "change", 3))["added"] == 3
    with Memory(indexed, embedder=ClusteredEmbedder(), create=False) as memory:
        assert memory.export() == before


def test_patience_ends_a_phase_and_is_told(indexed: Path) -> None:
    """Fewer adds than asked for, at least one."""
    figures = run_phase(order(indexed, "change", 50, patience=1e-6))
    assert figures["added"] == 1


def test_a_phase_that_fails_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its own error is shown; nothing is reported in its place."""
    with pytest.raises(HippomemError, match="'query' ended with exit code 1"):
        run_phase(order(tmp_path / "missing.hippo", "query", 1))
    assert "StoreMissingError" in capfd.readouterr().err


def test_overlap_falls_when_the_search_is_not_the_exact_one(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a walk that goes nowhere, the measure is well below what the real one gets."""
    real = exact(order(indexed, "exact", 10))
    assert real["overlap_at_10"] > 0.9
    walk = HippoMem._walk

    def lame(self: HippoMem, seeds: Any) -> Any:
        if self._is_exact:
            return walk(self, seeds)
        nodes = seeds.nodes
        wrong = nodes.values[::-1] / nodes.values.sum()
        return Walked(nodes.places, wrong, nodes.places[:0], wrong[:0]), Sparse(nodes.places, wrong)

    monkeypatch.setattr(HippoMem, "_walk", lame)
    assert exact(order(indexed, "exact", 10))["overlap_at_10"] < real["overlap_at_10"] - 0.1


def test_the_encoders_time_is_left_out(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search with an encoder that takes half a second costs a fraction of it."""
    bench = Bench(order(indexed, "query"))
    (question,) = bench.order.corpus.questions(1)
    bench.search(question)
    quick = bench.encoder.embed_query

    def slow(text: str) -> Any:
        import time

        time.sleep(0.5)
        bench.encoder.seconds += 0.5
        return quick(text)

    monkeypatch.setattr(bench.encoder, "embed_query", slow)
    found, seconds = bench.search(question)
    assert found.seconds["encode"] > 0.5
    assert 0.0 < seconds < 0.4
    bench.memory.close()


def test_ratios_by_hand() -> None:
    """Times over the small store's; passages a second the other way round."""

    def store(rate: float, query: float, add: float) -> dict[str, Any]:
        return {
            "index": {"passages_per_second": rate},
            "query": {"plain": {"total": {"p50": query}}},
            "change": {"add": {"p50": add}, "forget": {"p50": add}},
        }

    report = store(50.0, 6.0, 3.0) | {"exact": {"seconds": {"default": {"p50": 6.0}, "exact": {"p50": 24.0}}}}
    found = ratios({**report, "reference": store(100.0, 3.0, 2.0)})
    assert found == {"exact_query": 4.0, "query": 2.0, "index_per_passage": 2.0, "add": 1.5, "forget": 1.5}
    assert ratios(report) == {"exact_query": 4.0}
