"""``hippomem index`` as a process that is killed, a server that misbehaves, and what the two have written down."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hippomem.store.readings import text_hash
from hippomem.testing.llm_server import LlmServer, Served

#: Calls under way at once: what the server allows, and so the most that one kill can lose.
CONCURRENCY = 50
#: Seconds without an answer until a call is given up.
TIMEOUT = 2
#: Seconds that any process may take.
PATIENCE = 600


@dataclass(frozen=True)
class Corpus:
    """A folder with ``corpus.jsonl`` and ``openie.jsonl``; every document is one passage."""

    folder: Path

    @property
    def texts(self) -> dict[bytes, str]:
        """Hash of title and text, as the store knows it → the passage's id, as the server's log knows it."""
        with (self.folder / "corpus.jsonl").open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return {text_hash(row["title"], row["text"]): row["_id"] for row in rows}

    def server(self, log: Path, **options: object) -> LlmServer:
        """A server that knows its answers."""
        return LlmServer(
            self.folder / "corpus.jsonl", self.folder / "openie.jsonl", log, at_once=CONCURRENCY, **options
        )


class Indexing:
    """A store that ``hippomem index`` writes, asking a server."""

    def __init__(self, corpus: Corpus, store: Path, server: LlmServer) -> None:
        self.corpus = corpus
        self.store = store
        self.server = server
        self._environment = {**os.environ, "OPENAI_API_KEY": "sk-loopback"}
        self._environment.pop("OPENAI_BASE_URL", None)

    def run(self, *more: str) -> dict[str, Any]:
        """To its end; the summary. Raises AssertionError for an exit code that means more than failed passages."""
        with self.start(*more) as process:
            out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, 5), f"exit code {process.returncode}: {err}"
        summary: dict[str, Any] = json.loads(out)
        return summary

    def run_and_kill(self, served: int, delay: float) -> None:
        """Kill it once the server has given that many valid answers in all, and *delay* seconds later."""
        with self.start() as process:
            self.await_answers(process, served)
            time.sleep(delay)
            process.kill()
            _, err = process.communicate()
        assert process.returncode < 0, f"over before it was killed, exit code {process.returncode}: {err}"

    def start(self, *more: str) -> subprocess.Popen[str]:
        """The process."""
        url = self.server.base_url
        command = [sys.executable, "-m", "hippomem.cli", "index", str(self.corpus.folder), "--store", str(self.store)]
        command += ["--extractor", "llm", "--llm-model", "loopback", "--llm-base-url", url]
        command += ["--embedder", f"openai:hash@{url}", "--no-chunk", "--json", "--call-timeout", str(TIMEOUT), *more]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment
        )

    def await_answers(self, process: subprocess.Popen[str], count: int) -> None:
        """Wait until the server has given that many valid answers in all, while the process runs."""
        start = time.monotonic()
        while self.valid_answers() < count:
            assert process.poll() is None, f"over too early: {process.communicate()[1]}"
            assert time.monotonic() - start < PATIENCE, "the server gives no more valid answers"
            time.sleep(0.02)

    def valid_answers(self) -> int:
        """How many the server has given so far."""
        return sum(served.outcome == "valid" for served in self.server.served())

    def stored(self) -> set[str]:
        """The passages whose answers are in the store, by the ids of the corpus."""
        if not self.store.exists():
            return set()
        with closing(sqlite3.connect(self.store)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'readings'").fetchone():
                return set()
            rows = db.execute("SELECT text_hash FROM readings WHERE state IN ('answered', 'used')").fetchall()
        ids = self.corpus.texts
        return {ids[text] for (text,) in rows}

    def export(self) -> str:
        """The canonical export."""
        out = self.store.with_suffix(".jsonl")
        command = [sys.executable, "-m", "hippomem.cli", "export", "--store", str(self.store), "--out", str(out)]
        subprocess.run([*command, "--format", "jsonl"], check=True, capture_output=True, timeout=PATIENCE)
        return out.read_text("utf-8")


@dataclass(frozen=True)
class Chaos:
    """What was seen of a run that was killed. stored_at: after each kill, how long the server's log was, and what was
    stored. rounds: runs with --retry-failed until nothing was failed.
    """

    served: Sequence[Served]
    stored_at: Sequence[tuple[int, set[str]]]
    summary: dict[str, Any]
    rounds: int


def run_chaos(indexing: Indexing, *, passages: int, kills: int, seed: int) -> Chaos:
    """Index, killed so many times at moments drawn from *seed*, then to the end, then until nothing is failed."""
    chance = random.Random(seed)
    stored_at = []
    for number in range(kills):
        # One moment in each part of the way, and never before the run has had an answer of its own: else it shows nothing.
        served = int((number + chance.random()) / kills * 0.9 * passages)
        indexing.run_and_kill(max(served, indexing.valid_answers() + 1), chance.uniform(0.0, 0.3))
        time.sleep(0.2)  # the server notices that its client is gone
        stored = indexing.stored()
        stored_at.append((len(indexing.server.served()), stored))
    summary, rounds = indexing.run(), 0
    while summary["failed"]:
        rounds += 1
        assert rounds <= 10, summary["failures"][:3]
        summary = indexing.run("--retry-failed")
    return Chaos(indexing.server.served(), stored_at, summary, rounds)


def check_nothing_is_paid_twice(chaos: Chaos, *, passages: int) -> None:
    """No passage whose answer was stored is asked about again; a kill loses at most the calls under way."""
    for length, stored in chaos.stored_at:
        again = {passage for served in chaos.served[length:] for passage in served.passages} & stored
        assert not again, f"asked again although their answers were stored: {sorted(again)[:5]} ({len(again)})"
    valid = sum(served.outcome == "valid" for served in chaos.served)
    assert passages <= valid <= passages + len(chaos.stored_at) * CONCURRENCY
