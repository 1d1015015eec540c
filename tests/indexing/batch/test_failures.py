"""Reading through a Batch API, when requests, jobs, calls or the vendor fail."""

from __future__ import annotations

import errno
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.errors import ModelAuthError, ModelError, ModelUnavailableError, StoreFullError
from hippomem.models.batch_api import BatchApi
from hippomem.store.store import Store
from hippomem.testing import Fault, LoopbackServer, RecordedRequest
from indexing.asking.batch import BatchStatus, Limits, Timing
from indexing.asking.batch.blocks import Block
from indexing.extract.llm import Scheme
from tests.indexing.batch.made import (
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


def about(request: RecordedRequest) -> list[int]:
    """The numbers of the towns that a request asks about."""
    words = request.body["messages"][-1]["content"].split()
    return [int(words[at + 1]) for at, word in enumerate(words[:-2]) if word == "Town" and words[at + 2] == "lies"]


def fails(chosen: Callable[[int], bool], fault: Fault, times: int = 10**9) -> Callable[[RecordedRequest], Fault | None]:
    """Requests about chosen towns go wrong, the first *times* times that they come."""
    seen: Counter[int] = Counter()

    def choose(request: RecordedRequest) -> Fault | None:
        numbers = [number for number in about(request) if chosen(number)]
        seen.update(numbers)
        return fault if any(seen[number] <= times for number in numbers) else None

    return choose


@pytest.mark.parametrize("fault", [Fault.cut_json(), Fault.wrong_types(), Fault.failed(500), Fault.empty_choices()])
def test_unusable_answers_and_failed_lines_are_asked_again(tmp_path: Path, fault: Fault) -> None:
    """What fails twice succeeds at the third job; answers of the others are asked for once."""
    path, purse = make_store(tmp_path / "a.hippo", 9), Purse()
    with LoopbackServer(chat, batches=True, faults=fails(lambda n: n % 3 == 0, fault, times=2)) as server:
        assert read(path, server.base_url, purse=purse).outcome == "finished"
        assert len(vendor(server).batch_ids) == 3
        assert len(server.requests) == 9 + 3 + 3
        # What had to be asked again has room for twice as long an answer: it may have been cut.
        limits = [request.body["max_tokens"] for request in server.requests]
        assert limits == [limits[0]] * 9 + [2 * limits[0]] * 6
    assert states(path) == {"answered": 9}
    assert {number: row[3] for number, row in rows(path).items() if row[3]} == {0: 2, 3: 2, 6: 2}
    check_answers(path)
    # An answer of no use has its price; a failed line has none.
    assert purse.spent.calls == (9 if fault.status else 15)


def test_after_three_tries_a_passage_has_failed_with_the_reason(tmp_path: Path) -> None:
    """Three jobs, then `failed`; nothing else is asked again, and a later run leaves it alone."""
    path, purse = make_store(tmp_path / "a.hippo", 4), Purse()
    faults = fails(lambda n: n == 2, Fault.bad_request("the text offends this model"))
    with LoopbackServer(chat, batches=True, faults=faults) as server:
        ended = read(path, server.base_url, purse=purse)
        assert (ended.outcome, ended.status.answered, ended.status.gave_up) == ("finished", 3, 1)
        assert read(path, server.base_url).outcome == "finished"
        assert len(server.requests) == 4 + 1 + 1
    state, answer, error, attempts = rows(path)[2]
    assert (state, answer, attempts) == ("failed", None, 3)
    assert error == "400: the text offends this model"
    assert (purse.answered, purse.failed) == (3, 1)


def test_one_unusable_part_costs_the_others_of_its_request_nothing(tmp_path: Path) -> None:
    """Of five passages a request one has no part in the answer: it alone is asked again, and alone."""
    scheme = Scheme(passages_per_call=5)

    def without_seven(messages: list[dict[str, Any]]) -> str:
        answer = json.loads(chat(messages))
        if "passages" in answer:
            answer["passages"] = [row for row in answer["passages"] if row["entities"][0] != "Town 7"]
        return json.dumps(answer)

    path = make_store(tmp_path / "a.hippo", 10, scheme)
    with LoopbackServer(without_seven, batches=True) as server:
        read(path, server.base_url, scheme=scheme)
        assert [about(request) for request in server.requests] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [7]]
    assert states(path) == {"answered": 10}
    check_answers(path)


