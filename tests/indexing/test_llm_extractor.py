"""The LLM extractor end to end, over real HTTP, with a server that replays, misbehaves, goes away and comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from hippomem.errors import ModelAuthError, ModelError, ModelRateLimitError, ModelUnavailableError
from hippomem.memory import Memory
from hippomem.models.async_chat import AsyncOpenAIChat
from hippomem.models.pacing import Pace
from hippomem.testing import Fault, HashEmbedder, LoopbackServer, RecordedRequest
from hippomem.types import Document
from indexing.asking.extractor import LlmExtractor
from indexing.extract.llm import MAX_TRIPLES, Scheme

FACTS: dict[str, list[list[str]]] = {
    "Ada": [["Ada", "lives in", "Rome"], ["Ada", "wrote", "the first program"]],
    "Rome": [["Rome", "lies on", "the Tiber"], ["Rome", "is the capital of", "Italy"]],
    "Tiber": [["the Tiber", "flows into", "the Tyrrhenian Sea"]],
    "北京": [["北京", "位于", "中国"]],
    "Empty": [],
}
DOCUMENTS = [Document(f"A passage about {name}.", title=name, source_id=name) for name in FACTS]


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, URLs and proxies of the developer's own shell play no part."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def about(text: str) -> str:
    """The passage that a request asks about."""
    found = re.search(r"A passage about (\w+)\.", text)
    assert found is not None
    return found.group(1)


def well_read(messages: list[dict[str, Any]]) -> str:
    """What a good model answers: entities, triples or both, as it was asked."""
    asked = str(messages[-1]["content"])
    triples = FACTS[about(asked)]
    entities = sorted({part for s, _, o in triples for part in (s, o)})
    if "Named entities:" in asked:
        return json.dumps({"triples": triples}, ensure_ascii=False)
    return json.dumps({"entities": entities, "triples": triples}, ensure_ascii=False)


def for_passage(name: str, fault: Fault, *, times: int = 10**6) -> Any:
    """That fault for requests about one passage, the first *times* of them."""
    left = times

    def choose(request: RecordedRequest) -> Fault | None:
        nonlocal left
        if about(str(request.body["messages"][-1]["content"])) != name or left <= 0:
            return None
        left -= 1
        return fault

    return choose


@contextmanager
def memory(
    url: str, *, calls: Literal[1, 2] = 1, concurrency: int = 4, max_retries: int = 2, timeout: float = 5.0, **pace: Any
) -> Iterator[Memory]:
    """An empty memory that asks the model at *url*."""
    with (
        LlmExtractor(
            AsyncOpenAIChat("loopback", url, timeout=timeout),
            scheme=Scheme(calls=calls),
            pace=Pace(concurrency=concurrency, max_retries=max_retries, jitter=lambda: 0.0, **pace),
        ) as extractor,
        Memory(":memory:", embedder=HashEmbedder(dimension=16), extractor=extractor) as of,
    ):
        yield of


@pytest.fixture(scope="module")
def calm() -> Iterator[str]:
    """The export of a run without any trouble."""
    with LoopbackServer(well_read) as server, memory(server.base_url) as of:
        assert of.add_many(DOCUMENTS).failed == 0
        yield of.export()


def triples(of: Memory) -> set[tuple[str, ...]]:
    """The triples stored, folded."""
    return set(of.store.db.execute("SELECT subject, predicate, object FROM facts WHERE kind = 'triple'").fetchall())


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_call_or_two_give_the_same_store(calm: str, calls: Literal[1, 2], concurrency: int) -> None:
    """With one call a passage or two, one at a time or four, the same triples are stored, and each call is counted."""
    with (
        LoopbackServer(well_read) as server,
        memory(server.base_url, calls=calls, concurrency=concurrency) as of,
    ):
        report = of.add_many(DOCUMENTS)
        assert (report.added, report.failed) == (len(FACTS), 0)
        assert of.export() == calm
        assert len(server.requests) == calls * len(FACTS)
        assert report.usage["calls"] == calls * len(FACTS)
        assert report.usage["prompt_tokens"] > 0
        assert report.usage["completion_tokens"] > 0
        assert server.most_at_once <= concurrency
        assert ("北京", "位于", "中国") in triples(of)
        # A second run counts only what it spent itself.
        assert of.add_many(DOCUMENTS).usage["calls"] == 0


def test_sentences_stay_facts_beside_the_triples(calm: str) -> None:
    """The triples come beside the sentences, never instead of them; "no facts" is a proper answer."""
    rows = [json.loads(line) for line in calm.splitlines()]
    kinds = [row["kind"] for row in rows if row["relation"] == "fact"]
    assert kinds.count("sentence") == len(FACTS)
    assert kinds.count("triple") == sum(map(len, FACTS.values()))
    assert {row["state"] for row in rows if row["relation"] == "passage"} == {"ready"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.rate_limited(0.2),
        Fault.rate_limited(),
        Fault.failed(500),
        Fault.failed(503, retry_after=0.2),
        Fault.disconnected(),
        Fault.timeout(5),
        Fault.cut_json(),
        Fault.wrong_types(),
        Fault.wrong_types("I am afraid I cannot do that."),
        Fault.wrong_types('{"entities": null, "triples": "none"}'),
        Fault.wrong_types('{"entities": [], "triples": [["only", "two"]]}'),
        Fault.prose_around_json(),
    ],
    ids=[
        "429 after",
        "429",
        "500",
        "503",
        "hang up",
        "silence",
        "cut",
        "types",
        "prose only",
        "nulls",
        "pairs",
        "fenced",
    ],
)
def test_trouble_that_passes_leaves_no_trace(calm: str, fault: Fault) -> None:
    """One bad answer for each of two passages is asked for again, or read through: the store equals a calm run's."""
    hit = {"Ada": 1, "Rome": 1}

    def choose(request: RecordedRequest) -> Fault | None:
        name = about(str(request.body["messages"][-1]["content"]))
        hit[name] = hit.get(name, 0) - 1
        return fault if hit[name] >= 0 else None

    with (
        LoopbackServer(well_read, faults=choose) as server,
        memory(server.base_url, timeout=0.3) as of,
    ):
        assert of.add_many(DOCUMENTS).failed == 0
        assert of.export() == calm


