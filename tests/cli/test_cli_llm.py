"""``hippomem index --extractor llm`` over real HTTP: success, an endpoint that is gone, a key that is refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.testing import Fault, LoopbackServer

Run = Callable[..., Any]
WriteCorpus = Callable[..., Path]

ANSWER = json.dumps({"entities": ["Ada", "program"], "triples": [["Ada", "wrote", "program"]]})
DOCUMENTS = [{"_id": f"d{i}", "text": f"Ada wrote program number {i}."} for i in range(3)]


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is set, no other endpoint is."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def llm(url: str) -> list[str]:
    """The options of an LLM at *url*."""
    return ["--extractor", "llm", "--llm-model", "loopback", "--llm-base-url", url]


def test_an_llm_adds_facts_and_its_tokens_are_counted(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """Triples come beside the sentences, and the summary says what they cost."""
    with LoopbackServer(lambda _: ANSWER) as server:
        ran = run("index", write_corpus("c.jsonl", *DOCUMENTS), "--store", store, *llm(server.base_url), "--json")
    assert ran.code == 0
    assert ran.json["stats"]["facts"] == 3 + 1
    assert ran.json["usage"]["calls"] == 3
    assert ran.json["usage"]["prompt_tokens"] > 0


def test_an_endpoint_that_is_not_there_is_found_out_before_there_is_a_store(
    run: Run, store: Path, write_corpus: WriteCorpus
) -> None:
    """Code 7 with a reason, at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    ran = run("index", write_corpus("c.jsonl", *DOCUMENTS), "--store", store, *llm(url))
    assert ran.code == 7
    assert "is the server up" in ran.err
    assert not store.exists()


def test_a_refused_key_loses_nothing(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """Code 7 with a reason; the passages wait in the store, and the same command with a good key finishes them."""
    corpus = write_corpus("c.jsonl", *DOCUMENTS)
    with LoopbackServer(faults=lambda _: Fault.refused_key()) as server:
        ran = run("index", corpus, "--store", store, *llm(server.base_url))
    assert ran.code == 7
    assert ran.err.startswith("error: ")
    assert "same command resumes" in ran.err
    assert run("stats", "--store", store, "--json").json["pending"] == 3
    with LoopbackServer(lambda _: ANSWER) as server:
        again = run("index", corpus, "--store", store, *llm(server.base_url), "--json")
    assert (again.code, again.json["stats"]["pending"], again.json["stats"]["facts"]) == (0, 0, 4)


def test_an_answer_that_is_no_extraction_fails_its_passage(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """A passage the LLM cannot read is failed with the reason, code 5, and --retry-failed mends it."""
    corpus = write_corpus("c.jsonl", *DOCUMENTS)

    def answer(messages: list[dict[str, Any]]) -> str:
        return "no idea" if "number 1" in messages[-1]["content"] else ANSWER

    with LoopbackServer(answer) as server:
        ran = run("index", corpus, "--store", store, *llm(server.base_url), "--json")
    assert (ran.code, ran.json["failed"], len(ran.json["failures"])) == (5, 1, 1)
    assert run("search", "program number 1", "--store", store, "--k", "3", "--json").json["hits"][0]["source_ids"] == [
        "d1"
    ]
    with LoopbackServer(lambda _: ANSWER) as server:
        again = run("index", corpus, "--store", store, *llm(server.base_url), "--retry-failed", "--json")
    assert (again.code, again.json["stats"]["failed"]) == (0, 0)
