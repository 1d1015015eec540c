"""Several processes on one store: workers, a command line beside them, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from hippomem import Memory
from tests.server.rest.conftest import PATIENCE, ROOT, Served, Start
from tests.server.rest.test_rest_metrics import value

#: Seconds after which no answer may be stale.
FRESH = 1.0


def workers_of(server: Served, count: int) -> set[int]:
    """Process ids that answer, as the log has them; asks until there are so many."""
    import json

    until = time.monotonic() + PATIENCE
    seen: set[int] = set()
    while len(seen) < count:
        assert time.monotonic() < until, seen
        with ExitStack() as stack:
            # Connections of their own may go to another worker, all the more when several come at once.
            clients = [stack.enter_context(httpx.Client(base_url=server.url, timeout=PATIENCE)) for _ in range(6)]
            threads = [threading.Thread(target=_ask, args=(client,)) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        lines = [json.loads(line) for line in server.log if line.startswith("{") and line.endswith("}\n")]
        seen = {line["process"] for line in lines if line.get("route") == "/readyz" and line["status"] == 200}
    return seen


def _ask(client: httpx.Client) -> None:
    with suppress(httpx.TransportError):  # a worker that was killed just now
        client.get("/readyz")


def appears(server: Served, text: str, query: str) -> float:
    """Seconds until ten connections in a row find a text; connections spread over the workers."""
    begun = time.monotonic()
    hits = 0
    while hits < 10:
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            found = client.post("/v1/search", json={"query": query, "k": 3}).json()["hits"]
        hits = hits + 1 if text in [hit["text"] for hit in found] else 0
        assert time.monotonic() - begun < PATIENCE
    return time.monotonic() - begun


def test_two_workers_and_a_command_line_are_one_memory(start: Start) -> None:
    """What any of them adds or forgets, all know within a second; metrics are of all workers together."""
    server = start("--workers", 2)
    assert server.process is not None
    workers = workers_of(server, 2)
    assert server.process.pid not in workers

    server.add("Comet Sorrel was discovered at Gull Rock.")
    appears(server, "Comet Sorrel was discovered at Gull Rock.", "comet")  # both have read the store and compiled
    [memory_id] = server.add("Lighthouse Vega was built by Ida Holm.")
    acknowledged = time.monotonic()
    for _ in range(6):
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            found = client.post("/v1/search", json={"query": "Who built Lighthouse Vega?", "k": 1}).json()["hits"]
        if time.monotonic() - acknowledged > FRESH:
            assert found[0]["text"] == "Lighthouse Vega was built by Ida Holm."
    assert appears(server, "Lighthouse Vega was built by Ida Holm.", "Who built Lighthouse Vega?") < PATIENCE

    command = [sys.executable, "-m", "hippomem.cli", "add", "Anchor Bun is a cake.", "--store", str(server.store)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    time.sleep(FRESH)
    assert all("Anchor Bun is a cake." in found for found in asked(server, "What is an Anchor Bun?"))

    assert server.client.delete(f"/v1/memories/{memory_id}").json() == {"forgotten": 1}
    time.sleep(FRESH)
    assert not any("Lighthouse Vega was built by Ida Holm." in found for found in asked(server, "Lighthouse Vega"))

    text = server.client.get("/metrics").text
    assert value(text, "hippomem_memories_added_total") == 2  # the command line counts for itself
    assert value(text, "hippomem_store_memories") == 2
    assert server.stop() == 0
    assert not Path(f"{server.store}-wal").exists()
    for worker in workers:
        assert not Path(f"/proc/{worker}").exists()


def asked(server: Served, query: str) -> list[list[str]]:
    """What each of eight new connections finds."""
    found = []
    for _ in range(8):
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            hits = client.post("/v1/search", json={"query": query}).json()["hits"]
        found.append([hit["text"] for hit in hits])
    return found


def test_workers_end_with_their_parent(start: Start) -> None:
    """A parent that was killed leaves no worker that holds the port; one that died alone is replaced."""
    server = start("--workers", 2)
    assert server.process is not None
    workers = workers_of(server, 2)
    os.kill(min(workers), signal.SIGKILL)
    assert workers_of(server, 3) > workers
    server.process.kill()
    server.process.wait()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            httpx.get(f"{server.url}/healthz", timeout=5)
        except httpx.TransportError:
            break
        time.sleep(0.2)
    else:
        raise AssertionError("workers outlived their parent")


def test_every_acknowledged_add_survives_a_kill(start: Start, tmp_path: Path) -> None:
    """kill -9 during a storm of adds from eight connections: all that was acknowledged is there and is found."""
    server = start("--workers", 2)
    assert server.process is not None
    acknowledged: dict[str, str] = {}
    refused: list[int] = []
    stop = threading.Event()

    def storm(number: int) -> None:
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            for n in range(10_000):
                text = f"Parcel {number}-{n} lies in locker {number * 1000 + n}."
                try:
                    answer = client.post("/v1/memories", json={"text": text})
                except httpx.TransportError:
                    return
                if answer.status_code != 201:
                    refused.append(answer.status_code)
                    return
                acknowledged[answer.json()["memory_ids"][0]] = text
                if stop.is_set():
                    return

    threads = [threading.Thread(target=storm, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    while len(acknowledged) < 40 and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(server.process.pid, signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(acknowledged) > 39
    assert refused == []

    again = start()
    for memory_id, text in acknowledged.items():
        assert again.client.get(f"/v1/memories/{memory_id}").json()["text"] == text
    text = next(reversed(acknowledged.values()))
    assert again.found(text, k=1) == [text]
    again.add("Whatever was not finished is finished with the next add.")
    assert again.client.get("/v1/stats").json()["pending"] == 0
    assert again.stop() == 0
    with Memory(tmp_path / "notes.hippo") as memory:
        assert memory.check().is_sound
