"""``python -m eval bench serve``: a small whole run, and each part of it against real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from eval.__main__ import main
from eval.bench.serve.command import prepare
from eval.bench.serve.load import Answer, Load, Order, Outcome, Request, run_load
from eval.bench.serve.material import Feed, Material, material, word_of
from eval.bench.serve.phases import Bench, figures_of, mark
from eval.bench.serve.server import Server, cpu_seconds_of_group
from eval.bench.serve.wire import Connection
from hippomem.errors import ConfigError, HippomemError
from hippomem.memory import Memory
from hippomem.server.app import create_app
from hippomem.server.settings import ServerSettings
from hippomem.testing import HashEmbedder

HOST = "127.0.0.1"
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def test_a_small_run_loses_nothing_that_was_acknowledged(
    bridge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All phases with a real server and a real encoder; the JSON holds what the tables show, and names no folder."""
    out = tmp_path / "out.json"
    sizes = ("--passages", "200", "--connections", "4", "--seconds", "2", "--adds", "0.3")
    assert main(["bench", "serve", str(bridge), *sizes, "--embedder", "minilm-int8", "--json", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["store"]["passages"] == 200
    assert report["store"]["generated"] == 168
    for phase in ("single", "closed", "open"):
        figures = report[phase]
        assert figures["errors"] == 0
        assert figures["answered"] > 0
        assert figures["cores"]["client"] < 0.5
    kinds = report["single"]["kinds"]
    assert list(kinds) == ["search, explained", "search", "add", "search after an add"]
    assert all(0 < kind["p50"] <= kind["p95"] <= kind["p99"] for kind in kinds.values())
    assert report["open"]["rate"] == pytest.approx(report["closed"]["per_second"] / 2)
    assert report["storm"]["acknowledged"] > 0
    assert report["storm"]["cut_off"] > 0  # it was killed while it was asked
    kept = report["kept"]
    assert kept["acknowledged"] >= report["storm"]["acknowledged"] + kinds["add"]["answered"]
    assert kept["there"] == kept["found"] == kept["acknowledged"]
    assert report["mark"]["acknowledged_all_kept"]
    assert report["questions"]["repeated"] == 0
    assert {"uvicorn", "fastapi", "onnxruntime"} <= report["provenance"]["versions"].keys()
    shown = capsys.readouterr().out
    assert "kill -9" in shown
    assert "share" in shown
    assert str(tmp_path) not in text


# -- a server in this process, with an encoder that costs nothing --------------------------------------------------------


class InProcess(Server):
    """The app behind uvicorn in a thread."""

    def __init__(self, port: int) -> None:
        self.host, self.port, self.start_seconds = HOST, port, 0.5

    def cpu_seconds(self) -> float | None:
        return None


@pytest.fixture(scope="module")
def made_of() -> Material:
    return material(None, 40, 0)


@pytest.fixture
def server(tmp_path: Path, made_of: Material) -> Iterator[Server]:
    """A server over forty passages."""
    store = tmp_path / "served.hippo"
    with Memory(store, embedder=HashEmbedder()) as memory:
        memory.add_many(made_of.documents)
    app = create_app(ServerSettings(store=str(store), port=0, rate=0), embedder=HashEmbedder())
    served = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=served.run)
    thread.start()
    until = time.monotonic() + 30
    while not served.started and time.monotonic() < until:
        time.sleep(0.01)
    yield InProcess(served.servers[0].sockets[0].getsockname()[1])
    served.should_exit = True
    thread.join()


@pytest.fixture
def bench(made_of: Material) -> Bench:
    return Bench(Feed(made_of), connections=4, adds=0.5, seconds=1.0, rng=random.Random(0))


def test_what_is_added_is_looked_for_by_id_and_by_word(server: Server, bench: Bench) -> None:
    """All are there; one that was never added is missing, and one whose word nobody wrote is not found."""
    figures = bench.open(server, 20.0)
    assert figures["errors"] == 0
    assert figures["cores"]["server"] is None
    added = figures["kinds"]["add"]["answered"]
    assert added == len(bench.acknowledged) > 0
    kept = bench.kept(server)
    assert (kept["acknowledged"], kept["there"], kept["found"]) == (added, added, added)
    first, second = list(bench.acknowledged)[:2]
    bench.acknowledged[first], bench.acknowledged["m-unknown"] = bench.acknowledged[second], word_of(10**6)
    kept = bench.kept(server)
    assert kept["acknowledged"] == added + 1
    assert kept["there"] == added
    assert kept["found"] >= added - 1


def test_a_closed_loop_ends_with_its_time_and_what_it_did_not_send_is_sent_later(server: Server, bench: Bench) -> None:
    """No question and no text is passed over or sent twice."""
    figures = bench.closed(server)
    assert 0.9 < figures["seconds"] < 5
    assert figures["errors"] == 0
    assert bench.feed.asked + bench.feed.added == figures["sent"]
    assert bench.feed.added == len(bench.acknowledged)


def test_errors_of_the_server_are_counted(server: Server, bench: Bench) -> None:
    """A text that is refused is an error, not an acknowledged add."""
    bad = Request("add", "POST", "/v1/memories", json.dumps({"text": " "}))
    outcome = run_load(Order(server.host, server.port, [bad, bench.feed.search()]))
    figures = figures_of(outcome, None)
    assert figures["statuses"] == {"422": 1, "200": 1}
    assert (figures["errors"], figures["answered"]) == (1, 1)


# -- the client, against servers that misbehave --------------------------------------------------------------------------


def speaking(speak: Speak, ask: Callable[[int], Awaitable[Any]]) -> Any:
    """What *ask* gets when it asks a server that speaks so, at its port."""

    async def run() -> Any:
        async with await asyncio.start_server(speak, HOST, 0) as listener:
            return await ask(listener.sockets[0].getsockname()[1])

    return asyncio.run(run())


def answering(*pieces: bytes, seconds: Sequence[float] = (), close: bool = False) -> Speak:
    """Answer each request with these pieces. seconds: how long each request waits; those beyond do not.

    close: close the connection after each.
    """
    waits = iter(seconds)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while await reader.readline():
                while (await reader.readline()).strip():
                    pass
                await asyncio.sleep(next(waits, 0.0))
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.005)
                if close:
                    return

    return speak


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def test_an_answer_may_come_in_pieces() -> None:
    """Wherever it is cut."""

    async def ask(port: int) -> list[tuple[int, bytes]]:
        connection = Connection(HOST, port)
        return [await connection.ask("GET", "/"), await connection.ask("GET", "/")]

    for at in (3, 20, len(OK) - 3, len(OK) - 1):
        assert speaking(answering(OK[:at], OK[at:]), ask) == [(200, b"{}")] * 2


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\n\r\n{}", b"no such thing\r\n\r\n", b""])
def test_what_is_no_answer_is_an_error(piece: bytes) -> None:
    """Without a length, without a status, or nothing at all before the connection ends."""

    async def ask(port: int) -> None:
        with pytest.raises(OSError):  # noqa: PT011
            await Connection(HOST, port).ask("GET", "/")

    speaking(answering(piece, close=True), ask)


