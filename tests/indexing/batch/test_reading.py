"""Reading through a Batch API, when nothing goes wrong."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hippomem.errors import ConfigError
from hippomem.memory import Memory
from hippomem.models.batch_lines import request_line
from hippomem.store import readings, runs
from hippomem.store.readings import Asked
from hippomem.store.store import Store
from hippomem.testing import HashEmbedder, LoopbackServer
from indexing.asking.batch import BatchStatus, Limits, Timing
from indexing.extract.llm import Scheme
from tests.indexing.batch.made import (
    QUICK,
    Purse,
    chat,
    check_answers,
    jobs_left,
    make_store,
    read,
    rows,
    states,
    vendor,
)


def test_every_passage_is_answered_once(tmp_path: Path) -> None:
    """One job; answers come in another order; the vendor keeps no file, and the store no job."""
    path, purse, seen = make_store(tmp_path / "a.hippo", 40), Purse(), list[BatchStatus]()
    with LoopbackServer(chat, batches=True) as server:
        ended = read(path, server.base_url, purse=purse, status=seen.append)
        assert sorted(vendor(server).served.values()) == [1] * 40
        assert len(vendor(server).batch_ids) == 1
        assert vendor(server).files == {}
        bodies = [request.body for request in server.requests]
    assert (ended.outcome, ended.batches, ended.message) == ("finished", 0, "")
    assert states(path) == {"answered": 40}
    assert jobs_left(path) == (0, 0)
    check_answers(path)
    assert (purse.answered, purse.failed, purse.spent.calls) == (40, 0, 40)
    assert ended.status.usage == purse.spent
    assert purse.spent.completion_tokens > 0
    assert (bodies[0]["model"], bodies[0]["temperature"]) == ("loopback", 0)
    assert bodies[0]["response_format"]["type"] == "json_schema"
    assert {status.total for status in seen} >= {0, 40}
    assert (seen[-1].batches, seen[-1].answered) == (0, 40)


def test_the_status_is_a_line_for_people() -> None:
    """Counts with separators; a reason to wait stands at the end."""
    status = BatchStatus(2, (("in_progress", 1), ("validating", 1)), 1200, 3, 50_000, answered=7, waiting_because="429")
    assert status.line() == (
        "2 batches at the vendor (1 in progress, 1 validating): 1,200 of 50,000 requests done, 3 failed; 7 passages "
        "answered; waiting: 429"
    )
    assert BatchStatus(answered=7).line() == "7 passages answered"


def test_nothing_to_do_sends_nothing(tmp_path: Path) -> None:
    """A second run asks nothing."""
    path = make_store(tmp_path / "a.hippo", 3)
    with LoopbackServer(chat, batches=True) as server:
        read(path, server.base_url)
        calls = len(vendor(server).calls)
        assert read(path, server.base_url).outcome == "finished"
        assert vendor(server).calls[calls:] == [("GET", "/v1/batches")]


def test_several_passages_a_request(tmp_path: Path) -> None:
    """23 passages by 5 are 5 requests; each answer reaches its own passage."""
    scheme = Scheme(passages_per_call=5)
    path = make_store(tmp_path / "a.hippo", 23, scheme)
    with LoopbackServer(chat, batches=True) as server:
        read(path, server.base_url, scheme=scheme)
        assert len(server.requests) == 5
    assert states(path) == {"answered": 23}
    check_answers(path)


def test_a_passage_that_is_forgotten_meanwhile_costs_the_others_of_its_request_nothing(tmp_path: Path) -> None:
    """Of five passages in one request the first and the last are forgotten: the others get their own answers."""
    scheme = Scheme(passages_per_call=5)
    path = make_store(tmp_path / "a.hippo", 5, scheme)
    with LoopbackServer(chat, batches=True) as server:
        assert read(path, server.base_url, scheme=scheme, wait=False).outcome == "submitted"
        with Memory(path, embedder=HashEmbedder()) as memory:
            keys = [row[0] for row in memory.store.db.execute("SELECT memory_id FROM memories ORDER BY memory_key")]
            memory.forget(keys[0])
            memory.forget(keys[4])
        assert read(path, server.base_url, scheme=scheme).outcome == "finished"
        assert len(server.requests) == 1
    assert sorted(rows(path)) == [1, 2, 3]
    assert states(path) == {"answered": 3}
    check_answers(path)


def test_jobs_are_as_large_as_the_limits(tmp_path: Path) -> None:
    """By requests: 25 in jobs of 10. By bytes: jobs of what two lines take, and a line that is too long goes alone."""
    with LoopbackServer(chat, batches=True) as server:
        read(make_store(tmp_path / "a.hippo", 25), server.base_url, limits=Limits(requests=10))
        assert len(vendor(server).batch_ids) == 3
        line = len(request_line("p-" + 24 * "0", server.requests[0].body))
    with LoopbackServer(chat, batches=True) as server:
        path = make_store(tmp_path / "b.hippo", 6)
        read(path, server.base_url, limits=Limits(size=2 * line + 50))
        assert len(vendor(server).batch_ids) == 3
        assert states(path) == {"answered": 6}
    with LoopbackServer(chat, batches=True) as server:
        path = make_store(tmp_path / "c.hippo", 3)
        read(path, server.base_url, limits=Limits(size=100))
        assert len(vendor(server).batch_ids) == 3
        assert states(path) == {"answered": 3}


def test_without_waiting_the_same_call_collects_later(tmp_path: Path) -> None:
    """wait=False sends and returns; called again too early it sends nothing more; later it collects."""
    path = make_store(tmp_path / "a.hippo", 12)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).seconds = 3600.0
        for _ in range(2):
            ended = read(path, server.base_url, wait=False)
            assert (ended.outcome, ended.batches, ended.passages) == ("submitted", 1, 12)
            assert ended.message.startswith("12 passages in 1 batch are at the vendor")
            assert "same command" in ended.message
        assert len(vendor(server).batch_ids) == 1
        vendor(server).seconds = 0.0
        assert read(path, server.base_url, wait=False).outcome == "finished"
        assert len(server.requests) == 12
    assert states(path) == {"answered": 12}


def test_passages_that_come_later_go_into_a_job_of_their_own(tmp_path: Path) -> None:
    """What is in a job is not sent again with what is new."""
    path = make_store(tmp_path / "a.hippo", 4)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).seconds = 3600.0
        read(path, server.base_url, wait=False)
        make_store(path, 7)  # three more
        assert read(path, server.base_url, wait=False).batches == 2
        vendor(server).seconds = 0.0
        read(path, server.base_url)
        assert sorted(vendor(server).served.values()) == [1] * 7
    assert states(path) == {"answered": 7}


def test_stopping_leaves_the_job_at_the_vendor(tmp_path: Path) -> None:
    """A set event ends the wait within a second; the next run collects, and nothing is sent twice."""
    path, stop = make_store(tmp_path / "a.hippo", 5), threading.Event()
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).seconds = 3600.0
        timer = threading.Timer(0.3, stop.set)
        timer.start()
        ended = read(path, server.base_url, stop=stop, timing=Timing(first=60.0))
        timer.join()
        assert (ended.outcome, ended.batches, ended.passages) == ("stopped", 1, 5)
        assert "same command" in ended.message
        assert ("POST", f"/v1/batches/{vendor(server).batch_ids[0]}/cancel") not in vendor(server).calls
        vendor(server).seconds = 0.0
        assert read(path, server.base_url).outcome == "finished"
        assert len(server.requests) == 5


def test_the_wait_between_looks_grows(tmp_path: Path) -> None:
    """Looks at 0, 0.1, 0.25, 0.475, 0.8 s, …: about six in the first second, not ten."""
    path, stop = make_store(tmp_path / "a.hippo", 1), threading.Event()
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).seconds = 3600.0
        timer = threading.Timer(1.2, stop.set)
        timer.start()
        read(path, server.base_url, stop=stop, timing=Timing(first=0.1, longest=60.0))
        timer.join()
        looks = [call for call in vendor(server).calls if call[0] == "GET" and "batch_" in call[1]]
    assert 2 <= len(looks) <= 7


def test_the_budget_is_respected_before_anything_is_sent(tmp_path: Path) -> None:
    """What is sent is expected to stay within it, with what is at the vendor; raised, the same call goes on."""
    path = make_store(tmp_path / "a.hippo", 30)
    with LoopbackServer(chat, batches=True) as server:
        one = Purse()
        read(make_store(tmp_path / "one.hippo", 1), server.base_url, purse=one)
        cost = one.asked[0].prompt_tokens + one.asked[0].completion_tokens
        vendor(server).seconds = 3600.0
        purse = Purse(tokens=10.5 * cost)
        assert read(path, server.base_url, purse=purse, wait=False).passages == 10
        assert read(path, server.base_url, purse=purse, wait=False).passages == 10, "what is sent counts as spent"
        vendor(server).seconds = 0.0
        # Words, as this server counts, are fewer than the tokens that were expected: some more can be afforded.
        ended = read(path, server.base_url, purse=purse)
        spent = purse.spent.prompt_tokens + purse.spent.completion_tokens
        assert ended.outcome == "budget"
        assert "raise it" in ended.message
        assert 10 <= purse.answered < 30
        assert spent <= purse.tokens
        assert read(path, server.base_url).outcome == "finished"
    assert states(path) == {"answered": 30}


def test_answers_belong_to_whom_was_asked(tmp_path: Path) -> None:
    """A job of one model is collected, as that model's, by a run that asks another."""
    path = make_store(tmp_path / "a.hippo", 2, model="first")
    with LoopbackServer(chat, batches=True) as server:
        read(path, server.base_url, model="first", wait=False)
        with Memory(path, embedder=HashEmbedder()) as memory, memory.store.transaction() as db:
            keys = [row[0] for row in db.execute("SELECT passage_key FROM passages")]
            readings.want(db, 1, keys, Asked("second", Scheme().version))
        assert read(path, server.base_url, model="second").outcome == "finished"
        assert {request.body["model"] for request in server.requests} == {"first"}
        with Memory(path, embedder=HashEmbedder()) as memory:
            assert {row[0] for row in memory.store.db.execute("SELECT model FROM readings")} == {"first"}


