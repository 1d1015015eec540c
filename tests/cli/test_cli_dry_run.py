"""``hippomem index --dry-run``: what it will cost, without costing it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.testing import Fault, LoopbackServer

Run = Callable[..., Any]
WriteCorpus = Callable[..., Path]

ANSWER = json.dumps({"entities": ["Ada", "program"], "triples": [[0, "wrote", 1]]})
DOCUMENTS = [{"_id": f"d{i}", "text": f"Ada wrote program number {i}. " + "It is long. " * (i % 7)} for i in range(40)]
#: An endpoint where nobody is: what asks it fails.
NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is set; no other endpoint and no table of prices is."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    for name in ("OPENAI_BASE_URL", "HIPPOMEM_PRICES"):
        monkeypatch.delenv(name, raising=False)


def llm(url: str, model: str = "gpt-4o-mini") -> list[str]:
    """The options of an LLM at *url*, of a model whose price is known."""
    return ["--extractor", "llm", "--llm-model", model, "--llm-base-url", url]


@pytest.fixture
def dry(run: Run, store: Path) -> Run:
    """``dry(corpus, url, *options)`` with a model whose price is known."""

    def ran(corpus: Path, url: str, *options: object, model: str = "gpt-4o-mini") -> Any:
        return run("index", corpus, "--store", store, *llm(url, model), "--dry-run", *options)

    return ran


def test_nothing_is_asked_and_nothing_is_made(
    dry: Run, store: Path, write_corpus: WriteCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither endpoint nor key nor store is needed; each number comes with its range."""
    monkeypatch.delenv("OPENAI_API_KEY")
    ran = dry(write_corpus("c.jsonl", *DOCUMENTS, DOCUMENTS[0]), NOBODY, "--json")
    assert ran.code == 0
    assert ran.json["documents"] == {"all": 41, "stored": 0, "repeated": 1}
    assert ran.json["passages"] == {"all": 40, "read": 0, "waiting": 0}
    assert ran.json["to_read"] == ran.json["sampled"] == ran.json["calls"]["likely"] == 40
    for name in ("prompt_tokens", "completion_tokens", "usd", "usd_batch", "seconds"):
        assert 0 < ran.json[name]["low"] < ran.json[name]["likely"] < ran.json[name]["high"]
    usd = (0.15 * ran.json["prompt_tokens"]["likely"] + 0.60 * ran.json["completion_tokens"]["likely"]) / 1e6
    assert ran.json["usd"]["likely"] == pytest.approx(usd, abs=1e-4)
    assert ran.json["trial"] is None
    assert not store.exists()


def test_people_get_a_table(dry: Run, write_corpus: WriteCorpus) -> None:
    """Calls, tokens, money and time; how long the budget lasts; what was assumed."""
    out = dry(write_corpus("c.jsonl", *DOCUMENTS), NOBODY, "--budget-usd", "0.001").out
    assert out.startswith("40 documents: 0 stored already, 0 repeated\n")
    for row in ("calls", "prompt tokens", "completion tokens", "cost", "cost by Batch API", "time of asking"):
        assert f"\n  {row}  " in out
    assert "The budget of $0.0010 is spent after about " in out
    assert "--dry-run-calls 20" in out


def test_an_unknown_price_is_said(dry: Run, write_corpus: WriteCorpus) -> None:
    """Tokens and time are there, money is not, and how to give a price is."""
    out = dry(write_corpus("c.jsonl", *DOCUMENTS), NOBODY, model="my-own").out
    assert "$" not in out
    assert "--price-in and --price-out" in out


def test_what_is_indexed_costs_nothing_and_what_is_new_does(
    run: Run, dry: Run, store: Path, write_corpus: WriteCorpus
) -> None:
    """After a run, only documents that came since are asked about; the dry run leaves the store as it was."""
    corpus = write_corpus("c.jsonl", *DOCUMENTS[:30])
    with LoopbackServer(lambda _: ANSWER) as server:
        assert run("index", corpus, "--store", store, *llm(server.base_url)).code == 0
    assert dry(corpus, NOBODY, "--json").json["to_read"] == 0
    assert dry(corpus, NOBODY).out.endswith("gpt-4o-mini would be asked about 0.\n")
    before = store.read_bytes()
    more = dry(write_corpus("more.jsonl", *DOCUMENTS), NOBODY, "--json").json
    assert more["documents"] == {"all": 40, "stored": 30, "repeated": 0}
    assert (more["passages"]["read"], more["to_read"]) == (30, 10)
    assert store.read_bytes() == before


