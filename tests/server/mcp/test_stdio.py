"""The command over standard input and output, as a host starts it: a real process, the embedded model."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import Client, StdioServerParameters

from hippomem.store import Store
from tests.server.mcp.driving import INITIALIZE, Session

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def ask(work: Callable[[Session], Awaitable[T]], store: Path, *options: str, mode: str = "auto") -> T:
    """What *work* finds at a server of its own."""
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "hippomem.cli", "mcp", "--store", str(store), *options], cwd=ROOT
    )

    async def main() -> T:
        async with Client(parameters, mode=mode) as client:
            return await work(Session(client))

    return asyncio.run(main())


def start(store: Path, *options: str) -> subprocess.Popen[str]:
    """The process, for tests that speak to it line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "hippomem.cli", "mcp", "--store", str(store), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_a_memory_outlives_the_server(tmp_path: Path) -> None:
    """Remember in one process; recall, explain, correct and forget in the next, which speaks the protocol before."""
    store = tmp_path / "notes.hippo"

    async def first(s: Session) -> str:
        assert (await s.client.list_tools()).tools
        assert "Nothing found" in await s.words("recall", query="What does Ilse play?")
        await s.data("remember", text="The RV Petrel is commanded by Ilse Varnholt.")
        added = await s.data(
            "remember", text="Ilse Varnholt plays the bassoon in an orchestra.", occurred_at="2026-01-02"
        )
        stats = await s.client.read_resource("hippomem://stats")
        assert json.loads(stats.contents[0].text)["memories"] == 2  # type: ignore[union-attr]
        return str(added["memory_ids"][0])

    async def second(s: Session) -> None:
        question = "Which instrument does the captain of the RV Petrel play?"
        assert "bassoon" in await s.words("recall", query=question)
        assert "Ilse Varnholt" in await s.words("explain", query=question)
        await s.data("correct", memory_id=memory_id, text="Ilse Varnholt plays the oboe in an orchestra.")
        assert "oboe" in await s.words("recall", query=question)
        await s.data("forget", ids=[memory_id])
        assert "oboe" not in await s.words("recall", query=question)
        assert memory_id in await s.refusal("forget", ids=[memory_id])

    memory_id = ask(first, store)
    ask(second, store, mode="legacy")
    assert b"oboe" not in store.read_bytes()
    assert b"bassoon" not in store.read_bytes()
    assert not store.with_name("notes.hippo-wal").exists(), "the server closed the store when the client had gone"


def test_namespace_and_user_are_settled_by_the_command(tmp_path: Path) -> None:
    """Two entries in a host's configuration, one store: neither sees what the other stored."""
    store = tmp_path / "notes.hippo"

    async def write(s: Session) -> None:
        assert not {"user", "namespace"} & set((await s.client.list_tools()).tools[0].input_schema["properties"])
        await s.data("remember", text="The secret is cinnabar.")
        assert "cinnabar" in await s.words("recall", query="What is the secret?")

    async def read(s: Session) -> None:
        assert "cinnabar" not in await s.words("recall", query="What is the secret?")
        assert await s.words("browse") == "No memory passes."

    ask(write, store, "--namespace", "red", "--user", "anna")
    ask(read, store, "--namespace", "red", "--user", "ben")
    ask(read, store, "--namespace", "blue", "--user", "anna")


def test_nothing_but_the_protocol_goes_to_stdout(tmp_path: Path) -> None:
    """Every line is a message, also after lines that are none; when input ends the server ends, with 0."""
    call = {"name": "remember", "arguments": {"text": "The hare runs."}}
    lines = [
        json.dumps(INITIALIZE),
        json.dumps(INITIALIZED),
        "no json",
        '{"jsonrpc": "2.0", "id": 2, "method": "no/such"}',
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call}),
        json.dumps({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "recall", "arguments": {}}}),
    ]
    with start(tmp_path / "notes.hippo") as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write("\n".join(lines) + "\n")
        server.stdin.flush()
        answers: dict[Any, Any] = {}
        while not {1, 2, 3, 4} <= answers.keys():
            message = json.loads(server.stdout.readline())
            assert message["jsonrpc"] == "2.0"
            answers[message.get("id")] = message
        rest, errors = server.communicate(timeout=20)
    assert server.returncode == 0, errors
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    assert answers[1]["result"]["serverInfo"]["name"] == "hippomem"
    assert answers[2]["error"]["code"] == -32601
    assert answers[3]["result"]["structuredContent"]["added"] == 1
    assert answers[4]["result"]["isError"] is True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_though_its_input_is_open(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Ctrl-C, and a host that is done; what was acknowledged is there afterwards."""
    store = tmp_path / "notes.hippo"
    call = {"name": "remember", "arguments": {"text": "The hare runs."}}
    with start(store) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for message in (INITIALIZE, INITIALIZED, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}):
            server.stdin.write(json.dumps(message) + "\n")
        server.stdin.flush()
        while json.loads(server.stdout.readline()).get("id") != 2:
            pass
        server.send_signal(number)
        assert server.wait(10) == code
    assert not store.with_name("notes.hippo-wal").exists(), "the store was closed"
    with Store.open(store, create=False) as opened:
        assert opened.db.execute("SELECT count(*) FROM memories").fetchone() == (1,)


def test_what_keeps_it_from_starting_is_said_on_stderr(tmp_path: Path) -> None:
    """One line, the exit code of the table, and an empty stdout: the host shows the line."""
    other = tmp_path / "letter.txt"
    other.write_text("Dear Anna,", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "hippomem.cli", "mcp", "--store", str(other)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")
    assert str(other) in done.stderr
    assert other.read_text(encoding="utf-8") == "Dear Anna,"
