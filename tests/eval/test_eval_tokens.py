"""``python -m eval tokens``: counts that can be checked by hand, and answers that read back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.tokens.count import SCHEMES, count, passages_of, recorded_of
from indexing.extract.llm import Scheme

pytest.importorskip("tiktoken", reason="the command counts with tiktoken")
pytest.importorskip("llama_index.core", reason="brings the vocabulary, so that no network is asked")

TOWNS = ["Arn", "Bex", "Chur", "Dorn", "Egg"]


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    """Five passages with a recording."""
    folder = tmp_path / "towns"
    folder.mkdir()
    rows = [{"_id": name, "title": name, "text": f"{name} is a town."} for name in TOWNS]
    facts = [{"_id": name, "entities": [name, "town"], "triples": [[name, "is a", "town"]]} for name in TOWNS]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "openie.jsonl").write_text("\n".join(map(json.dumps, facts)), encoding="utf-8")
    return folder


def test_calls_and_tokens_are_counted(towns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five passages: 10 calls in two steps, 5 in one, 2 by fours, 1 by eights; all read back the same."""
    out = tmp_path / "tokens.json"
    assert main(["tokens", str(towns), "--json", str(out)]) == 0
    schemes = json.loads(out.read_text("utf-8"))["sets"]["towns"]["schemes"]
    assert [row["calls"] * 5 for row in schemes.values()] == [10, 5, 5, 2, 1]
    assert {row["same"] for row in schemes.values()} == {5}
    two, plain, compact, four, eight = schemes.values()
    assert two["prompt"] > plain["prompt"] > four["prompt"] > eight["prompt"] > 0
    assert compact["completion"] < plain["completion"]
    assert all(0.75 < row["estimate_over_count"] < 1.25 for row in schemes.values())
    assert "compact (default)" in capsys.readouterr().out


def test_a_set_without_a_recording_shows_prompts_only(towns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second of two calls asks about an answer that nobody knows, so that row is left out."""
    (towns / "openie.jsonl").unlink()
    assert main(["tokens", str(towns)]) == 0
    out = capsys.readouterr().out
    assert "one call, compact" in out
    assert "two calls" not in out


def test_loss_is_seen(towns: Path) -> None:
    """A recording that does not survive its form is counted: a triple about nothing is read by no form."""
    passages = passages_of(towns)
    recorded = recorded_of(towns, passages)
    assert recorded is not None
    words = count(Scheme(), passages, recorded, lambda text: len(text.split()))
    assert words is not None
    assert words.same == 5
    broken = [each if n else type(each)(each.entities[:1], each.triples * 300) for n, each in enumerate(recorded)]
    lossy = count(Scheme(), passages, broken, lambda text: len(text.split()))
    assert lossy is not None
    assert lossy.same == 4


def test_a_passage_without_a_recording_is_an_error(towns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts over part of a set would be taken for those of the set."""
    (towns / "openie.jsonl").write_text(json.dumps({"_id": "Arn", "entities": [], "triples": []}), encoding="utf-8")
    assert main(["tokens", str(towns)]) == 3
    assert "Bex" in capsys.readouterr().err


def test_ids_that_are_numbers_are_found(towns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Passages are read as they are for indexing: the id 7 is the recording's "7"."""
    for name in ("corpus.jsonl", "openie.jsonl"):
        rows = [json.loads(line) for line in (towns / name).read_text(encoding="utf-8").splitlines()]
        rows = [{**row, "_id": number} for number, row in enumerate(rows)]
        (towns / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["tokens", str(towns)]) == 0
    assert "5 of 5" in capsys.readouterr().out


def test_the_default_is_among_what_is_counted() -> None:
    """The row called default is what a Scheme without options asks."""
    assert SCHEMES["one call, compact (default)"] == Scheme()
