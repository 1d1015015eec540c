"""The command line as a function, over stores embedded by word hashing: no model is loaded."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hippomem.cli import main
from hippomem.models.embedder import Embedder
from hippomem.testing import HashEmbedder


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, decoded."""
        return json.loads(self.out)


Run = Callable[..., Ran]
WriteCorpus = Callable[..., Path]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("search", "who?", "--store", path, stdin=b"…")``. --embedder NAME makes a hash embedder of that name."""

    def load(spec: str | Embedder | None = None) -> Embedder:
        return HashEmbedder(name=spec or "hash") if spec is None or isinstance(spec, str) else spec

    monkeypatch.setattr("hippomem.memory.memory.load_embedder", load)
    monkeypatch.setattr("hippomem.models.load.load_embedder", load)
    monkeypatch.delenv("HIPPOMEM_STORE", raising=False)
    monkeypatch.delenv("HIPPOMEM_EMBEDDER", raising=False)

    def ran(*args: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return ran


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The path of a store that is not there yet."""
    return tmp_path / "notes.hippo"


@pytest.fixture
def write_corpus(tmp_path: Path) -> WriteCorpus:
    """``write_corpus("c.jsonl", {"_id": "a", "text": "…"}, b"raw line")``: a file of JSON lines."""

    def write(name: str, *lines: dict[str, Any] | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
        path.write_bytes(b"".join(line + b"\n" for line in raw))
        return path

    return write


@pytest.fixture
def harbour(run: Run, store: Path, write_corpus: WriteCorpus) -> Path:
    """A store of three passages that make one two-hop chain: ship, captain, instrument."""
    corpus = write_corpus(
        "harbour.jsonl",
        {
            "_id": "ship",
            "title": "RV Petrel",
            "text": "The RV Petrel is commanded by Ilse Varnholt. It was built in 2004.",
        },
        {"_id": "captain", "title": "Ilse Varnholt", "text": "Ilse Varnholt plays the bassoon in an orchestra."},
        {"_id": "cake", "title": "Anchor Bun", "text": "An Anchor Bun is a small cake with too much cinnamon."},
    )
    assert run("index", corpus, "--store", store).code == 0
    return store
