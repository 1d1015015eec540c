"""Replaying recorded extraction."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hippomem.errors import ExtractionError, ReadError
from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Document, Extraction, Triple
from indexing.extract import PassageText, TripleExtractor
from indexing.extract.recorded import RecordedExtractor, parse_extraction


def recording(folder: Path, *rows: object) -> Path:
    """An openie.jsonl."""
    path = folder / "openie.jsonl"
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_triples_come_by_source_id(tmp_path: Path) -> None:
    """A passage gets the recording of any of its source ids, numbers and strings alike."""
    path = recording(
        tmp_path,
        {"_id": "a", "entities": ["Ada"], "triples": [["Ada", "lives in", "Rome"]]},
        {"_id": 7, "entities": [], "triples": []},
    )
    extractor = RecordedExtractor(path)
    assert isinstance(extractor, TripleExtractor)
    passages = [PassageText("p", "", "…", ("x", "a")), PassageText("q", "", "…", ("7",)), PassageText("r", "", "…", ())]
    outcomes = dict(extractor.extract(passages))
    assert outcomes[0] == Extraction(("Ada",), (Triple("Ada", "lives in", "Rome"),))
    assert outcomes[1] == Extraction()
    assert isinstance(outcomes[2], ExtractionError)


def test_a_missing_recording_is_a_failure_not_no_facts(tmp_path: Path) -> None:
    """The passage is failed with its ids as the reason; with a fuller recording a retry makes it as if it had been there."""
    rows = [{"_id": i, "entities": [], "triples": [[f"Ada{i}", "knows", "Bob"]]} for i in ("a", "b")]
    documents = [Document(f"Text {i}.", source_id=i) for i in ("a", "b")]
    with Memory(":memory:", embedder=HashEmbedder(), extractor=RecordedExtractor(recording(tmp_path, *rows))) as calm:
        calm.add_many(documents)
        expected = calm.export()
    store = tmp_path / "a.hippo"
    with Memory(store, embedder=HashEmbedder(), extractor=RecordedExtractor(recording(tmp_path, rows[0]))) as memory:
        assert memory.add_many(documents).failed == 1
        assert memory.stats().failed == 1
        assert memory.get("b").states == ("failed",)
        ((_, reason, attempts),) = memory.failures()
        assert (reason, attempts) == ("no recording in openie.jsonl for source ids: b", 1)
        assert len(memory.search("Text b", retriever="bm25")) == 2
    with Memory(store, embedder=HashEmbedder(), extractor=RecordedExtractor(recording(tmp_path, *rows))) as memory:
        assert memory.resume(retry_failed=True) == 0
        assert memory.export() == expected
        assert memory.failures() == []


@pytest.mark.parametrize(
    "line",
    [
        "no json\n",
        "[1]\n",
        '{"entities": [], "triples": []}\n',
        '{"_id": "b", "entities": "Ada", "triples": []}\n',
        '{"_id": "b", "entities": [], "triples": {"a": 1}}\n',
        "[" * 100_000 + "\n",
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    """A recording of another shape is refused when it is opened, with file and line."""
    path = recording(tmp_path, {"_id": "a", "entities": [], "triples": []}, line)
    with pytest.raises(ReadError, match="no recorded extraction") as caught:
        RecordedExtractor(path)
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_a_missing_file_says_what_is_wanted(tmp_path: Path) -> None:
    """The message names the file that ``--extractor recorded`` replays."""
    with pytest.raises(ReadError, match=r"openie\.jsonl"):
        RecordedExtractor(tmp_path / "openie.jsonl")
    with pytest.raises(ReadError):
        RecordedExtractor(tmp_path)


def test_shapes_of_triples() -> None:
    """Lists of three and objects are triples, numbers become text, everything else is left out; nulls are empty lists."""
    row = {
        "entities": ["Ada", 7, None, ["x"]],
        "triples": [
            ["Ada", "is", 7],
            {"subject": "Ada", "predicate": "in", "object": "Rome"},
            ["two", "parts"],
            ["a", None, "c"],
            ["a", ["b"], "c"],
            "abc",
            None,
        ],
    }
    assert parse_extraction(row) == Extraction(("Ada", "7"), (Triple("Ada", "is", "7"), Triple("Ada", "in", "Rome")))
    assert parse_extraction({"entities": None}) == Extraction()
    for bad in ({"entities": "Ada"}, {"triples": 3}):
        with pytest.raises(TypeError):
            parse_extraction(bad)


def test_other_names_for_the_same_parts_are_understood() -> None:
    """HippoRAG's own key for entities, and triples as objects, are read like ours."""
    row = {"named_entities": ["Rome"], "triples": [{"head": "Rome", "relation": "lies on", "tail": "Tiber"}]}
    assert parse_extraction(row) == Extraction(("Rome",), (Triple("Rome", "lies on", "Tiber"),))