def test_what_a_run_left_is_counted(run: Run, dry: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """A run that its budget ended left passages wanted: a run over another corpus asks about them too."""
    with LoopbackServer(lambda _: ANSWER) as server:
        corpus = write_corpus("c.jsonl", *DOCUMENTS[:20])
        options = (*llm(server.base_url), "--budget-tokens", "4500", "--concurrency", "1", "--json")
        ran = run("index", corpus, "--store", store, *options)
        answered = len(server.requests)
    assert ran.json["stopped"]
    assert 0 < answered < 20
    left = dry(write_corpus("other.jsonl", *DOCUMENTS[20:23]), NOBODY, "--json").json
    assert (left["passages"]["waiting"], left["to_read"]) == (20 - answered, 3 + 20 - answered)
    again = dry(corpus, NOBODY, "--json").json
    assert (again["passages"]["read"], again["to_read"]) == (answered, 20 - answered)


def test_a_share_and_several_a_call_cost_less(dry: Run, write_corpus: WriteCorpus) -> None:
    """A quarter of the passages; and four passages a call."""
    corpus = write_corpus("c.jsonl", *DOCUMENTS)
    assert dry(corpus, NOBODY, "--llm-share", "0.25", "--json").json["to_read"] == 10
    assert dry(corpus, NOBODY, "--passages-per-call", "4", "--json").json["calls"]["likely"] == 10


def test_calls_for_real_say_what_they_cost(dry: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """So many calls are made, and the rest is reckoned from what they took; still no store."""
    corpus = write_corpus("c.jsonl", *DOCUMENTS)
    with LoopbackServer(lambda _: ANSWER) as server:
        ran = dry(corpus, server.base_url, "--dry-run-calls", "10", "--json")
        assert len(server.requests) == 10
        out = dry(corpus, server.base_url, "--dry-run-calls", "10").out
    trial = ran.json["trial"]
    assert (trial["calls"], trial["failed"]) == (10, 0)
    assert ran.json["usd_of_trial"] == pytest.approx(
        (0.15 * trial["prompt_tokens"] + 0.60 * trial["completion_tokens"]) / 1e6, abs=1e-6
    )
    assert "Measured with 10 calls: " in out
    assert not store.exists()


def test_an_estimate_from_calls_is_what_the_run_takes(
    run: Run, dry: Run, store: Path, write_corpus: WriteCorpus
) -> None:
    """The run's own tokens are within the range that ten calls gave."""
    corpus = write_corpus("c.jsonl", *DOCUMENTS)
    with LoopbackServer(lambda _: ANSWER) as server:
        made = dry(corpus, server.base_url, "--dry-run-calls", "10", "--json").json
        spent = run("index", corpus, "--store", store, *llm(server.base_url), "--json").json["usage"]
    for name in ("calls", "prompt_tokens", "completion_tokens"):
        assert made[name]["low"] <= spent[name] <= made[name]["high"], name


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dry-run",), "--dry-run goes with --extractor llm"),
        (("--extractor", "llm", "--llm-model", "m", "--dry-run-calls", "5"), "--dry-run-calls goes with --dry-run"),
        (("--extractor", "llm", "--dry-run"), "needs --llm-model"),
    ],
)
def test_options_that_do_not_go_together(
    run: Run, store: Path, write_corpus: WriteCorpus, options: tuple[str, ...], said: str
) -> None:
    """Code 2 with a reason; nothing is made."""
    ran = run("index", write_corpus("c.jsonl", *DOCUMENTS), "--store", store, *options)
    assert ran.code == 2
    assert said in ran.err
    assert not store.exists()


def test_a_wrong_key_is_told_by_the_first_call(dry: Run, write_corpus: WriteCorpus) -> None:
    """Code 7, as in a run."""
    with LoopbackServer(faults=lambda _: Fault.refused_key()) as server:
        assert dry(write_corpus("c.jsonl", *DOCUMENTS), server.base_url, "--dry-run-calls", "5").code == 7


def test_programs_get_the_estimate_as_an_event(dry: Run, write_corpus: WriteCorpus) -> None:
    """With --events - standard output is JSON Lines only."""
    ran = dry(write_corpus("c.jsonl", *DOCUMENTS), NOBODY, "--events", "-")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert events[-1]["event"] == "finished"
    assert events[-1]["to_read"] == 40
    assert "would be asked about 40" in ran.err
