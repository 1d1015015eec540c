"""`hippomem serve`: starts, refuses, stops; a process of its own, with the default model."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from hippomem.cli import main
from hippomem.server.access import Keys
from hippomem.server.settings import ServerSettings
from hippomem.store import Store
from tests.server.rest.conftest import ROOT, Start, error_of

EVERYWHERE = "0.0.0.0"  # noqa: S104 - that is what must be refused


def test_a_server_from_start_to_stop(start: Start) -> None:
    """It says where it is, serves, finishes what runs when it is told to stop, ends with 0 and leaves one whole file."""
    server = start()
    assert server.process is not None
    server.add("Comet Sorrel was discovered at Gull Rock Observatory.", title="Comet Sorrel")
    assert server.found("Where was Comet Sorrel discovered?") == [
        "Comet Sorrel was discovered at Gull Rock Observatory."
    ]
    times = []
    for _ in range(25):
        begun = time.perf_counter()
        server.client.get("/healthz")
        times.append(time.perf_counter() - begun)
    # An answer leaves at once: with Nagle's algorithm its second part waits 40 ms for the client's acknowledgement.
    assert sorted(times)[12] < 0.035

    [memory_id] = server.add("Zebrafinch Amarillo sings.")
    secret = {"x-request-id": "abc-1", "authorization": "Bearer hm_geheim"}
    assert server.client.get(f"/v1/memories/{memory_id}", headers=secret).status_code == 401
    described = server.client.get("/openapi.json").json()
    assert described["info"]["title"] == "hippomem"

    body = {
        "memories": [{"text": f"The harbour of town {n} has {n} cranes, and a crane driver {n}."} for n in range(60)]
    }
    answers: list[httpx.Response] = []

    def add() -> None:
        answers.append(httpx.post(f"{server.url}/v1/memories", json=body, timeout=120))

    adding = threading.Thread(target=add)
    adding.start()
    time.sleep(0.3)
    assert server.stop() == 0
    adding.join()
    assert answers[0].status_code == 201
    assert not Path(f"{server.store}-wal").exists()
    with sqlite3.connect(f"file:{server.store}?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM memories").fetchone() == (62,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    check_log(server.log, "Amarillo", "amarillo", "Sorrel", memory_id, "geheim")


def check_log(log: list[str], *secrets: str) -> None:
    """Every line is JSON, uvicorn's too; none has a text, a query, an id or a key, and routes and request ids are there."""
    for secret in secrets:
        assert secret not in "".join(log)
    lines = [json.loads(line) for line in log]
    assert all({"time", "level", "logger"} <= set(line) for line in lines)
    [line] = [line for line in lines if line.get("request_id") == "abc-1"]
    assert (line["route"], line["method"], line["status"]) == ("/v1/memories/{memory_id}", "GET", 401)


def test_ctrl_c_stops_it_as_well(start: Start) -> None:
    """SIGINT is answered like SIGTERM, also while the model is still being loaded."""
    assert start(ready=False).stop(signal.SIGINT) == 0


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code and words of a server that does not start."""
    code = main(["serve", *map(str, arguments)])
    return code, capsys.readouterr().err


def test_a_public_address_needs_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused, and no store is made on the way."""
    store = tmp_path / "notes.hippo"
    code, words = refusal(capsys, "--store", store, "--host", EVERYWHERE, "--port", 0)
    assert code == 2
    assert "hippomem keys create" in words
    assert not store.exists()


def test_a_public_address_with_a_key(start: Start, tmp_path: Path) -> None:
    """Served to whoever has one."""
    with Store.open(tmp_path / "notes.hippo") as store:
        _, key = Keys(store).create("me", "write")
    server = start("--host", EVERYWHERE)
    assert error_of(server.client.get("/v1/namespaces")) == (401, "UnauthenticatedError")
    assert server.client.get("/v1/namespaces", headers={"authorization": f"Bearer {key}"}).status_code == 200


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said in words, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, words = refusal(capsys, "--store", tmp_path / "a.hippo", "--port", taken.getsockname()[1])
    assert code == 2
    assert "choose another --port" in words


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int) -> None:
    """The store's own error and exit code, with one worker or more."""
    path = tmp_path / "a.hippo"
    path.write_text("hello")
    code, words = refusal(capsys, "--store", path, "--port", 0, "--workers", workers)
    assert code == 4
    assert "not a hippomem store" in words


@pytest.mark.parametrize("workers", [1, 2])
def test_another_model_than_the_store_was_made_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    """A mismatch ends the start with the error that names the remedy."""
    from hippomem import Memory
    from hippomem.testing import HashEmbedder

    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add("Here.")
    code, words = refusal(capsys, "--store", path, "--port", 0, "--workers", workers)
    assert code == 4
    assert "reembed" in words


@pytest.mark.parametrize("options", [["--workers", 0], ["--rate", -1], ["--max-body", 0], ["--port", 70000]])
def test_settings_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[object]) -> None:
    """Refused with what was asked and what to do."""
    code, words = refusal(capsys, "--store", tmp_path / "a.hippo", *options)
    assert code == 2
    assert "was asked for" in words


def test_settings_survive_the_way_to_a_worker() -> None:
    """What a parent leaves in the environment is what a worker reads."""
    settings = ServerSettings(store="a.hippo", allow_hosts=("x.example",), workers=3, freshness=False, parent=17)
    environment: dict[str, str] = {}
    settings.to_environment(environment)
    assert ServerSettings.from_environment(environment) == settings
    assert ServerSettings.from_environment({"HIPPOMEM_STORE": "b.hippo"}) == ServerSettings(store="b.hippo")


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """A plain installation has no web server; the error names the extra."""
    script = (
        "import sys\nfor name in ('uvicorn', 'fastapi', 'prometheus_client'): sys.modules[name] = None\n"
        f"from hippomem.cli import main\nsys.exit(main(['serve', '--store', {str(tmp_path / 'a.hippo')!r}]))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 2
    assert 'pip install "hippomem[server]"' in ran.stderr