def test_a_server_without_structured_output_is_asked_in_words(calm: str) -> None:
    """Where no response format is known the schema stands in the prompt, and the result is the same."""
    with (
        LoopbackServer(well_read, faults=lambda request: Fault.no_structured_output()) as server,
        memory(server.base_url) as of,
    ):
        assert of.add_many(DOCUMENTS).failed == 0
        assert of.export() == calm


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.wrong_types("Sorry, no."), "Sorry, no"),
        (Fault.wrong_types('{"entities": "Rome", "triples": 3}'), "entities and triples"),
        (Fault.wrong_types('{"entities": [], "triples": [["a", "b"]]}'), "three parts"),
        (Fault.failed(500), "500"),
        (Fault.bad_request("maximum context length is 4096 tokens"), "context length"),
        (Fault.empty_choices(), "without any choice"),
    ],
)
def test_a_passage_that_cannot_be_read_fails_alone_and_heals(calm: str, fault: Fault, reason: str) -> None:
    """It is failed with the reason, the others go on, it is still searched by its sentences, and a retry heals it wholly."""
    broken = True
    choose = for_passage("Rome", fault)
    with (
        LoopbackServer(well_read, faults=lambda request: choose(request) if broken else None) as server,
        memory(server.base_url, max_retries=1) as of,
    ):
        report = of.add_many(DOCUMENTS)
        assert (report.added, report.failed) == (len(FACTS), 1)
        stats = of.stats()
        assert (stats.failed, stats.pending) == (1, 0)
        ((passage_id, why, _),) = of.failures()
        assert of.get(passage_id).title == "Rome"
        assert re.search(reason, why)
        assert not any(subject == "rome" for subject, _, _ in triples(of))
        assert of.search("passage about Rome")[0].source_ids == ("Rome",)
        assert of.resume() == 0, "a failed passage is retried only when asked to"
        assert of.stats().failed == 1
        assert of.resume(retry_failed=True) == 1
        assert (of.stats().failed, of.stats().pending) == (1, 0)
        broken = False
        asked = len(server.requests)
        assert of.resume(retry_failed=True) == 0
        assert len(server.requests) == asked + 1, "only the failed passage is paid for again"
        assert of.export() == calm


