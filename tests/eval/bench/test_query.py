"""``python -m eval bench query``: stages, totals and ratios over a real store, with what stands beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.bench import query as bench_query
from eval.bench.baselines import public_searches, recall
from eval.bench.query import BEYOND, EXPLAINED, FALLBACK, OURS, TOTAL, summarise
from hippomem.types import Document


def test_without_a_public_library_our_dense_stands_beside(
    bridge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every stage is there; only the explained search explains; all but the encoder is less than all."""
    monkeypatch.setattr(bench_query, "public_searches", lambda documents: {})
    out = tmp_path / "out.json"
    assert main(["bench", "query", str(bridge), "--rounds", "2", "--json", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert list(report["seconds"]) == [OURS, EXPLAINED, FALLBACK]
    plain, explained = report["seconds"][OURS], report["seconds"][EXPLAINED]
    assert {"encode", "match", "walk", TOTAL, BEYOND} <= set(plain)
    assert "explain" in explained
    assert "explain" not in plain
    for seconds in report["seconds"].values():
        assert 0 < seconds[BEYOND]["p50"] < seconds[TOTAL]["p50"] <= seconds[TOTAL]["p95"]
    assert report["recall@5"] == {OURS: 1.0, EXPLAINED: 1.0, FALLBACK: 0.5}  # the second hop needs the graph
    assert report["ratio"][OURS] == {TOTAL: 1.0, BEYOND: 1.0}
    shown = capsys.readouterr().out
    assert "against hippomem" in shown
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


def test_ratios_are_medians_question_by_question() -> None:
    """(2/1, 6/2, 4/4) has the median 2."""
    ours = [{TOTAL: 1.0}, {TOTAL: 2.0}, {TOTAL: 4.0}]
    theirs = [{TOTAL: 2.0}, {TOTAL: 6.0}, {TOTAL: 4.0}]
    report = summarise({OURS: ours, "other": theirs}, {OURS: [1.0], "other": [0.0, 1.0]})
    assert report["ratio"]["other"] == {TOTAL: 2.0}
    assert report["seconds"][OURS][TOTAL]["p50"] == 2.0
    assert report["recall@5"] == {OURS: 1.0, "other": 0.5}


def test_recall_counts_the_first_five() -> None:
    """One of two is sixth."""
    assert recall(["a", "b", "c", "d", "e", "f"], ["a", "f"]) == 0.5


@pytest.mark.slow
def test_public_libraries_find_what_they_should() -> None:
    """Each installed one puts the passage with the question's words first."""
    documents = [Document("Owls hoot at night."), Document("Dogs bark.", title="Dog"), Document("Cats purr softly.")]
    searches = public_searches(documents)
    assert searches
    for search in searches.values():
        encoding, positions = search("which animals purr softly?")
        assert positions[0] == 2
        assert encoding >= 0.0
