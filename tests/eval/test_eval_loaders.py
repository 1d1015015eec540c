"""``python -m eval convert``: what is written, that it is whole or not there, and that ``run`` reads it."""

from __future__ import annotations

import doctest
import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import __main__ as command
from eval import commands
from eval.dataset import load_dataset
from eval.loaders.model import Conversion, Folder, Passage, Query, one_folder
from eval.loaders.writing import write
from eval.systems import hippomem_engine
from hippomem.errors import ConfigError, ExtractionError, InputError
from hippomem.testing import HashEmbedder
from hippomem.types import Extraction, Triple
from indexing.extract import PassageText
from indexing.extract.recorded import RecordedExtractor
from indexing.readers import read_beir

ROOT = Path(__file__).parents[2]
Convert = Callable[..., int]


@pytest.fixture
def convert() -> Convert:
    """``convert(...)`` is ``python -m eval convert ...``; returns the exit code."""
    return lambda *words: command.main(["convert", *map(str, words)])


@pytest.fixture
def musique(tmp_path: Path) -> Path:
    """Two questions in MuSiQue's shape, the second unanswerable."""
    paragraphs = [
        {"title": "Kestrel", "paragraph_text": "The Kestrel sails from Ölmund.", "is_supporting": True},
        {"title": "Ölmund", "paragraph_text": "Ölmund lies on Lake Tern.\u2028It is old.", "is_supporting": True},
        {"title": "Lake Pike", "paragraph_text": "Lake Pike is dry.", "is_supporting": False},
    ]
    line = {
        "id": "2hop__1_2",
        "paragraphs": paragraphs,
        "question": "On which lake lies the port of the Kestrel?",
        "answer": "Lake Tern",
        "answer_aliases": [],
    }
    path = tmp_path / "dev.jsonl"
    lines = [line, line | {"answerable": False}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def two_stores() -> Conversion:
    """Two stores whose names are no folder names everywhere."""
    folders = [
        Folder(name, (Passage("p", "Snow.", "Winter", {"speaker": "Winter"}),), (Query(name, "Cold?", {"p": 1}),))
        for name in ("a/b", "..")
    ]
    return Conversion(tuple(folders), nested=True, left_out={})


def digest(folder: Path) -> str:
    """Over the names and bytes of all files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()


def test_what_is_converted_is_evaluated(
    convert: Convert, musique: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the official file to figures: the folder loads, and hippomem itself answers its questions."""
    out = tmp_path / "musique-dev"
    assert convert("musique", musique, "--out", out) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: 3 passages, 1 questions from musique",
        "2 relevant passages for 1 questions",
        "left out: 1 unanswerable questions",
    ]
    dataset = load_dataset(out)
    assert [dict(question.relevance) for question in dataset.questions] == [{"musique-00000": 1, "musique-00001": 1}]
    assert dataset.skipped == 0
    engine = replace(hippomem_engine(), embedder=lambda _: HashEmbedder())
    monkeypatch.setattr(commands, "hippomem_engine", lambda: engine)
    report = tmp_path / "report.json"
    assert command.main(["run", str(out), "--retriever", "hippomem", "--retriever", "bm25", "--json", str(report)]) == 0
    figures = json.loads(report.read_text(encoding="utf-8"))["results"]["musique-dev"]
    assert (figures["hippomem"]["recall"]["5"], figures["bm25"]["recall"]["5"]) == (100.0, 100.0)