def test_a_wrong_key_is_raised_at_once_and_loses_nothing(calm: str) -> None:
    """401 stops the run: the documents are stored and searchable, and the right key finishes them."""
    refused = True
    with (
        LoopbackServer(well_read, faults=lambda request: Fault.refused_key() if refused else None) as server,
        memory(server.base_url) as of,
    ):
        with pytest.raises(ModelAuthError, match="key"):
            of.add_many(DOCUMENTS)
        assert len(server.requests) == 1, "the pace begins with one call"
        stats = of.stats()
        assert (stats.memories, stats.pending, stats.failed) == (len(FACTS), len(FACTS), 0)
        assert of.search("passage about Rome")[0].source_ids == ("Rome",)
        refused = False
        assert of.resume() == 0
        assert of.export() == calm


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.rate_limited(), ModelRateLimitError), (Fault.failed(), ModelUnavailableError)]
)
def test_an_endpoint_that_fails_for_everything_ends_the_run_when_patience_ends(
    calm: str, fault: Fault, error: type[ModelError]
) -> None:
    """When every passage meets 429 or 500 the error is raised and all stay wanted, rather than failing one by one."""
    down = True
    with (
        LoopbackServer(well_read, faults=lambda request: fault if down else None) as server,
        memory(server.base_url, concurrency=2, max_retries=8, patience=1.5) as of,
    ):
        with pytest.raises(error):
            of.add_many(DOCUMENTS)
        assert (of.stats().pending, of.stats().failed) == (len(FACTS), 0)
        assert not of.runs(), "what cost nothing has no account"
        down = False
        of.resume()
        assert of.export() == calm


def test_an_endpoint_that_goes_away_in_the_middle(calm: str) -> None:
    """What was read before is kept and used, the rest is wanted, and a later run pays only for the rest."""
    answered = 0

    def down_after_two(request: RecordedRequest) -> Fault | None:
        nonlocal answered
        answered += 1
        return Fault.disconnected() if 2 < answered < 1000 else None

    with (
        LoopbackServer(well_read, faults=down_after_two) as server,
        memory(server.base_url, concurrency=1, max_retries=8, patience=1.0) as of,
    ):
        with pytest.raises(ModelUnavailableError):
            of.add_many(DOCUMENTS)
        assert len(triples(of)) > 0
        assert of.stats().pending == len(FACTS) - 2
        answered = 1000
        before = len(server.requests)
        of.resume()
        assert len(server.requests) == before + len(FACTS) - 2
        assert of.export() == calm


def test_a_model_that_runs_in_circles_is_cut() -> None:
    """More triples than a passage can hold are left out beyond the limit."""
    many = [["Ada", "counts", f"number {n}"] for n in range(3 * MAX_TRIPLES)]
    with (
        LoopbackServer(lambda messages: json.dumps({"entities": ["Ada"], "triples": many})) as server,
        memory(server.base_url) as of,
    ):
        of.add("Ada counts.")
        assert len(triples(of)) == MAX_TRIPLES
        assert ("ada", "counts", "number 7") in triples(of)


def test_triples_without_a_name_are_no_facts() -> None:
    """A subject or object without a letter or digit names nothing; bad triples among good ones are left out."""
    answer = {
        "entities": [],
        "triples": [["***", "is", "Rome"], ["Ada", "is", ""], ["Ada", "is"], None, ["Ada", "", "Rome"]],
    }
    with LoopbackServer(lambda messages: json.dumps(answer)) as server, memory(server.base_url) as of:
        assert of.add_many(["Ada is in Rome."]).failed == 0
        assert triples(of) == {("ada", "", "rome")}


def test_the_prompt_carries_title_and_text() -> None:
    """The model sees the passage with its title, in any script."""
    with LoopbackServer(well_read) as server, memory(server.base_url) as of:
        of.add_many(DOCUMENTS[3:4])
        asked = server.requests[0].body["messages"]
        assert asked[-1]["content"] == "Passage:\n北京\nA passage about 北京."
        assert asked[0]["role"] == "system"
