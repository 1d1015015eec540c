"""Nothing paid twice, nothing lost: what a run with an LLM does when it is stopped, poor, alone no more, or out of disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from hippomem.errors import ModelAuthError, ModelOutputError, StoreBusyError, StoreFullError
from hippomem.memory import Memory
from hippomem.models.prices import Price
from hippomem.testing import Fault, HashEmbedder, LoopbackServer, RecordedRequest

from .conftest import Opens, documents, number, well_read

SIZE = 40


def triples(memory: Memory) -> int:
    """How many triples are stored."""
    return int(memory.store.db.execute("SELECT count(*) FROM facts WHERE kind = 'triple'").fetchone()[0])


def asked(server: LoopbackServer) -> list[str]:
    """The passages that were asked about, in order."""
    return [number(request.body["messages"]) for request in server.requests]


@pytest.fixture(scope="module")
def calm() -> str:
    """What a run without any trouble leaves; made by one that asks nothing, from a recording of the same facts."""
    from hippomem.types import Extraction, Triple

    class Known:
        name = "known"
        spent: Mapping[str, int] = MappingProxyType({})

        def extract(self, passages: Any) -> Any:
            for position, passage in enumerate(passages):
                n = passage.title.split()[1]
                yield position, Extraction((), (Triple(f"Keeper {n}", "lit", f"Lamp {n}"),))

    with Memory(":memory:", embedder=HashEmbedder(dimension=16), extractor=Known()) as memory:
        memory.add_many(documents(SIZE))
        return memory.export()


def test_a_run_equals_extraction_in_one_pass_and_is_accounted_for(calm: str, opens: Opens) -> None:
    """Triples that come behind the sentences leave the same store; the account says what the server served."""
    with LoopbackServer(well_read) as server, opens(server.base_url, price=Price(1.0, 2.0)) as memory:
        report = memory.add_many(documents(SIZE))
        assert memory.export() == calm
        assert sorted(asked(server)) == sorted(str(n) for n in range(SIZE))
        (run,) = memory.runs()
        assert (run.outcome, run.calls, run.answered, run.failed, run.reused) == ("finished", SIZE, SIZE, 0, 0)
        assert run.prompt_tokens == report.usage["prompt_tokens"] > 0
        assert run.usd == pytest.approx((run.prompt_tokens + 2 * run.completion_tokens) / 1e6)
        assert memory.stats().llm["calls"] == SIZE


def test_what_was_read_is_not_asked_again(opens: Opens, tmp_path: Path) -> None:
    """The same corpus again, and the same texts in another namespace or at another time, cost nothing."""
    with LoopbackServer(well_read) as server:
        with opens(server.base_url, tmp_path / "a.hippo") as memory:
            memory.add_many(documents(SIZE))
            assert memory.add_many(documents(SIZE)).usage["calls"] == 0
        with opens(server.base_url, tmp_path / "a.hippo", namespace="other") as other:
            other.add_many(documents(SIZE))
            assert triples(other) == 2 * SIZE
            assert other.runs()[0].reused == SIZE
        assert len(server.requests) == SIZE


def test_a_store_made_without_an_llm_is_read_when_its_corpus_is_named_again(calm: str, opens: Opens) -> None:
    """Only the documents that are handed in are read, new or not."""
    with LoopbackServer(well_read) as server, opens(server.base_url) as memory:
        extractor, memory._indexer.llm = memory._indexer.llm, None
        memory.add_many(documents(SIZE))
        memory._indexer.llm = extractor
        assert memory.resume() == 0
        assert not server.requests
        memory.add_many(documents(5))
        assert sorted(asked(server)) == [str(n) for n in range(5)]
        memory.add_many(documents(SIZE))
        assert memory.export() == calm


def test_a_budget_is_never_exceeded_and_the_next_run_goes_on(calm: str, opens: Opens) -> None:
    """It stops before the call that may not fit, says so, and what is left waits."""
    with LoopbackServer(well_read) as server, opens(server.base_url, budget_tokens=6000) as memory:
        report = memory.add_many(documents(SIZE))
        spent = report.usage["prompt_tokens"] + report.usage["completion_tokens"]
        assert 6000 - 3000 < spent <= 6000, "and it is used, up to the worst case of one call"
        assert "budget of 6,000 tokens" in report.stopped
        assert memory.runs()[0].outcome == "budget"
        left = memory.stats().pending
        assert 0 < left == SIZE - report.usage["calls"]
        while memory.stats().pending:
            memory.resume()
        assert memory.export() == calm
        assert len(server.requests) == SIZE


def test_what_is_retried_is_within_the_same_budget(opens: Opens) -> None:
    """Passages that failed before, and new ones, are one run: one budget, one account, one reason to stop."""
    broken = True

    def answer(messages: list[dict[str, Any]]) -> str:
        return "no" if broken and int(number(messages)) % 2 else well_read(messages)

    with LoopbackServer(answer) as server, opens(server.base_url, budget_tokens=20_000) as memory:
        assert memory.add_many(documents(30)).failed == 15
        broken, llm = False, memory._indexer.llm
        assert llm is not None
        llm.budget_tokens = 5000
        report = memory.add_many(documents(80), retry_failed=True)
        assert report.usage["prompt_tokens"] + report.usage["completion_tokens"] <= 5000
        assert "budget of 5,000 tokens" in report.stopped
        assert len(memory.runs()) == 2


def test_two_runs_on_one_store_do_not_pay_for_the_same(opens: Opens, tmp_path: Path) -> None:
    """The second is refused while the first asks, with the reason; a single memory is added beside it all the same."""
    path = tmp_path / "a.hippo"
    with LoopbackServer(well_read) as server, opens(server.base_url, path) as first:
        llm = first._indexer.llm
        assert llm is not None
        key = first._indexer._namespace_key()
        with llm.ask(first.store, key), opens(server.base_url, path) as second:
            with pytest.raises(StoreBusyError, match="another run"):
                second.add_many(documents(SIZE))
            second.add("Keeper number 99 lit lamp 99.", title="Lamp 99")
            assert triples(second) == 1
        with opens(server.base_url, path) as third:
            third.add_many(documents(SIZE))
            assert triples(third) == SIZE + 1


def test_a_key_that_ends_in_the_middle_loses_no_answer(calm: str, opens: Opens) -> None:
    """What was answered before is stored and used; the run ends with the reason, and the rest is asked later."""
    served = 0

    def revoked(request: RecordedRequest) -> Fault | None:
        nonlocal served
        served += 1
        return Fault.refused_key() if 10 < served < 1000 else None

    with LoopbackServer(well_read, faults=revoked) as server, opens(server.base_url) as memory:
        with pytest.raises(ModelAuthError):
            memory.add_many(documents(SIZE))
        assert triples(memory) == 10
        assert memory.stats().pending == SIZE - 10
        before, served = len(server.requests), 1000
        memory.resume()
        assert len(server.requests) == before + SIZE - 10
        assert memory.export() == calm


def test_a_model_that_never_answers_in_json_is_given_up(opens: Opens) -> None:
    """After twenty passages without one usable answer the run ends; the corpus is not paid for to the end."""
    with LoopbackServer(lambda _: "I would rather tell you a story.") as server, opens(server.base_url) as memory:
        with pytest.raises(ModelOutputError, match="no usable answer for the first"):
            memory.add_many(documents(200))
        assert len(server.requests) < 3 * 40
        stats = memory.stats()
        assert (stats.passages, stats.failed + stats.pending) == (200, 200)
        assert len(memory.search("lamp 150", k=1)) == 1


def test_a_full_disk_ends_the_run_and_it_goes_on_when_there_is_room(calm: str, opens: Opens, tmp_path: Path) -> None:
    """No answer is used that could not be stored; calls stop at once, and nothing is half there."""
    with LoopbackServer(well_read) as server, opens(server.base_url, tmp_path / "a.hippo") as memory:
        llm = memory._indexer.llm
        assert llm is not None
        full = False

        def fill(*_: Any) -> None:
            nonlocal full
            if (
                not full
                and memory.store.db.execute("SELECT count(*) FROM readings WHERE answer IS NOT NULL").fetchone()[0]
            ):
                full = True
                pages = memory.store.db.execute("PRAGMA page_count").fetchone()[0]
                memory.store.db.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(StoreFullError):
            for start in range(0, 4000, 400):
                memory.add_many(documents(start + 400), progress=fill)
        memory.store.db.execute("PRAGMA max_page_count = 1000000")
        memory.add_many(documents(SIZE))
        memory.forget(*(record.memory_id for record in memory.list() if int(record.title.split()[1]) >= SIZE))
        assert memory.export() == calm


def test_forgetting_forgets_the_answer_too(opens: Opens, tmp_path: Path) -> None:
    """No byte of what a model said about a forgotten passage is left in the file."""
    path = tmp_path / "a.hippo"
    with LoopbackServer(well_read) as server, opens(server.base_url, path) as memory:
        memory.add_many(documents(3))
        memory.add("Keeper number zanzibar lit lamp zanzibar.", title="Lamp zanzibar")
        assert b"zanzibar" in b"".join(file.read_bytes() for file in tmp_path.glob("a.hippo*") if file.is_file())
        memory.forget(next(record.memory_id for record in memory.list() if "zanzibar" in record.text))
    assert b"zanzibar" not in b"".join(file.read_bytes() for file in tmp_path.glob("a.hippo*") if file.is_file())


def test_an_update_pays_only_for_the_passages_that_changed(opens: Opens) -> None:
    """Passages of a long document that stay as they are keep what was read in them."""

    def answer(messages: list[dict[str, Any]]) -> str:
        return '{"entities": ["Velden"], "triples": [["Velden", "has", "a harbour"]]}'

    chapters = [f"Chapter {n}. " + f"The harbour of Velden {n} was deep. " * 30 for n in range(6)]
    with LoopbackServer(answer) as server, opens(server.base_url) as memory:
        memory_id = memory.add("\n\n".join(chapters), title="Velden")
        before = len(server.requests)
        assert before > 3
        chapters[5] = "Chapter 5. " + "The harbour of Velden 5 was full. " * 30
        memory.update(memory_id, text="\n\n".join(chapters))
        assert 0 < len(server.requests) - before < before
        with opens(server.base_url) as fresh:
            fresh.add("\n\n".join(chapters), title="Velden")
            facts = [line for line in fresh.export().splitlines() if '"relation": "contribution"' in line]
        assert facts == [line for line in memory.export().splitlines() if '"relation": "contribution"' in line]


def test_a_share_reads_so_many_and_more_on_demand(opens: Opens, tmp_path: Path) -> None:
    """Of what is handed in, the share is read once; a larger share later adds to it."""
    path = tmp_path / "a.hippo"
    with LoopbackServer(well_read) as server:
        with opens(server.base_url, path, share=0.25) as memory:
            memory.add_many(documents(SIZE))
            assert triples(memory) == SIZE // 4
            assert (memory.stats().pending, memory.stats().passages) == (0, SIZE)
            memory.add_many(documents(SIZE))
            assert len(server.requests) == SIZE // 4
        with opens(server.base_url, path, share=0.5) as memory:
            memory.add_many(documents(SIZE))
            assert triples(memory) == SIZE // 2
        assert len(server.requests) == SIZE // 2


@pytest.mark.parametrize("passages_per_call", [1, 4])
def test_failed_passages_are_listed_and_retried_alone(calm: str, opens: Opens, passages_per_call: int) -> None:
    """One passage that the model will not read fails with the reason; asking again asks about it only."""
    broken = True

    def answer(messages: list[dict[str, Any]]) -> str:
        import json
        import re

        told = str(messages[-1]["content"])
        numbers = re.findall(r"Keeper number (\w+) lit", told)
        if broken and "7" in numbers:
            return "no"
        facts = [[[f"Keeper {n}", "lit", f"Lamp {n}"]] for n in numbers]
        if len(numbers) == 1:
            return json.dumps({"entities": [], "triples": facts[0]})
        return json.dumps(
            {"passages": [{"passage": i + 1, "entities": [], "triples": each} for i, each in enumerate(facts)]}
        )

    with LoopbackServer(answer) as server, opens(server.base_url, passages_per_call=passages_per_call) as memory:
        assert memory.add_many(documents(SIZE)).failed == 1
        ((passage_id, reason, attempts),) = memory.failures()
        assert memory.get(passage_id).title == "Lamp 7"
        assert "loopback" in reason
        assert attempts == 1
        broken, before = False, len(server.requests)
        assert memory.resume(retry_failed=True) == 0
        assert len(server.requests) == before + 1
        assert memory.export() == calm
