"""The harness over the real package, with a small encoder: what the fakes promise is so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eval.dataset import load_dataset
from eval.run import RunSettings, run_set
from eval.stores import StoreSettings
from eval.summary import summarise
from eval.systems import RETRIEVERS, Via, hippomem_engine, systems
from hippomem.testing.embedder import HashEmbedder

WriteSet = Callable[..., Path]

PASSAGES = {
    "comet": "It was discovered at Gull Rock Observatory by Jonah Sorrel.",
    "rock": "A tabby called Perihelion sleeps on the dome motor.",
    "ferry": "The ferry to Gull Rock leaves at nine.",
    "moth": "The moth flies at night.",
}
TITLES = {"comet": "Comet Sorrel", "rock": "Gull Rock Observatory", "ferry": "Ferry", "moth": "Lantern moth"}


@pytest.mark.parametrize("via", ["retriever", "memory"])
def test_every_retriever_is_counted_and_explained(write_set: WriteSet, via: Via) -> None:
    """bm25 asks the encoder for nothing, the others at least for the query; failures carry the package's own reasons."""
    queries = {"q": "Which tabby lives where Comet Sorrel was discovered?"}
    # A question of more gold than five passages can hold fails for every retriever.
    many = {f"extra{number}": f"Note {number} on Perihelion." for number in range(4)}
    golds = [("q", name, 1) for name in ("comet", "rock", *many)]
    dataset = load_dataset(write_set("toy", {**PASSAGES, **many}, queries, golds, titles=TITLES))
    settings = RunSettings(systems(*RETRIEVERS), stores=StoreSettings(via=via), failures=1)
    engine = replace(hippomem_engine(), embedder=lambda name: HashEmbedder())
    outcomes = run_set(dataset, settings, engine)
    entries = {name: summarise(outcome, dataset, settings) for name, outcome in outcomes.items()}
    calls = {name: entries[name]["encoder_calls"] for name in ("bm25", "dense", "hippomem")}
    assert calls == {"bm25": 0.0, "dense": 1.0, "hippomem": 1.0}
    assert all(entries[name]["encoded_texts"] >= 1.0 for name in ("dense", "hipporag1", "hipporag2", "hippomem"))
    for entry in entries.values():
        (failure,) = entry["failures"]
        assert failure["top"]  # bm25 ranks only passages that share a word: these may be fewer than five
        assert [hit["rank"] for hit in failure["top"]] == list(range(1, 6))[: len(failure["top"])]
        assert all(hit["why"]["scores"] for hit in failure["top"])
        assert 0 <= entry["query_ms_beyond_encoder"]["p50"] <= entry["query_ms"]["p50"]
        json.dumps(entry, allow_nan=False)
    assert any(hit["why"]["path"] for hit in entries["hippomem"]["failures"][0]["top"])


def test_title_is_found_only_where_it_is_indexed(write_set: WriteSet) -> None:
    """A question that only a title answers is answered with titles, and finds no match by words without them."""
    dataset = load_dataset(write_set("toy", PASSAGES, {"q": "lantern"}, [("q", "moth", 1)], titles=TITLES))
    engine = replace(hippomem_engine(), embedder=lambda name: HashEmbedder())
    for untitled, expected in ((False, 100.0), (True, 0.0)):
        settings = RunSettings(systems("bm25"), stores=StoreSettings(untitled=untitled))
        outcome = run_set(dataset, settings, engine)["bm25"]
        assert summarise(outcome, dataset, settings)["recall"]["1"] == expected
