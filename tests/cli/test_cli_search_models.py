"""``hippomem search`` with models on the query path: an LLM over real HTTP, a cross-encoder from a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.models.openai_client import OpenAIConnection
from hippomem.testing import Fault, LoopbackServer

Run = Callable[..., Any]
MakeCrossEncoder = Callable[..., Path]
QUERY = "what does she play?"


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is set, no other endpoint is, and waiting between attempts takes no time."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    defaults: Any = OpenAIConnection.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "sleep", lambda _: None)


def answer(messages: list[dict[str, Any]]) -> str:
    """Keeps no fact, and finds one name."""
    return json.dumps({"fact": [], "entities": ["Anchor Bun"]})


def llm(url: str) -> list[str]:
    """The options of an LLM at *url*."""
    return ["--llm-model", "loopback", "--llm-base-url", url]


def test_an_llm_filters_facts_and_finds_names(run: Run, harbour: Path) -> None:
    """The name that it finds is a seed, the facts that it drops are none, and the result says so."""
    with LoopbackServer(answer) as server:
        found = run(
            "search", QUERY, "--store", harbour, "--llm-filter", "--llm-entities", *llm(server.base_url), "--json"
        ).json
        assert len(server.requests) == 2
    assert found["note"] == "the LLM kept no fact: seeds are names and passages"
    assert [seed["name"] for seed in found["hits"][0]["why"]["seeds"] if seed["kind"] == "entity"] == ["Anchor Bun"]


def test_an_endpoint_that_fails_is_code_7(run: Run, harbour: Path) -> None:
    """No result is shown when the model that was to help cannot."""
    with LoopbackServer(answer, faults=lambda _: Fault.failed()) as server:
        ran = run("search", QUERY, "--store", harbour, "--llm-entities", *llm(server.base_url))
    assert (ran.code, ran.out) == (7, "")
    assert ran.err.startswith("error: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--llm-filter"], "name it with --llm-model NAME"),
        (["--llm-model", "m"], "go with --llm-filter or --llm-entities"),
        (["--llm-base-url", "http://127.0.0.1:9/v1"], "go with --llm-filter or --llm-entities"),
        (["--retriever", "bm25", "--llm-filter", "--llm-model", "m"], "use it with hipporag2 or hippomem"),
        (["--retriever", "hipporag1", "--llm-filter", "--llm-model", "m"], "use it with hipporag2 or hippomem"),
        (["--retriever", "dense", "--llm-entities", "--llm-model", "m"], "use it with hipporag1 or hippomem"),
    ],
)
def test_options_that_do_nothing_are_code_2(run: Run, harbour: Path, words: list[str], message: str) -> None:
    """An option without effect is a mistake, and the message says what it goes with."""
    ran = run("search", QUERY, "--store", harbour, *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


@pytest.mark.slow
def test_a_cross_encoder_re_ranks(run: Run, harbour: Path, make_cross_encoder: MakeCrossEncoder) -> None:
    """Any retriever's hits, by a model given by its folder: in the order of its scores, which --why shows."""
    model = make_cross_encoder()
    for retriever in ("hippomem", "dense"):
        words = ("search", QUERY, "--store", harbour, "--retriever", retriever, "--rerank", model)
        found = run(*words, "--json").json
        assert found["retriever"] == f"rerank+{retriever}"
        scores = [hit["why"]["scores"]["rerank"] for hit in found["hits"]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert "rerank" in run(*words, "--why").out


@pytest.mark.slow
def test_a_cross_encoder_that_is_not_there_is_code_7(run: Run, harbour: Path, tmp_path: Path) -> None:
    """The message says that the name or folder is to be checked."""
    ran = run("search", QUERY, "--store", harbour, "--rerank", tmp_path / "nowhere")
    assert (ran.code, "check the name or folder" in ran.err) == (7, True)