def test_a_passage_that_is_too_long_fails_at_once(tmp_path: Path) -> None:
    """Asking again would not make it shorter; the reason says what does."""
    path = make_store(tmp_path / "a.hippo", 2)
    fault = Fault.bad_request("This model's maximum context length is 512 tokens")
    with LoopbackServer(chat, batches=True, faults=fails(lambda n: n == 1, fault)) as server:
        read(path, server.base_url)
        assert len(server.requests) == 2
    assert rows(path)[1][0] == "failed"
    assert "without --batch-api" in str(rows(path)[1][2])


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens"),
        ("Unsupported value: 'temperature' does not support 0.0", "temperature"),
        ("Invalid parameter: 'response_format' of type 'json_schema' is not supported", "json_schema"),
    ],
)
def test_a_parameter_that_is_refused_is_left_out_of_the_next_job(tmp_path: Path, said: str, field: str) -> None:
    """A refusal of the form is no failure of a passage: it costs no try, and the next job is sent without."""

    def refuse(request: RecordedRequest) -> Fault | None:
        return Fault.bad_request(said) if f'"{field}"' in json.dumps(request.body) else None

    path = make_store(tmp_path / "a.hippo", 5)
    with LoopbackServer(chat, batches=True, faults=refuse) as server:
        read(path, server.base_url)
        assert len(vendor(server).batch_ids) == 2
    assert states(path) == {"answered": 5}
    assert {row[3] for row in rows(path).values()} == {0}


def test_a_refusal_in_other_words_changes_no_form(tmp_path: Path) -> None:
    """One passage that a filter refuses must not cost all others their schema."""
    path = make_store(tmp_path / "a.hippo", 4)
    faults = fails(lambda n: n == 1, Fault.bad_request("content management policy"), times=1)
    with LoopbackServer(chat, batches=True, faults=faults) as server:
        read(path, server.base_url)
        assert {request.body["response_format"]["type"] for request in server.requests} == {"json_schema"}
    assert states(path) == {"answered": 4}


def test_an_expired_job_keeps_what_was_answered(tmp_path: Path) -> None:
    """Half of 10 was answered: the other half is in the next job, and no try is counted."""
    path = make_store(tmp_path / "a.hippo", 10)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).expires_after = 0.5
        ended = read(path, server.base_url, wait=False)
        assert ended.outcome == "submitted"
        assert read(path, server.base_url, wait=False).passages == 5
        vendor(server).expires_after = None
        assert read(path, server.base_url).outcome == "finished"
        assert sorted(vendor(server).served.values()) == [1] * 10
        assert vendor(server).files == {}
    assert states(path) == {"answered": 10}
    assert {row[3] for row in rows(path).values()} == {0}


def test_a_job_that_expires_without_any_answer_ends_the_run(tmp_path: Path) -> None:
    """Sending it again and again would go on for ever; the passages still wait."""
    path = make_store(tmp_path / "a.hippo", 3)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).expires_after = 0.0
        with pytest.raises(ModelUnavailableError, match=r"expired .* without an answer to any of its 3 requests"):
            read(path, server.base_url)
    assert (states(path), jobs_left(path)) == ({"wanted": 3}, (0, 0))


def test_a_job_that_somebody_cancelled_is_not_sent_again_unasked(tmp_path: Path) -> None:
    """What it had answered is stored; the error says so; the next run sends the rest."""
    path = make_store(tmp_path / "a.hippo", 8)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).seconds = 3600.0
        read(path, server.base_url, wait=False)
        vendor(server).cancel(vendor(server).batch_ids[0])
        with pytest.raises(ModelError, match=r"was cancelled at .* 4 passages still wait"):
            read(path, server.base_url)
        assert states(path) == {"answered": 4, "wanted": 4}
        vendor(server).seconds = 0.0
        assert read(path, server.base_url).outcome == "finished"
        assert sorted(vendor(server).served.values()) == [1] * 8


