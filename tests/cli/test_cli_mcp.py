"""``hippomem mcp``: what it prints for a host, and what it refuses. The server itself: tests/server/mcp/."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("mcp", reason="the mcp package is not installed")

import asyncio

from mcp import Client, StdioServerParameters

from hippomem.server.access import Keys
from hippomem.store import Store

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]


def entry(printed: Any) -> Any:
    """The one server of a printed configuration."""
    return printed["mcpServers"]["hippomem"]


def test_json_is_an_entry_that_starts_the_server(run: Run, store: Path) -> None:
    """Started exactly as printed, by the SDK's client, the server answers; nothing is made before."""
    ran = run("mcp", "--store", store, "--namespace", "home", "--user", "anna", "--json")
    assert ran.code == 0
    assert not store.exists()
    printed = entry(ran.json)
    assert printed["args"][-6:] == ["--store", str(store.absolute()), "--namespace", "home", "--user", "anna"]

    async def main() -> str:
        async with Client(StdioServerParameters(**printed, env={"PYTHONPATH": str(ROOT)})) as client:
            return client.server_info.name

    assert asyncio.run(main()) == "hippomem"
    assert store.exists()


def test_json_of_http_is_where_it_will_be(run: Run, store: Path) -> None:
    """The URL, with brackets around an address of IPv6."""
    assert entry(run("mcp", "--store", store, "--http", "--json").json)["url"] == "http://127.0.0.1:8766/mcp"
    ran = run("mcp", "--store", store, "--http", "--host", "::1", "--port", 9000, "--json")
    assert entry(ran.json) == {"type": "http", "url": "http://[::1]:9000/mcp"}


def test_a_home_folder_needs_no_shell(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hosts start servers without one, so ~ is read here."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(tmp_path / "notes.hippo") in entry(run("mcp", "--store", "~/notes.hippo", "--json").json)["args"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - refused is what is tested
def test_a_public_address_needs_keys(run: Run, store: Path, host: str) -> None:
    """Without any, the server does not start, and says what to do."""
    ran = run("mcp", "--store", store, "--http", "--host", host)
    assert ran.code == 2
    assert "hippomem keys create" in ran.err


def test_a_port_in_use_is_said(run: Run, store: Path) -> None:
    """With the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("mcp", "--store", store, "--http", "--port", port)
    assert ran.code == 2
    assert f"cannot listen at 127.0.0.1:{port}" in ran.err


@contextmanager
def serving(store: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``hippomem mcp --http`` on a free port; its URL and process."""
    command = [sys.executable, "-m", "hippomem.cli", "mcp", "--store", str(store), "--http", "--port", "0", *options]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    # What a shell starts in the background ignores Ctrl-C, and so do its children, unless they are told otherwise.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, text=True, cwd=ROOT, preexec_fn=heeding, **pipes) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            assert line.startswith("MCP at http://127.0.0.1:"), line + server.stderr.read()
            yield line.removeprefix("MCP at ").strip(), server
        finally:
            server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_http_serves_until_it_is_asked_to_stop(number: signal.Signals, store: Path) -> None:
    """The official client remembers and recalls; at a signal the store is closed and the process ends in order."""

    async def main(url: str) -> None:
        async with Client(url) as client:
            added = await client.call_tool("remember", {"text": "The hare runs."})
            assert added.structured_content["added"] == 1
            found = await client.call_tool("recall", {"query": "Who runs?"})
            assert "The hare runs." in found.content[0].text  # type: ignore[union-attr]

    with serving(store) as (url, server):
        asyncio.run(main(url))
        os.kill(server.pid, number)
        assert server.wait(15) == (0 if number == signal.SIGTERM else 130)
        assert server.stdout is not None
        assert server.stderr is not None
        assert server.stdout.read() == ""
        log = server.stderr.read()
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert {(line["method"], line["route"], line["status"]) for line in lines} == {("POST", "/mcp", 200)}
        assert "hare" not in log
        assert "Who runs" not in log
    assert not store.with_name(store.name + "-wal").exists()


def test_a_key_made_while_it_runs_counts_at_once(store: Path) -> None:
    """Another process makes a key; from then on nobody is served without one."""
    import httpx2

    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"accept": "application/json, text/event-stream"}
    with serving(store) as (url, _), httpx2.Client(trust_env=False) as http:
        assert http.post(url, json=body, headers=headers).status_code == 200
        with Store.open(store, create=False) as opened:
            _, key = Keys(opened).create("one", "read", ["home"])
        assert http.post(url, json=body, headers=headers).status_code == 401
        assert http.post(url, json=body, headers=headers | {"authorization": f"Bearer {key}"}).status_code == 200
        assert json.loads(http.post(url, json=body, headers=headers).text)["error"]["type"] == "UnauthenticatedError"