def test_two_runs_at_once_answer_and_book_everything_once(tmp_path: Path) -> None:
    """Jobs are taken by whoever comes first, and collected by both: each answer is stored and booked by one of them."""
    path = make_store(tmp_path / "a.hippo", 24)
    with LoopbackServer(chat, batches=True) as server, ThreadPoolExecutor(3) as pool:
        vendor(server).seconds = 0.1
        timing = Timing(first=0.01, longest=0.02, settle=5.0)
        under_way = [
            pool.submit(read, path, server.base_url, limits=Limits(requests=5), timing=timing) for _ in range(3)
        ]
        assert {run.result().outcome for run in under_way} == {"finished"}
        assert sorted(vendor(server).served.values()) == [1] * 24
        assert vendor(server).files == {}
    assert states(path) == {"answered": 24}
    with Store.open(path) as store:
        assert runs.total(store.db, 1)["calls"] == 24


def test_a_job_that_another_run_has_collected_is_not_waited_for(tmp_path: Path) -> None:
    """The first run sends a job and pauses; the second collects and forgets it; the first ends."""
    path, sent, stop = make_store(tmp_path / "a.hippo", 3), threading.Event(), threading.Event()

    def tell(status: BatchStatus) -> None:
        if status.batches:
            sent.set()

    with LoopbackServer(chat, batches=True) as server, ThreadPoolExecutor(1) as pool:
        timing = Timing(first=2.0, longest=2.0)
        first = pool.submit(read, path, server.base_url, status=tell, stop=stop, timing=timing)
        assert sent.wait(30.0)
        assert read(path, server.base_url).outcome == "finished"
        timer = threading.Timer(15.0, stop.set)  # a run that waits for ever would keep the test from failing
        timer.start()
        ended = first.result()
        timer.cancel()
    assert (ended.outcome, ended.status.batches) == ("finished", 0)
    assert states(path) == {"answered": 3}