def test_a_refused_job_says_why_in_the_vendors_words(tmp_path: Path) -> None:
    """Nothing was paid, the passages wait, the file is gone."""
    path = make_store(tmp_path / "a.hippo", 3)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).errors = [{"code": "model_mismatch", "message": "No such model: 'loopback'.", "line": 2}]
        with pytest.raises(
            ModelError, match=r"refused batch .* No such model: 'loopback'\. \(line 2\); nothing was paid"
        ):
            read(path, server.base_url)
        assert vendor(server).files == {}
        assert server.requests == []
        assert (states(path), jobs_left(path)) == ({"wanted": 3}, (0, 0))
        vendor(server).errors = []
        assert read(path, server.base_url).outcome == "finished"
    assert {row[3] for row in rows(path).values()} == {0}


def test_a_full_queue_at_the_vendor_makes_jobs_smaller(tmp_path: Path) -> None:
    """A queue of 5 requests: jobs of 16, of 8, and of 4, of which some may be refused while others are in."""
    path = make_store(tmp_path / "a.hippo", 16)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).queue = 5
        assert read(path, server.base_url, limits=Limits(requests=16)).outcome == "finished"
        assert sorted(vendor(server).served.values()) == [1] * 16
    assert states(path) == {"answered": 16}


def test_a_vendor_that_takes_few_jobs_at_a_time_gets_the_others_later(tmp_path: Path) -> None:
    """429 at the start of a third job: it waits for the first two to end, and nothing of it is left at the vendor."""
    path = make_store(tmp_path / "a.hippo", 20)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).most_jobs, vendor(server).seconds = 2, 0.2
        assert read(path, server.base_url, limits=Limits(requests=4)).outcome == "finished"
        assert len(vendor(server).batch_ids) == 5
        assert sorted(vendor(server).served.values()) == [1] * 20
        assert vendor(server).files == {}
    assert states(path) == {"answered": 20}


def test_a_request_that_no_queue_has_room_for_is_an_error(tmp_path: Path) -> None:
    """Smaller than one request there is nothing."""
    path = make_store(tmp_path / "a.hippo", 4)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).queue = 0
        with pytest.raises(ModelError, match="Enqueued token limit reached"):
            read(path, server.base_url)
    assert (states(path), jobs_left(path)) == ({"wanted": 4}, (0, 0))


def test_no_batch_api_is_said_before_anything_is_stored(tmp_path: Path) -> None:
    """An endpoint without the paths: the error says what to leave out."""
    path = make_store(tmp_path / "a.hippo", 1)
    with (
        LoopbackServer(chat) as server,
        pytest.raises(ModelUnavailableError, match=r"no Batch API.*leave out --batch-api"),
    ):
        read(path, server.base_url)
    assert (states(path), jobs_left(path)) == ({"wanted": 1}, (0, 0))


