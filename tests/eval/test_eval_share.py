"""``python -m eval share``: the stores of a curve, its figures, and the command over the real package."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.__main__ import main
from eval.dataset import load_dataset
from eval.run import RunSettings, run_set
from eval.share import command
from eval.share.choices import CHOICES, GOLD, RANDOM, VALUE, PartialExtractor, read_orders
from eval.share.curve import METRICS, ShareSettings, measure
from eval.share.encoder import once
from eval.stores import StoreSettings
from eval.summary import score_answers
from eval.systems import Engine, systems
from hippomem.errors import ExtractionError
from hippomem.memory import Memory
from hippomem.models.embedder import embed_query, token_embedder
from hippomem.store.export import canonical_text
from hippomem.testing.embedder import HashEmbedder
from hippomem.types import Document, Extraction
from indexing.extract import PassageText
from indexing.extract.recorded import RecordedExtractor

WriteSet = Callable[..., Path]


@pytest.fixture
def recorded(bridge: Path) -> Path:
    """The set whose second gold passage is reached by a name, with a triple for each passage."""
    lines = (bridge / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line)["_id"] for line in lines]
    rows = [{"_id": i, "entities": [i], "triples": [[i, "lives in", f"place {n % 3}"]]} for n, i in enumerate(ids)]
    (bridge / "openie.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return bridge


def documents(small: Engine, folder: Path) -> list[Document]:
    """The passages of a set."""
    return list(small.documents(folder))


class ReadsLater(PartialExtractor):
    """Fails for the chosen passages when they are added, and reads them when asked again."""

    asked = False

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction | ExtractionError]]:
        """See `TripleExtractor.extract`."""
        for position, outcome in super().extract(passages):
            read = isinstance(outcome, Extraction) and outcome.triples and not self.asked
            yield position, ExtractionError("later") if read else outcome
        self.asked = True


def test_a_partial_extractor_leaves_the_store_of_a_later_reading(recorded: Path, small: Engine) -> None:
    """Triples of the chosen passages while indexing, or afterwards behind their sentences: the same export."""
    exports = []
    for extractor in (PartialExtractor, ReadsLater):
        partial = extractor(RecordedExtractor(recorded / "openie.jsonl"), {"comet", "bird-moss"})
        with Memory(embedder=HashEmbedder(), extractor=partial) as memory:
            added = memory.add_many(small.documents(recorded))
            assert added.failed == (2 if extractor is ReadsLater else 0)
            assert memory.resume(retry_failed=True) == 0
            exports.append(canonical_text(memory.store.db))
            counted = memory.store.db.execute("SELECT count(*) FROM facts WHERE kind = 'triple'").fetchone()[0]
            assert counted == 2
    assert exports[0] == exports[1]


def test_orders_hold_every_passage(recorded: Path, small: Engine) -> None:
    """Each choice orders all passages; gold comes first where it is known; draws differ, and the same seeds agree."""
    with Memory(embedder=HashEmbedder()) as memory:
        memory.add_many(documents(small, recorded))
        orders = read_orders(memory, {"comet", "rock"}, draws=3)
        again = read_orders(memory, {"comet", "rock"}, draws=3)
    everything = {document.source_id for document in documents(small, recorded)}
    for choice in CHOICES:
        for order in orders.by_choice[choice]:
            assert {source_id for ids in order for source_id in ids} == everything
    assert set(orders.by_choice[GOLD][0][:2]) == {("comet",), ("rock",)}
    assert len({tuple(order) for order in orders.by_choice[RANDOM]}) == 3
    assert orders == again
    assert [len(chosen) for chosen in orders.chosen(RANDOM, 0.25)] == [8, 8, 8]
    assert orders.chosen(VALUE, 0.0) == [frozenset()]


def test_texts_are_encoded_once() -> None:
    """Passages, facts, names and queries alike; a text in two roles is two texts; the vectors are those of the model."""
    behind = HashEmbedder()
    kept = once(behind)
    tokens = token_embedder(kept)
    assert tokens is not None
    for _ in range(2):
        vectors = kept.embed(["owl", "cat", "owl"], role="fact")
        shown, signs = tokens.embed_with_signs(["owl hoots", "cat"])
        assert embed_query(kept, "who").words == ("who",)
    np.testing.assert_array_equal(vectors, HashEmbedder().embed(["owl", "cat", "owl"]))
    expected, expected_signs = HashEmbedder().embed_with_signs(["owl hoots", "cat"])
    np.testing.assert_array_equal(shown, expected)
    for ours, theirs in zip(signs, expected_signs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert behind.calls == [("owl", "cat"), ("owl hoots", "cat"), ("who",)]
    kept.embed(["owl"], role="entity")
    assert behind.calls[-1] == ("owl",)
    assert kept.embed([], role="fact").shape == (0, 64)


def settings(draws: int = 2, *shares: float) -> ShareSettings:
    """hippomem and hipporag2 at some shares."""
    run = RunSettings(systems("hippomem", "hipporag2"), ks=(2, 5, 10), stores=StoreSettings(extractor="recorded"))
    return ShareSettings(shares or (0.25, 0.5), draws, run)


def test_the_ends_are_runs_of_their_own(recorded: Path, small: Engine) -> None:
    """Nothing read is the built-in extractor's run, everything read the recorded one's."""
    dataset, own = load_dataset(recorded), settings(1, 0.5)
    figures = measure(dataset, own, small)["retrievers"]
    for end, extractor in (("nothing read", "builtin"), ("everything read", "recorded")):
        run = RunSettings(own.run.systems, own.run.ks, StoreSettings(extractor=extractor))  # type: ignore[arg-type]
        for label, outcome in run_set(dataset, run, small).items():
            scores = score_answers(outcome.answers, own.run.ks)
            assert figures[label]["ends"][end] == {m: round(float(scores[m].mean()), 4) for m in METRICS}


def test_a_curve_has_every_choice_and_share(recorded: Path, small: Engine) -> None:
    """Means by choice and share, with the spread of random draws; each choice is compared with random."""
    result = measure(load_dataset(recorded), settings(), small)
    assert (result["questions"], result["passages"]) == (1, 32)
    assert result["gold"][GOLD] == {"0.25": 100.0, "0.5": 100.0}
    curves = result["retrievers"]["hipporag2"]["curves"]
    assert list(curves) == list(CHOICES)
    assert {tuple(by_share) for by_share in curves.values()} == {("0.25", "0.5")}
    assert {choice for choice, by_share in curves.items() if "sd" in by_share["0.5"]} == {RANDOM}
    rows = result["retrievers"]["hippomem"]["over_random"]
    assert {(row["a"], row["b"]) for row in rows} == {(RANDOM, other) for other in CHOICES if other != RANDOM}
    json.dumps(result, allow_nan=False)


@pytest.fixture
def share(small: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``share(...)`` is ``python -m eval share ... --json FILE``; returns the JSON."""
    monkeypatch.setattr(command, "hippomem_engine", lambda: small)

    def share(*words: object) -> dict[str, Any]:
        out = tmp_path / "out.json"
        assert main(["share", *map(str, words), "--json", str(out)]) == 0
        report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return report

    return share


