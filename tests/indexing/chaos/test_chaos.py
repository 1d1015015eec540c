"""An endpoint where every fifth call goes wrong, and a run that is killed again and again: nothing is lost or paid twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from hippomem.testing.llm_server.misbehaving import FAULTS
from tests.indexing.chaos.harness import Chaos, Corpus, Indexing, check_nothing_is_paid_twice, run_chaos

MUSIQUE = Path(__file__).resolve().parents[4] / "shared" / "data" / "musique-train100"


def write_corpus(folder: Path, passages: int) -> Corpus:
    """People who meet in towns: names occur in several passages, so that what is read in one changes others."""
    towns = ["Velden", "Orrin", "Oslo", "北京", "São Paulo", "Tromsø", "Zanzibar"]
    people = [f"{first} {last}" for first in ("Ada", "Max", "Ines", "Li") for last in ("Brandt", "Sol", "Ito", "Okoye")]
    folder.mkdir()
    with (
        (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus,
        (folder / "openie.jsonl").open("w", encoding="utf-8") as openie,
    ):
        for number in range(passages):
            who, whom, town = people[number % 16], people[number * 7 % 16], towns[number % 7]
            text = f"{who} met {whom} in {town} on day {number}. The road from {town} was long."
            triples = [[who, "met", whom], [who, "was in", town], [f"day {number}", "was spent in", town]]
            id = f"p{number}"
            corpus.write(json.dumps({"_id": id, "title": who, "text": text}) + "\n")
            openie.write(json.dumps({"_id": id, "entities": [who, whom, town], "triples": triples}) + "\n")
    return Corpus(folder)


def calm_and_chaos(corpus: Corpus, folder: Path, *, passages: int, kills: int, latency: float) -> Chaos:
    """Index twice, undisturbed and not; the exports are equal. Returns what was seen of the disturbed run."""
    with corpus.server(folder / "calm.log") as server:
        calm = Indexing(corpus, folder / "calm.hippo", server)
        summary = calm.run()
        expected = calm.export()
        assert (summary["failed"], calm.valid_answers()) == (0, passages)
        assert len(calm.stored()) == passages
    with corpus.server(folder / "log", latency=latency, faults=0.2, seed=7) as server:
        indexing = Indexing(corpus, folder / "chaos.hippo", server)
        chaos = run_chaos(indexing, passages=passages, kills=kills, seed=11)
        check_nothing_is_paid_twice(chaos, passages=passages)
        assert len(indexing.stored()) == passages
        assert indexing.export() == expected
    assert {served.outcome for served in chaos.served} <= {"valid", "busy", *FAULTS}
    assert [len(stored) for _, stored in chaos.stored_at] == sorted(len(stored) for _, stored in chaos.stored_at)
    return chaos


def test_a_small_run_survives_two_kills(tmp_path: Path) -> None:
    """120 passages, every fifth call bad, two kills: the store is that of a calm run."""
    corpus = write_corpus(tmp_path / "corpus", 120)
    chaos = calm_and_chaos(corpus, tmp_path, passages=120, kills=2, latency=0.05)
    assert len(Counter(served.outcome for served in chaos.served)) > 4, "a test without faults shows nothing"
    assert chaos.stored_at[-1][1], "a kill before anything was stored shows nothing"


@pytest.mark.slow
@pytest.mark.skipif(not MUSIQUE.is_dir(), reason="needs ../shared/data/musique-train100")
def test_a_corpus_survives_five_kills(tmp_path: Path) -> None:
    """1,890 passages, all kinds of faults, five kills: the store is that of a calm run."""
    chaos = calm_and_chaos(Corpus(MUSIQUE), tmp_path, passages=1890, kills=5, latency=0.3)
    assert {served.outcome for served in chaos.served} >= {"valid", *FAULTS}