def test_lines_about_nothing_we_asked_are_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Unknown ids, no ids, no JSON, and a second line for the same request change nothing."""
    path, purse = make_store(tmp_path / "a.hippo", 3), Purse()
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).foreign = [
            {"custom_id": "p-of-somebody-else", "response": {"status_code": 200, "body": {}}},
            {"custom_id": None, "response": None},
            "not a row",  # type: ignore[list-item]
        ]
        read(path, server.base_url, purse=purse)
    assert (
        "1 lines are about passages that do not wait for it (any more), the first 'p-of-somebody-else'" in caplog.text
    )
    assert states(path) == {"answered": 3}
    assert purse.spent.calls == 3
    check_answers(path)


def test_requests_without_a_line_are_asked_again(tmp_path: Path) -> None:
    """A completed job that says nothing about a request: three times, then the passage has failed."""
    path = make_store(tmp_path / "a.hippo", 3)
    with Store.open(path) as store:
        lost = store.db.execute("SELECT passage_id FROM passages ORDER BY passage_key").fetchone()[0]
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).dropped = {lost}
        assert read(path, server.base_url).outcome == "finished"
        assert len(vendor(server).batch_ids) == 3
    assert states(path) == {"answered": 2, "failed": 1}
    assert rows(path)[0][2] == "the batch was completed without an answer"


def test_a_job_that_the_vendor_has_forgotten_is_sent_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says so: what it had cost is lost."""
    path = make_store(tmp_path / "a.hippo", 2)
    with LoopbackServer(chat, batches=True) as server:
        read(path, server.base_url, wait=False)
        with Store.open(path) as store, store.transaction() as db:
            db.execute("UPDATE batches SET vendor_id = 'batch_of_last_year'")
        assert read(path, server.base_url).outcome == "finished"
    assert "batch batch_of_last_year is unknown" in caplog.text
    assert states(path) == {"answered": 2}


@pytest.mark.parametrize("keeps_metadata", [True, False])
def test_a_job_whose_start_was_not_confirmed_is_found_and_not_started_again(
    tmp_path: Path, keeps_metadata: bool
) -> None:
    """The connection breaks when the vendor has the job: it is found by its token, or by the name of its file."""
    path, seen = make_store(tmp_path / "a.hippo", 6), list[BatchStatus]()
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).lost = ["POST /v1/batches"]
        vendor(server).keeps_metadata = keeps_metadata
        vendor(server).lists_after = 0.2
        timing = Timing(first=0.01, longest=0.02, settle=0.5)
        assert read(path, server.base_url, status=seen.append, timing=timing).outcome == "finished"
        assert len(vendor(server).batch_ids) == 1
        assert sorted(vendor(server).served.values()) == [1] * 6
    assert any("cannot be reached" in status.waiting_because for status in seen)
    assert seen[-1].waiting_because == ""


def test_calls_that_fail_are_made_again(tmp_path: Path) -> None:
    """A lost reply of any call costs time only."""
    path = make_store(tmp_path / "a.hippo", 3)
    with LoopbackServer(chat, batches=True) as server:
        vendor(server).lost = [
            "GET /v1/batches",
            "POST /v1/files",
            "GET /v1/batches/batch_3",
            "DELETE /v1/files/file-2",
        ]
        vendor(server).lost += ["GET /v1/files/file-4/content"]
        read(path, server.base_url)
        assert vendor(server).lost == []
        assert sorted(vendor(server).served.values()) == [1] * 3
    assert states(path) == {"answered": 3}


def test_a_wrong_key_ends_the_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is stored or sent."""
    path = make_store(tmp_path / "a.hippo", 1)

    async def refuse(api: BatchApi) -> None:
        raise ModelAuthError("no")

    monkeypatch.setattr(BatchApi, "check", refuse)
    with pytest.raises(ModelAuthError):
        read(path, "http://127.0.0.1:9/v1")
    assert jobs_left(path) == (0, 0)


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for the file of a job, nor for that of its answers: the next run goes on from there."""
    path = make_store(tmp_path / "a.hippo", 3)

    async def no_room(api: BatchApi, file_id: str, into: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    def no_room_either(*given: object) -> Block:
        raise OSError(errno.ENOSPC, "No space left on device")

    with LoopbackServer(chat, batches=True) as server:
        with monkeypatch.context() as patch, pytest.raises(StoreFullError, match="make room"):
            patch.setattr("indexing.asking.batch.submitting.write_block", no_room_either)
            read(path, server.base_url)
        assert jobs_left(path) == (0, 0)
        with monkeypatch.context() as patch, pytest.raises(StoreFullError, match="make room"):
            patch.setattr(BatchApi, "download", no_room)
            read(path, server.base_url)
        assert jobs_left(path) == (1, 3)
        assert read(path, server.base_url).outcome == "finished"
        assert sorted(vendor(server).served.values()) == [1] * 3
