"""Engine ray, on a real local Ray: the same store as the local engine's, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hippomem.errors import ConfigError, EmbedderMismatchError, IndexingError
from hippomem.memory import Memory
from hippomem.models.embedder import token_embedder
from hippomem.types import Document
from indexing.engines import Engine
from indexing.engines.local import LocalEngine
from indexing.engines.ray.cluster import Cluster, connect
from indexing.engines.ray.crew import DEATHS
from indexing.engines.ray.embedder import CHUNK_TEXTS
from indexing.engines.ray.engine import RayEngine, open_ray
from tests.indexing.engines.made import deadly, documents, hashing, logging_to, other_than

Progress = Callable[[str, int, int], None]


def export(engine: Engine, corpus: list[Document], progress: Progress | None = None) -> str:
    """The canonical export of a memory that the engine indexed."""
    with Memory(":memory:", embedder=engine.embedder, sentences=engine.statements) as memory:
        memory.add_many(corpus, progress=progress)
        return memory.export()


def kill_one(engine: RayEngine, when: str) -> Progress:
    """SIGKILL for a worker when the first work of that step has come back and the rest is under way."""
    killed = False

    def progress(what: str, done: int, total: int) -> None:
        nonlocal killed
        if not killed and what == when and 0 < done < total:
            time.sleep(0.1)  # so that the next chunk is begun
            os.kill(engine.readers.hellos()[0].pid, signal.SIGKILL)
            killed = True

    return progress


def test_a_killed_worker_costs_only_its_running_texts(cluster: Cluster, tmp_path: Path) -> None:
    """300 passages, two workers, one killed while it embeds: same export, and only its chunk is embedded twice."""
    corpus, log = documents(300), tmp_path / "embedded.jsonl"
    want = export(LocalEngine(hashing()()), corpus)
    with open_ray(logging_to(log, seconds=0.2), workers=2) as engine:
        log.unlink()
        assert export(engine, corpus, kill_one(engine, "embedding facts")) == want
        assert engine.deaths == 1
        assert 0 < engine.repeated <= CHUNK_TEXTS
    embedded = Counter(map(json.loads, log.read_text(encoding="utf-8").splitlines()))
    again = sum(embedded.values()) - len(embedded)
    # Both workers embed the probe, and one does again when it is back. What had only been sent to it is not embedded twice.
    assert again <= engine.repeated + 2


@pytest.mark.slow
def test_the_default_encoder_gives_the_same_bytes_on_workers(cluster: Cluster) -> None:
    """Chunks sorted by length, one thread a worker, a death: every vector is the one that a single process makes."""
    corpus = documents(300)
    with open_ray(workers=2) as engine:
        got = export(engine, corpus, kill_one(engine, "embedding facts"))
        assert engine.deaths == 1
        assert got == export(LocalEngine(engine.embedder.here), corpus)


def test_rows_come_back_in_order_with_equal_texts_embedded_once(cluster: Cluster) -> None:
    """Vectors and signs stand at the rows of their texts; progress counts every row."""
    texts = [f"{word} " * (number % 7 + 1) for number, word in enumerate("to be or not to be that is it".split() * 3)]
    here, done = token_embedder(hashing()()), 0

    def progress(count: int) -> None:
        nonlocal done
        done += count

    assert here is not None
    with open_ray(hashing(), workers=2) as engine:
        there = token_embedder(engine.embedder)
        assert there is not None
        vectors, signs = there.embed_with_signs(texts, progress=progress)
        assert there.embed([]).shape == (0, 64)
        assert np.array_equal(there.embed_query("to be").vector, here.embed_query("to be").vector)
    wanted, wanted_signs = here.embed_with_signs(texts)
    assert np.array_equal(vectors, wanted)
    assert all(np.array_equal(a, b) for a, b in zip(signs, wanted_signs, strict=True))
    assert done == len(texts)


def test_texts_that_kill_every_worker_end_the_run(cluster: Cluster) -> None:
    """After three deaths on one chunk it is the chunk, and the message quotes it."""
    with open_ray(deadly("x" * 100), workers=2) as engine:
        with pytest.raises(IndexingError, match=rf"{DEATHS} Ray workers died .* 5 texts, the first of them 'xxx"):
            engine.embedder.embed(["a", "b", "c", "d", "x" * 100])
        assert engine.deaths == DEATHS
        # The workers come back.
        assert engine.embedder.embed(list("abcdefg")).shape == (7, 64)


def test_workers_with_another_model_are_refused(cluster: Cluster) -> None:
    """The identity that each worker says is compared with the driver's."""
    with (
        pytest.raises(EmbedderMismatchError, match=r"embeds with theirs .* and mine .* was asked for"),
        open_ray(other_than(os.getpid()), workers=2),
    ):
        pass


def test_a_connection_that_was_there_before_stays(cluster: Cluster) -> None:
    """`connect` shuts down only what it started."""
    import ray

    with connect(workers=1) as again:
        assert again == Cluster(1, is_local=False)
    assert ray.is_initialized()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_local_ray_listens_on_loopback_alone(cluster: Cluster) -> None:
    """None of its processes can be reached from another machine."""
    import ray

    session = ray.get_runtime_context().get_session_name().encode()  # on the command line of Ray's processes
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit() and session in cmdline(path)]
    sockets = {link for process in processes for link in open_sockets(process)}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:  # 0A: LISTEN
                listening.append(fields[1].split(":")[0])
    assert len(listening) >= 3
    assert all(address.endswith("0100007F") for address in listening), listening  # 127.0.0.1, also mapped into IPv6


def cmdline(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def open_sockets(process: Path) -> list[str]:
    try:
        return [str(link.readlink()) for link in (process / "fd").iterdir()]
    except OSError:
        return []


def test_no_workers_are_no_setting() -> None:
    """At least one, and the message says so."""
    with pytest.raises(ConfigError, match="0 Ray workers were asked for; ask for at least 1"), connect(workers=0):
        pass


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """ray is imported when the engine is opened, and not before."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'hippomem\[ray\]'"), connect():
        pass