def test_jobs_elsewhere_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A job at another endpoint, or with another prompt, stays where it is, and is not sent again; the log says so."""
    path = make_store(tmp_path / "a.hippo", 2)
    with LoopbackServer(chat, batches=True) as server, LoopbackServer(chat, batches=True) as other:
        read(path, server.base_url, wait=False)
        assert read(path, other.base_url).outcome == "finished"
        assert vendor(other).batch_ids == []
        assert server.base_url in caplog.text
        assert read(path, server.base_url, scheme=Scheme(form="plain")).outcome == "finished"
        assert states(path) == {"wanted": 2}
        assert read(path, server.base_url).outcome == "finished"
    assert states(path) == {"answered": 2}


def test_jobs_elsewhere_are_dropped_when_no_vendor_keeps_them(tmp_path: Path) -> None:
    """After 30 days their passages can be asked about here."""
    path = make_store(tmp_path / "a.hippo", 2)
    with LoopbackServer(chat, batches=True) as server, LoopbackServer(chat, batches=True) as other:
        read(path, server.base_url, wait=False)
        with Store.open(path) as store, store.transaction() as db:
            db.execute("UPDATE batches SET submitted_at = '2020-01-01T00:00:00.000000+00:00'")
        assert read(path, other.base_url).outcome == "finished"
    assert states(path) == {"answered": 2}


def test_two_calls_a_passage_make_no_batch(tmp_path: Path) -> None:
    """The second call needs the answer to the first."""
    scheme = Scheme(calls=2)
    with pytest.raises(ConfigError, match="leave out --batch-api"):
        read(make_store(tmp_path / "a.hippo", 1, scheme), "http://127.0.0.1:9/v1", scheme=scheme, timing=QUICK)
