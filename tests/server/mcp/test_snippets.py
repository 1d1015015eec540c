"""The configurations in the README, started as a host starts them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from hippomem.server.access import Keys
from hippomem.store import Store

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
#: Where hosts keep their servers.
TABLES = ("mcpServers", "servers", "mcp_servers", "context_servers")


def entries() -> Iterator[dict[str, Any]]:
    """The servers in the README's blocks of JSON and TOML."""
    for language, block in re.findall(r"^```(json|toml)\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S):
        try:
            parsed = json.loads(block) if language == "json" else tomllib.loads(block)
        except ValueError:
            continue  # an answer that is shown shortened, not a configuration
        for table in TABLES:
            yield from parsed.get(table, {}).values()


ENTRIES = list(entries())
STARTED = [entry for entry in ENTRIES if "command" in entry]
LINKED = [entry for entry in ENTRIES if "url" in entry]
pytestmark = pytest.mark.skipif(not ENTRIES, reason="the README shows no configuration of MCP hosts")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder, and in it a folder of the PATH with the command as an installation puts it there."""
    command = tmp_path / "bin" / "hippomem"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m hippomem.cli "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    return tmp_path


def test_the_readme_shows_both_ways() -> None:
    """Hosts that start the server, several of them, and hosts that are told where it is."""
    assert len(STARTED) >= 3
    assert LINKED


@pytest.mark.parametrize("entry", STARTED, ids=[" ".join(entry["args"]) for entry in STARTED])
def test_a_host_starts_the_server_from_the_snippet(entry: dict[str, Any], home: Path) -> None:
    """With command, arguments and environment as they stand there, in a process without a shell."""
    environment = {"HOME": str(home), "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", **entry.get("env", {})}

    async def main() -> None:
        parameters = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment)
        async with Client(parameters) as client:
            added = await client.call_tool("remember", {"text": "The hare runs."})
            assert added.structured_content["added"] == 1
            found = await client.call_tool("recall", {"query": "Who runs?"})
            assert "The hare runs." in found.content[0].text  # type: ignore[union-attr]

    asyncio.run(main())
    assert (home / "memory.hippo").exists()


@pytest.mark.parametrize("entry", LINKED, ids=[entry["url"] for entry in LINKED])
def test_a_host_finds_the_server_from_the_snippet(entry: dict[str, Any], home: Path) -> None:
    """At the URL that stands there but for the port, which may be taken, with the header there and a real key."""
    store = home / "memory.hippo"
    with Store.open(store) as opened:
        _, key = Keys(opened).create("host", "write", ["home"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = re.sub(r":\d+/", f":{port}/", entry["url"])
    headers = {name: value.replace("hm_…", key) for name, value in entry.get("headers", {}).items()}
    command = ["hippomem", "mcp", "--store", "~/memory.hippo", "--http", "--port", str(port)]
    environment = os.environ | {"HOME": str(home), "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    async def main() -> None:
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            added = await client.call_tool("remember", {"text": "The hare runs."})
            assert added.structured_content["added"] == 1

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr is not None
            assert server.stderr.readline().strip() == f"MCP at {url}"
            asyncio.run(main())
        finally:
            server.terminate()
            assert server.wait(15) == 0
