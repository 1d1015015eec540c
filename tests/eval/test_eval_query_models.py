"""Evaluation with models on the query path: what they cost a question, and that a report says they were there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import commands
from eval.__main__ import main
from eval.dataset import load_dataset
from eval.query_models import QueryModels
from eval.run import RunSettings, run_set
from eval.stores import StoreSettings
from eval.summary import summarise
from eval.systems import hippomem_engine, systems
from hippomem.errors import ModelUnavailableError
from hippomem.testing import Fault, HashEmbedder, LoopbackServer

WriteSet = Callable[..., Path]
MakeCrossEncoder = Callable[..., Path]

PASSAGES = {
    "comet": "It was discovered at Gull Rock Observatory by Jonah Sorrel.",
    "rock": "A tabby called Perihelion sleeps on the dome motor.",
    "moth": "The moth flies at night.",
}
TITLES = {"comet": "Comet Sorrel", "rock": "Gull Rock Observatory", "moth": "Lantern moth"}
QUERIES = {"q1": "Which tabby lives where Comet Sorrel was discovered?", "q2": "What flies?"}
GOLD = [("q1", "comet", 1), ("q1", "rock", 1), ("q2", "moth", 1)]
ANSWER = '{"fact": [], "entities": ["Lantern moth"]}'


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, URLs and proxies of the developer's own shell play no part."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def measured(folder: Path, models: QueryModels, url: str | None, *, failures: int = 0) -> dict[str, Any]:
    """hippomem's entry on the set, by the real package with a small encoder."""
    stores = StoreSettings(llm_model=None if url is None else "loopback", llm_base_url=url, query=models)
    settings = RunSettings(systems("hippomem"), stores=stores, failures=failures)
    dataset = load_dataset(folder)
    engine = replace(hippomem_engine(), embedder=lambda name: HashEmbedder())
    return summarise(run_set(dataset, settings, engine)["hippomem"], dataset, settings)


def test_tokens_and_calls_of_a_question_are_counted(write_set: WriteSet) -> None:
    """Two calls a question by two parts; the calls of the warm-up and of explaining failures are left out."""
    folder = write_set("toy", PASSAGES, QUERIES, GOLD, titles=TITLES)
    with LoopbackServer(lambda messages: ANSWER) as server:
        entry = measured(folder, QueryModels(llm_filter=True, llm_entities=True), server.base_url, failures=1)
        requests = server.requests
    spent = entry["llm_per_query"]
    assert set(spent) == {"prompt_tokens", "completion_tokens", "calls"}
    assert spent["calls"] == 2.0
    assert spent["completion_tokens"] == 2.0 * len(ANSWER.split())  # the server counts words
    asked = [request.body["messages"] for request in requests[4:8]]  # after a warm-up of two questions
    words = [sum(len(message["content"].split()) for message in messages) for messages in asked]
    assert spent["prompt_tokens"] == sum(words) / 2
    assert len(requests) >= 8
    assert "usage" not in entry  # indexing asked no LLM
    assert "an LLM filters the facts of each query; an LLM finds the names of each query" in entry["note"]
    assert "the LLM kept no fact: seeds are names and passages (2 of 2 questions)" in entry["note"]


def test_without_an_llm_there_is_nothing_to_count(write_set: WriteSet) -> None:
    """The entry has no figure for what was not there."""
    assert "llm_per_query" not in measured(write_set("toy", PASSAGES, QUERIES, GOLD), QueryModels(), None)


def test_a_model_that_fails_ends_the_run(write_set: WriteSet) -> None:
    """Figures of a filter that did not answer would be no figures of it."""
    folder = write_set("toy", PASSAGES, QUERIES, GOLD)
    with (
        LoopbackServer(faults=lambda request: Fault.failed(retry_after=0)) as server,
        pytest.raises(ModelUnavailableError),
    ):
        measured(folder, QueryModels(llm_entities=True), server.base_url)


def test_the_provenance_says_what_was_asked(
    write_set: WriteSet, fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which parts, by which model; the command line has them too; the store is opened with them."""
    monkeypatch.setattr(commands, "hippomem_engine", fake.engine)
    folder, out = write_set("toy", PASSAGES, QUERIES, GOLD), tmp_path / "out.json"
    words = ["--retriever", "hippomem", "--llm-filter", "--llm-entities", "--llm-model", "m"]
    url = ["--llm-base-url", "http://127.0.0.1:9/v1"]
    assert main(["run", str(folder), *words, *url, "--json", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    provenance = report["provenance"]
    assert (provenance["llm_filter"], provenance["llm_entities"], provenance["rerank"]) == (True, True, None)
    assert (provenance["llm_model"], provenance["extractor"]) == ("m", "builtin")
    assert {*words} <= set(provenance["arguments"])
    (opened,) = fake.opened
    assert opened["options"].given == ("fact_filter", "query_entities")
    # The fake store asks no LLM.
    assert report["results"]["toy"]["hippomem"]["llm_per_query"] == dict.fromkeys(
        ("prompt_tokens", "completion_tokens", "calls"), 0.0
    )


@pytest.mark.slow
def test_a_cross_encoder_re_ranks_what_is_measured(
    write_set: WriteSet, make_cross_encoder: MakeCrossEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is a stage of its own; the provenance has its name and not its folder."""
    engine = replace(hippomem_engine(), embedder=lambda name: HashEmbedder())
    monkeypatch.setattr(commands, "hippomem_engine", lambda: engine)
    folder, out = write_set("toy", PASSAGES, QUERIES, GOLD, titles=TITLES), tmp_path / "out.json"
    words = ["--retriever", "bm25", "--retriever", "hippomem", "--rerank", str(make_cross_encoder("judge"))]
    assert main(["run", str(folder), *words, "--json", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["provenance"]["rerank"] == "judge"
    assert str(tmp_path) not in text
    for entry in report["results"]["toy"].values():
        assert entry["query_ms_by_stage"]["rerank"] > 0
        assert "a cross-encoder re-ranks the best hits" in entry["note"]
        assert "llm_per_query" not in entry