def test_the_command_shows_and_draws_the_curve(
    share: Callable[..., dict[str, Any]], recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table a retriever, figures in the JSON, a picture with a line a choice; and how to run it again."""
    pytest.importorskip("matplotlib")
    plot = tmp_path / "curve.svg"
    report = share(recorded, "--shares", "0,0.5,1", "--draws", 2, "--retriever", "hipporag2", "--plot", plot)
    assert report["shares"] == [0.5]
    assert list(report["results"]["bridge"]["retrievers"]) == ["hipporag2"]
    arguments = ["share", "bridge", "--shares", "0,0.5,1", "--retriever", "hipporag2", "--draws", "2", "--seed", "0"]
    assert report["provenance"]["arguments"] == arguments
    shown = capsys.readouterr().out
    assert "bridge, hipporag2: R@2 / R@5 / all@5 by the share that the LLM reads" in shown
    assert "value - random, mean over shares: R@5" in shown
    picture = plot.read_text(encoding="utf-8")
    assert all(f">{choice}<" in picture for choice in CHOICES)


def test_a_set_without_recording_shows_what_is_chosen(
    share: Callable[..., dict[str, Any]], animals: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No triples, so no recall: only how many of the passages that answer a question are read."""
    report = share(animals, "--draws", 1, "--shares", "0.75")
    assert report["results"]["animals"]["retrievers"] == {}
    assert report["results"]["animals"]["gold"][GOLD] == {"0.75": 100.0}  # dog, owl and bat of four
    assert "animals: of the passages that answer a question" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shares", "a"], "--shares 'a': expected numbers with commas between"),
        (["--shares", "0.5,1.5"], "--shares '0.5,1.5': a share is at least 0 and at most 1"),
        (["--shares", "0,1"], "give at least one share between 0 and 1; these two are measured anyway"),
        (["--draws", "0"], "--draws is 0; give at least 1 random choice"),
        (["--plot", "."], "--plot '.' is a folder; name a file"),
    ],
)
def test_mistakes_are_told_in_a_line(
    animals: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read or indexed."""
    assert main(["share", str(animals), *words]) == 2
    assert message in capsys.readouterr().err
