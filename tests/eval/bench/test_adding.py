"""``python -m eval bench adding``: real additions to small stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.bench.scale.corpus import Corpus
from eval.bench.scale.encoder import ClusteredEmbedder
from hippomem.memory import Memory


def test_both_ways_are_measured_in_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every round is there, for the empty store and for the full one; the ratio is theirs."""
    out = tmp_path / "out.json"
    options = ("--passages", "60", "--adds", "3", "--rounds", "2", "--stub", "--json", str(out))
    assert main(["bench", "adding", *options]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["passages"] == {"made up": 60}
    ways = report["seconds"]["made up"]
    assert set(ways) == {"one call", "one by one"}
    for found in ways.values():
        rounds = found["rounds"]
        assert [len(some) for some in rounds.values()] == [2, 2]
        ratios = sorted(full / empty for empty, full in zip(rounds["empty"], rounds["full"], strict=True))
        assert [found["ratio"]["min"], found["ratio"]["max"]] == ratios
    assert "at most 3 times" in capsys.readouterr().out


def test_a_given_store_is_copied_and_left_as_it_is(tmp_path: Path) -> None:
    """A store of another encoder than the default one is refused after it was copied: its bytes are the same."""
    path = tmp_path / "kept.hippo"
    with Memory(path, embedder=ClusteredEmbedder()) as memory:
        memory.add_many(Corpus(30).documents())
    before = path.read_bytes()
    assert main(["bench", "adding", "--passages", "20", "--adds", "1", "--rounds", "1", "--store", str(path)]) != 0
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["kept.hippo"]
