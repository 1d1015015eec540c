"""``python -m eval bench ppr``: the same walk by four solvers, on the same graphs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from eval import extras
from eval.__main__ import main
from eval.bench import ppr as bench_ppr
from eval.bench.ppr import OURS, best, parse_sizes, walk_all
from eval.bench.walk_graphs import generated, of_dataset
from hippomem.errors import ConfigError
from hippomem.graph.pagerank import personalized_pagerank
from hippomem.graph.walk import Walked


def test_a_run_on_a_set_and_on_generated_graphs(bridge: Path, tmp_path: Path) -> None:
    """Every solver finds the exact twenty; ratios are to ours."""
    out = tmp_path / "out.json"
    assert (
        main(["bench", "ppr", "--sizes", "1000", "--dataset", str(bridge), "--queries", "3", "--json", str(out)]) == 0
    )
    report = json.loads(out.read_text(encoding="utf-8"))
    assert len(report["graphs"]) == 2
    for figures in report["graphs"].values():
        assert set(figures["seconds"]) == {OURS, "power iteration", "igraph prpack", "networkx"}
        for solver in ("power iteration", "igraph prpack", "networkx"):
            assert figures["overlap_at_20"][solver] == 1.0
            assert figures["overlap_at_20_beyond_seeds"][solver] > 0.99
            assert figures["ratio"][solver] == pytest.approx(figures["seconds"][solver] / figures["seconds"][OURS])
    # In a set of a few passages many nodes are equally near, and which of them is among the twenty is anybody's guess.
    assert report["graphs"]["generated, 999 nodes"]["overlap_at_20"][OURS] > 0.9
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


def test_a_wrong_solver_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that leaves the seeds as they are finds most of the twenty, and none that a walk reaches."""
    monkeypatch.setattr(bench_ppr, "_push", lambda graph: lambda seeds: Walked(*seeds, *seeds))
    figures = walk_all(generated(1000), 3, 0)
    assert figures["overlap_at_20"][OURS] < 1.0
    assert figures["overlap_at_20_beyond_seeds"][OURS] < 0.5


@pytest.mark.parametrize("nodes", [1_000, 30_000])
def test_a_generated_graph_is_like_the_retrievers(nodes: int) -> None:
    """Size and mean degree as asked for, transitions that sum to 1, names by Zipf's law."""
    graph = generated(nodes)
    assert graph.nodes == pytest.approx(nodes, rel=0.01)
    assert 8.5 < graph.degree < 10.5
    sums = np.asarray(graph.transition.sum(axis=1)).ravel()
    assert sums == pytest.approx(np.ones(graph.nodes))
    ranked = np.sort(graph.frequency)[::-1][5:50]
    assert np.polyfit(np.log(np.arange(6, 51)), np.log(ranked), 1)[0] == pytest.approx(-1.0, abs=0.2)
    assert generated(nodes).transition.data.tobytes() == graph.transition.data.tobytes()


def test_seeds_are_a_few_entities_and_passages() -> None:
    """At most twenty entities, three hundred passages, no fact; a few passages hold most of theirs."""
    graph = generated(9_000)
    reset = graph.seeds(np.random.default_rng(0))
    entities, passages = reset[: len(graph.frequency)], reset[graph.nodes - graph.passages :]
    assert 0 < np.count_nonzero(entities) <= 20
    assert np.count_nonzero(passages) == 300
    assert np.count_nonzero(reset) == np.count_nonzero(entities) + 300
    assert np.sort(passages)[-60:].sum() > 0.7 * passages.sum()


def test_the_graph_of_a_set_is_the_one_that_is_walked(bridge: Path) -> None:
    """As many nodes as the default retriever's own, and the same transitions."""
    from hippomem.memory import Memory
    from hippomem.retrieve.hippomem import HippoMem
    from indexing.readers import read_beir

    (graph,) = of_dataset(bridge)
    with Memory() as memory:
        memory.add_many(read_beir(bridge))
        stats = memory.stats()
        assert graph.nodes == stats.passages + stats.facts + stats.entities
        retriever = memory.retriever("hippomem")
        assert isinstance(retriever, HippoMem)
        own = retriever._transition
        assert abs(own[graph.places][:, graph.places] - graph.transition).max() < 1e-12
    assert own.sum() == pytest.approx(graph.transition.sum())  # in the room there is nothing
    assert graph.passages == 32


def test_best_breaks_ties_by_position() -> None:
    """Twenty at most, highest first."""
    assert best(np.array([0.1, 0.3, 0.3])).tolist() == [1, 2, 0]
    assert len(best(personalized_pagerank(generated(200).transition, np.ones(generated(200).nodes)))) == 20


def test_sizes() -> None:
    """In the order given; words and toy sizes are refused."""
    assert parse_sizes("1000, 200") == [1000, 200]
    assert parse_sizes("") == []
    with pytest.raises(ConfigError, match="whole numbers"):
        parse_sizes("1e6")
    with pytest.raises(ConfigError, match="7 nodes"):
        parse_sizes("1000,7")


def test_a_missing_library_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any graph is made."""
    find = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "igraph" else find(name))
    assert main(["bench", "ppr", "--sizes", "1000"]) == 2
    assert 'needs igraph, not installed here; run: pip install -e ".[eval]"' in capsys.readouterr().err