def test_a_connection_that_the_server_closed_is_opened_again() -> None:
    """As servers do that were not asked for a while."""

    async def ask(port: int) -> list[int]:
        connection, found = Connection(HOST, port), []
        for _ in range(3):
            found.append((await connection.ask("GET", "/"))[0])
            await asyncio.sleep(0.05)
        return found

    assert speaking(answering(OK, close=True), ask) == [200, 200, 200]


def _requests(count: int) -> list[Request]:
    return [Request("search", "GET", "/") for _ in range(count)]


def test_by_schedule_a_server_that_stands_still_is_seen_by_all_that_wait() -> None:
    """The first takes 0.4 s on the only connection; those due at 0.1 and 0.2 s wait for it, and it counts."""

    async def ask(port: int) -> Outcome:
        return await Load(Order(HOST, port, _requests(3), due=[0.0, 0.1, 0.2])).run()

    outcome = speaking(answering(OK, seconds=[0.4]), ask)
    assert [answer.status for answer in outcome.answers] == [200, 200, 200]
    for answer, least in zip(outcome.answers, (0.4, 0.3, 0.2), strict=True):
        assert least <= answer.seconds < least + 0.3


def test_without_a_server_every_scheduled_request_is_an_error() -> None:
    """The server ends with the first request: what was due later is counted, not left out."""

    async def ask(port: int) -> Outcome:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listener.close()
            writer.close()

        listener = await asyncio.start_server(speak, HOST, port=0)
        with closing(listener):
            own = listener.sockets[0].getsockname()[1]
            return await Load(Order(HOST, own, _requests(5), due=[0.0, 0.01, 0.02, 0.03, 0.04])).run()

    outcome = speaking(answering(OK), ask)
    assert sorted(answer.at for answer in outcome.answers) == [0, 1, 2, 3, 4]
    assert {answer.status for answer in outcome.answers} == {0}


