"""Killed at any moment, and run again: no passage is answered twice, none is left out, nothing is booked twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from hippomem.models.batch_api import BatchApi
from hippomem.store import runs
from hippomem.store.store import Store
from hippomem.testing import LoopbackServer
from indexing.asking.batch import BatchStore
from tests.indexing.batch.made import chat, check_answers, jobs_left, make_store, states, vendor

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PASSAGES = 10

#: Two runs over each store: the first is killed at its moment, the second is not. Prints what is not as it should be.
SCRIPT = """
import json, os, signal, sys, threading
from pathlib import Path
import openai
from hippomem.models.batch_api import BatchApi
from indexing.asking.batch import Limits, Timing, collecting
from indexing.asking.batch.keeping import BatchStore
from tests.indexing.batch.made import read

collecting.SAVED_TOGETHER = 3
client = openai.AsyncOpenAI(api_key="none", base_url="http://127.0.0.1:9")  # loads what it needs: once, not in each child
client.batches, client.files, client.with_options


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def arm(where, name, when, count):
    owner = {"store": BatchStore, "api": BatchApi}[where]
    real, left = getattr(owner, name), count

    def reached():
        nonlocal left
        left -= 1
        return left == 0

    async def call(*given, **options):
        if when == "during" and reached():
            threading.Timer(0.15, die).start()
        answer = await real(*given, **options)
        if when == "after" and reached():
            die()
        return answer

    def do(*given, **options):
        answer = real(*given, **options)
        if reached():
            die()
        return answer

    setattr(owner, name, call if where == "api" else do)


def in_child(job, what, *given):
    pid = os.fork()
    if pid:
        return pid
    try:
        what(*given)
    except BaseException as error:
        print(job, repr(error))
    finally:
        sys.stdout.flush()
        os._exit(0)


def run(path, base_url):
    ended = read(Path(path), base_url, limits=Limits(requests=6), timing=Timing(0.05, 0.1, 5.0, 1.5))
    if ended.outcome != "finished":
        print(path, ended)


def killed_run(path, base_url, *moment):
    arm(*moment)
    run(path, base_url)


def one_after_the_other(path, base_url, *moment):
    _, status = os.waitpid(in_child(path, killed_run, path, base_url, *moment), 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        print(moment, "was not killed", status)
    os.waitpid(in_child(path, run, path, base_url), 0)


for pid in [in_child(job, one_after_the_other, *job) for job in json.loads(sys.argv[1])]:
    os.waitpid(pid, 0)
"""

#: Whose call, which, how far into it, and at which time it is made.
MOMENTS = [
    ("store", "begin", "after", 1),  # committed, and nothing sent
    ("store", "begin", "after", 2),
    ("api", "upload", "after", 1),  # a file at the vendor, and no job
    ("api", "create", "during", 1),  # the vendor has the request, and acts on it after the death
    ("api", "create", "after", 1),  # a job at the vendor whose id is not stored
    ("api", "create", "after", 2),
    ("store", "set_vendor_id", "after", 1),
    ("api", "retrieve", "after", 1),  # while polling
    ("api", "retrieve", "after", 2),
    ("api", "download", "after", 1),
    ("store", "save", "after", 1),  # half of the answers stored
    ("store", "save", "after", 3),
    ("store", "close", "after", 1),  # all of them, and the files still at the vendor
    ("api", "delete", "after", 1),
    ("store", "drop", "after", 1),
]


def test_killed_and_run_again(tmp_path: Path) -> None:
    """Each passage is answered exactly once, the books of the runs hold each answer once, and the vendor keeps no file."""
    filled = make_store(tmp_path / "filled.hippo", PASSAGES)
    with ExitStack() as stack:
        servers, jobs = [], []
        for number, moment in enumerate(MOMENTS):
            server = stack.enter_context(LoopbackServer(chat, batches=True))
            vendor(server).seconds = 0.3
            vendor(server).starts_after = 0.4 if "during" in moment else 0.0
            path = tmp_path / f"{number}.hippo"
            path.write_bytes(filled.read_bytes())
            servers.append(server)
            jobs.append((str(path), server.base_url, *moment))
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(jobs)], capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        for server, job in zip(servers, jobs, strict=True):
            assert sorted(vendor(server).served.values()) == [1] * PASSAGES, job
            assert vendor(server).files == {}, job
            assert len(vendor(server).batch_ids) == 2, job
    for job in jobs:
        path = Path(job[0])
        assert states(path) == {"answered": PASSAGES}, job
        assert jobs_left(path) == (0, 0), job
        check_answers(path)
        with Store.open(path) as store:
            total = runs.total(store.db, 1)
        assert (total["runs"], total["calls"]) == (2, PASSAGES), job


def test_the_moments_are_all_of_the_calls_that_change_something() -> None:
    """A new call in these classes has to be killed at as well."""
    reading = {"batches", "next_wanted", "exists", "has_unanswered", "count_passages"}
    harmless = {"check", "find", "uploads", "cancel", "aclose"}  # looked at only, or said when nothing is left to lose
    calls = {name for owner in (BatchStore, BatchApi) for name in vars(owner) if not name.startswith("_")}
    assert {name for _, name, _, _ in MOMENTS} == calls - reading - harmless