def test_json_summary_is_for_programs(
    convert: Convert, musique: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, and what was left out by reason."""
    assert convert("musique", musique, "--out", tmp_path / "set", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "format": "musique",
        "out": str(tmp_path / "set"),
        "stores": 1,
        "passages": 3,
        "questions": 1,
        "with_gold": 1,
        "gold": 2,
        "left_out": {"unanswerable questions": 1},
    }


def test_same_file_gives_the_same_bytes_under_any_hash_seed(musique: Path, tmp_path: Path) -> None:
    """Two processes with other hash seeds write the same folder."""
    digests = set()
    for seed in ("1", "2"):
        out = tmp_path / f"out-{seed}"
        words = [sys.executable, "-m", "eval", "convert", "musique", str(musique), "--out", str(out)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        subprocess.run(words, env=environment, check=True, capture_output=True, cwd=ROOT)
        digests.add(digest(out))
    assert len(digests) == 1


def test_written_folder_has_the_layout(tmp_path: Path) -> None:
    """Lines as the data sets have them: letters of every script, metadata where there is any, recordings beside."""
    passages = (
        Passage("p1", "雪が降る。\u2028冷たい。", "冬"),
        Passage("p2", "Thaw.", metadata={"session": "s", "speaker": "Bo"}),
    )
    queries = (Query("q1", "Cold?", {"p2": 2, "p1": 0.5}, {"type": "x"}), Query("q2", "Warm?", {}))
    recordings = {"p2": Extraction(("Thaw",), (Triple("a", "b", "c"),))}
    write(one_folder(passages, queries, Counter(), recordings), tmp_path / "set")
    folder = tmp_path / "set"
    assert (folder / "corpus.jsonl").read_text(encoding="utf-8").split("\n")[:2] == [
        '{"_id": "p1", "title": "冬", "text": "雪が降る。\u2028冷たい。"}',
        '{"_id": "p2", "title": "", "text": "Thaw.", "metadata": {"session": "s", "speaker": "Bo"}}',
    ]
    assert (folder / "qrels" / "test.tsv").read_text(encoding="utf-8") == (
        "query-id\tcorpus-id\tscore\nq1\tp2\t2\nq1\tp1\t0.5\n"
    )
    assert [document.text for document in read_beir(folder)] == [passage.text for passage in passages]
    asked = [PassageText("", "", passage.text, (passage.passage_id,)) for passage in passages]
    (_, missing), (_, found) = RecordedExtractor(folder / "openie.jsonl").extract(asked)
    assert (type(missing), found) == (ExtractionError, recordings["p2"])
    assert load_dataset(folder).skipped == 1


def test_stores_are_folders_of_safe_names(two_stores: Conversion, tmp_path: Path) -> None:
    """A name with a slash or of dots stays inside the set, under a name of its own."""
    write(two_stores, tmp_path / "set")
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["%2E.", "a%2Fb"]
    assert [question.question_id for question in load_dataset(tmp_path / "set").questions] == ["..", "a/b"]


def test_nothing_is_left_of_a_write_that_fails(two_stores: Conversion, tmp_path: Path) -> None:
    """When one store cannot be written (its name is too long for a file system), there is no set and no leftover."""
    long = replace(two_stores, folders=(*two_stores.folders, replace(two_stores.folders[0], name="x" * 300)))
    with pytest.raises(ConfigError, match=r"set' cannot be written: "):
        write(long, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "set").mkdir()
    with pytest.raises(ConfigError, match=r"set' cannot be written: "):
        write(long, tmp_path / "set")
    assert [list(path.iterdir()) for path in tmp_path.iterdir()] == [[]]


def test_empty_folder_is_filled_and_a_full_one_refused(convert: Convert, musique: Path, tmp_path: Path) -> None:
    """What is in a folder is never overwritten."""
    out = tmp_path / "set"
    out.mkdir()
    assert convert("musique", musique, "--out", out) == 0
    before = digest(out)
    assert convert("musique", musique, "--out", out, "--limit", 1) == 2
    assert digest(out) == before


def test_ids_that_the_layout_cannot_hold_are_refused() -> None:
    """Judgements are lines with tabs between, and one id is one passage."""
    query = Query("q", "Cold?", {})
    for passage_id in ("a\tb", "a\n", " a", ""):
        with pytest.raises(InputError, match="cannot stand in a TSV of judgements"):
            Folder("", (Passage(passage_id, "x"),), (query,))
    with pytest.raises(InputError, match="passage id 'p' of 'conv' is given twice"):
        Folder("conv", (Passage("p", "x"), Passage("p", "y")), (query,))
    with pytest.raises(InputError, match="question id 'q' is given twice"):
        Folder("", (), (query, query))


@pytest.mark.parametrize("module", ["locomo", "longmemeval", "model", "musique", "pool", "writing"])
def test_examples_in_docstrings_are_so(module: str) -> None:
    """The examples that docstrings of the loaders show run as they say."""
    results = doctest.testmod(importlib.import_module(f"eval.loaders.{module}"))
    assert (results.failed, results.attempted > 0) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["nq", "x.json"],
            2,
            "format 'nq' is unknown; choose from musique, 2wiki, hotpotqa, locomo, longmemeval, hipporag",
        ),
        (["musique", "nowhere.jsonl"], 3, "nowhere.jsonl: no such file"),
        (["musique", "x", "--limit", "0"], 2, "--limit"),
        (
            ["musique", "x", "--pooled"],
            2,
            "--pooled has no effect on format 'musique', whose options are none but --limit",
        ),
        (["longmemeval", "x", "--unit", "day"], 2, "--unit 'day' is unknown; choose from turn, session"),
        (["longmemeval", "x", "--split", "dev"], 2, "whose options are --pooled, --unit"),
    ],
)
def test_mistakes_are_told_in_a_line(
    convert: Convert,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    message: str,
) -> None:
    """A mistake is one ``error:`` line and the exit code of its class, and nothing is written."""
    assert convert(*words, "--out", tmp_path / "set") == code
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert (captured.out, list(tmp_path.iterdir())) == ("", [])


def test_place_is_checked_before_anything_is_read(
    convert: Convert, musique: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the way, and a parent that is not there, are told without looking at the source."""
    assert convert("musique", "nowhere", "--out", musique) == 2
    assert "is a file; name a folder that does not exist yet" in capsys.readouterr().err
    assert convert("musique", "nowhere", "--out", tmp_path / "no" / "set") == 2
    assert "make it first" in capsys.readouterr().err


def test_source_without_gold_is_refused(convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of another format, or a test file, gives no set that could be evaluated; the reasons are told."""
    path = tmp_path / "test.jsonl"
    line: dict[str, Any] = {
        "id": "2hop__1_2",
        "question": "Where?",
        "paragraphs": [{"title": "", "paragraph_text": "x"}],
    }
    path.write_text(json.dumps(line) + "\n" + json.dumps(line | {"answerable": False}) + "\n", encoding="utf-8")
    assert convert("musique", path, "--out", tmp_path / "set") == 3
    assert capsys.readouterr().err == (
        "error: no question of 'test.jsonl' has a relevant passage; 1 unanswerable questions; "
        "is it a file of format 'musique'?\n"
    )
    assert not (tmp_path / "set").exists()