def test_a_client_that_fails_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody listens: no figures instead of empty ones."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(HippomemError, match="exit code 1"):
        run_load(Order(HOST, port, _requests(1)))
    assert "ConnectionRefusedError" in capfd.readouterr().err


# -- figures and stores --------------------------------------------------------------------------------------------------


def answer(kind: Any, done: float, status: int = 200, due: float = 0.0) -> Answer:
    return Answer(kind, 0, status, due, due, done)


def test_figures_by_hand() -> None:
    """Two searches of 1 and 3 s, one error, a warm-up that does not count; 4 s of wall time, 2 of the server's."""
    answers = [answer("search", 1.0), answer("search", 4.0, due=1.0), answer("add", 2.0, 503), answer("warm-up", 9.0)]
    figures = figures_of(Outcome(answers, cpu_seconds=0.4, seconds=4.0), 2.0)
    assert figures["kinds"]["search"]["p50"] == 2.0
    assert figures["kinds"]["add"] == {"answered": 0, "per_second": 0.0}
    assert (figures["answered"], figures["errors"], figures["per_second"]) == (2, 1, 0.5)
    assert figures["statuses"] == {"200": 2, "503": 1}
    assert figures["cores"] == {"client": 0.1, "server": 0.5}


@pytest.mark.parametrize(
    ("p95", "errors", "found", "is_held"),
    [(0.09, 0, 7, True), (0.1, 0, 7, False), (0.09, 1, 7, False), (0.09, 0, 6, False)],
)
def test_the_mark(p95: float, errors: int, found: int, is_held: bool) -> None:
    """Under ten times one client's p50, no error, nothing lost."""
    phase = {"errors": 0, "kinds": {"search": {"p50": 0.01, "p95": p95}}}
    kept = {"acknowledged": 7, "there": 7, "found": found}
    report = {"single": phase, "closed": phase, "open": {**phase, "errors": errors}, "kept": kept}
    assert mark(report)["is_held"] is is_held


def test_questions_and_words_differ() -> None:
    """No cache answers a question again, and no text has another's word; the same seed gives the same."""
    made = material(None, 40, 0)
    assert len(made.documents) == 40
    assert len(set(made.questions)) == len(made.questions) > 300
    assert made == material(None, 40, 0)
    assert len({word_of(number) for number in range(5000)}) == 5000


def test_a_sets_passages_and_questions_come_first(bridge: Path) -> None:
    """Its one question is among the made ones; generated passages stand behind its own."""
    made = material(bridge, 50, 0)
    assert [document.source_id for document in made.documents[:2]] == ["comet", "rock"]
    assert made.described()["generated"] == 18
    assert made.given == 1
    assert "Which pet lives where Comet Sorrel was discovered?" in made.questions
    assert len(material(bridge, 20, 0).documents) == 20


def test_a_kept_store_is_used_only_for_what_it_was_made_of(
    made_of: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made once, copied the second time; refused for other passages, or without its record."""
    made: list[Path] = []

    def index(what: Material, file: Path, embedder: str | None) -> None:
        made.append(file)
        with Memory(file, embedder=HashEmbedder()) as memory:
            memory.add_many(what.documents)

    monkeypatch.setattr("eval.bench.serve.command.index", index)
    kept = tmp_path / "kept.hippo"
    for name in ("a.hippo", "b.hippo"):
        prepare(made_of, tmp_path / name, kept=kept, embedder=None)
        with Memory(tmp_path / name, embedder=HashEmbedder(), create=False) as memory:
            assert memory.count() == 40
    assert made == [tmp_path / "a.hippo"]
    with pytest.raises(ConfigError, match="was made of"):
        prepare(material(None, 41, 0), tmp_path / "c.hippo", kept=kept, embedder=None)
    (tmp_path / "kept.hippo.bench.json").unlink()
    with pytest.raises(ConfigError, match="no record"):
        prepare(made_of, tmp_path / "c.hippo", kept=kept, embedder=None)


def test_the_processor_time_of_a_group_is_counted() -> None:
    """Work of this process shows in its own group."""
    import os

    before = cpu_seconds_of_group(os.getpgrp())
    if before is None:
        pytest.skip("this system does not tell processor times of other processes")
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    after = cpu_seconds_of_group(os.getpgrp())
    assert after is not None
    assert after - before >= 0.05
