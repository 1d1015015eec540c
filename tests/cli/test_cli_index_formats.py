"""``hippomem index`` over files of many formats: ids, reports, options."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.cli import main

Run = Callable[..., Any]

MILL, WEIR = "The Tolwick mill grinds barley.", "Ilse Varnholt built the weir."


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of a text, a note, a table and a file of another kind."""
    root = tmp_path / "docs"
    (root / "notes").mkdir(parents=True)
    (root / "mill.txt").write_text(MILL, encoding="utf-8")
    (root / "notes" / "weir.md").write_text(f"# Weir\n{WEIR}", encoding="utf-8")
    (root / "notes" / "ships.csv").write_text("name,text\nPetrel,RV Petrel is a ship.\n", encoding="utf-8")
    (root / "photo.PNG").write_bytes(b"\x89PNG")
    return root


def exported(run: Run, store: Path) -> str:
    """The canonical export, which two stores share when they remember the same."""
    out = store.with_suffix(".export")
    assert run("export", "--format", "jsonl", "--store", store, "--out", out).code == 0
    return out.read_text(encoding="utf-8")


def sources(run: Run, store: Path, query: str) -> list[str]:
    hits = run("search", query, "--store", store, "--k", "1", "--json").json["hits"]
    return [source_id for hit in hits for source_id in hit["source_ids"]]


def test_a_folder_of_texts(run: Run, store: Path, docs: Path) -> None:
    """All known files are indexed under their path; files of other kinds are counted, not hidden."""
    ran = run("index", docs, "--store", store, "--json").json
    assert (ran["added"], ran["skipped"], ran["other_files"]) == (3, [], {".png": 1})
    assert sources(run, store, "Who built the weir?") == ["notes/weir.md"]
    assert sources(run, store, "RV Petrel") == ["notes/ships.csv#1"]
    assert "passed over files of other kinds: 1 .png" in run("index", docs, "--store", store).out


def test_indexing_from_another_place_adds_nothing(
    run: Run, store: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same corpus under another path has the same ids, so no memory gets a second source."""
    run("index", docs, "--store", store)
    before = exported(run, store)
    assert '"notes/weir.md"' in before
    docs.rename(docs.with_name("moved"))
    monkeypatch.chdir(docs.with_name("moved"))
    assert run("index", ".", "--store", store, "--json").json["added"] == 0
    assert exported(run, store) == before


def test_a_pattern_and_a_list(run: Run, store: Path, docs: Path) -> None:
    """Quoted patterns are understood, and paths of several kinds go together."""
    ran = run("index", docs / "mill.txt", docs / "**" / "*.md", "--store", store, "--json").json
    assert ran["added"] == 2
    assert sources(run, store, "barley") == ["mill.txt"]


def test_columns_and_encoding_are_options(run: Run, store: Path, tmp_path: Path) -> None:
    """A table of any names, in an old encoding."""
    path = tmp_path / "a.csv"
    path.write_bytes(f"key;head;body\n7;Café;{WEIR}\n".encode("cp1252"))
    assert "--text-column" in run("index", path, "--store", store).err
    columns = ["--text-column", "body", "--title-column", "head", "--id-column", "key"]
    ran = run("index", path, "--store", store, *columns)
    assert (ran.code, "--encoding" in ran.err) == (3, True)
    assert run("index", path, "--store", store, *columns, "--encoding", "cp1252").code == 0
    assert sources(run, store, "Café") == ["7"]


def test_the_format_makes_no_difference(run: Run, tmp_path: Path) -> None:
    """The same rows as JSON Lines, CSV and Parquet make the same store."""
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    rows = [
        {"_id": f"d{i}", "title": title, "text": text, "session": "s", "speaker": "Ada", "date": "8 May 2023"}
        for i, (title, text) in enumerate([("Mill", MILL), ("Weir", f'{WEIR}\n"It holds", she said.')])
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    exports = []
    for ending in ("jsonl", "csv", "parquet"):
        store = tmp_path / f"{ending}.hippo"
        assert run("index", tmp_path / f"a.{ending}", "--store", store).code == 0
        exports.append(exported(run, store))
    assert MILL in exports[0]
    assert exports[1:] == exports[:1] * 2


@pytest.mark.parametrize(
    ("options", "given", "added"),
    [
        ([], json.dumps({"text": MILL}) + "\n", 1),
        (["--format", "lines"], f"{MILL}\n{WEIR}\n", 2),
        (["--format", "csv"], f"text\n{MILL}\n{WEIR}\n", 2),
        (["--format", "text"], f"{MILL}\n{WEIR}\n", 1),
    ],
)
def test_standard_input(run: Run, store: Path, options: list[str], given: str, added: int) -> None:
    """``-`` reads JSON Lines, or what --format says."""
    ran = run("index", "-", "--store", store, *options, "--json", stdin=given.encode())
    assert (ran.code, ran.json["added"]) == (0, added)


def test_a_pipe_of_a_real_process(store: Path) -> None:
    """What another program writes is indexed as it comes."""
    command = [sys.executable, "-m", "hippomem.cli", "index", "-", "--format", "lines", "--store", str(store), "--json"]
    ran = subprocess.run(command, input=f"{MILL}\n{WEIR}\n".encode(), capture_output=True, check=True)
    assert json.loads(ran.stdout)["added"] == 2


def test_bad_files_rows_and_lines_are_listed(run: Run, store: Path, docs: Path) -> None:
    """--skip-bad indexes what can be read and lists the rest with its place; without it the first is an error."""
    (docs / "latin.txt").write_bytes(b"caf\xe9")
    (docs / "bad.csv").write_text("text\na,b\nRV Orlop is a ship.\n", encoding="utf-8")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4")
    ran = run("index", docs, "--store", store)
    assert (ran.code, "bad.csv, line 2: has 2 cells" in ran.err) == (3, True)
    ran = run("index", docs, "--store", store, "--skip-bad", "--json")
    assert (ran.code, ran.json["documents"]) == (0, 4)
    assert [(Path(bad["path"]).name, bad["line"], bad["row"], bad["page"]) for bad in ran.json["skipped"]] == [
        ("bad.csv", 2, None, None),
        ("broken.pdf", None, None, None),
        ("latin.txt", None, None, None),
    ]
    out = run("index", docs, "--store", store, "--skip-bad").out
    assert "1 line and 2 files skipped" in out
    assert f"  skipped {docs / 'latin.txt'}: is not UTF-8 at byte 3" in out


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode there")
def test_a_name_that_is_no_unicode_can_be_told(run: Run, store: Path, docs: Path) -> None:
    """Its file is passed over, since its id could not be stored, and the report can be printed."""
    Path(os.fsdecode(bytes(docs / "caf") + b"\xe9.txt")).write_text("text", encoding="utf-8")
    for options in (["--json"], []):
        ran = run("index", docs, "--store", store, "--skip-bad", *options)
        assert ran.code == 0
        assert "caf\\udce9.txt" in ran.out.replace("\\\\", "\\")
    ran = run("index", docs, "--store", store)
    assert (ran.code, "caf\\udce9.txt" in ran.err) == (3, True)


def test_a_recording_may_lie_in_a_folder_of_texts(run: Run, store: Path, docs: Path) -> None:
    """It is looked for there, and its absence is told."""
    ran = run("index", docs, "--format", "text", "--store", store, "--extractor", "recorded")
    assert (ran.code, f"{docs / 'openie.jsonl'}" in ran.err) == (3, True)
    line = {"_id": "mill.txt", "entities": [], "triples": [["mill", "grinds", "barley"]]}
    (docs / "openie.jsonl").write_text(json.dumps(line), encoding="utf-8")
    assert run("index", docs, "--format", "text", "--store", store, "--extractor", "recorded").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["notes.docx"], 2, "--format"),
        (["none/*.md"], 3, "no such folder"),
        (["*.md"], 3, "matches no file"),
        (["-", "-"], 2, "once"),
        (["-", "--format", "pdf"], 2, "give a file"),
        (["notes.docx", "--format", "klingon"], 2, "klingon"),
        (["empty"], 3, "no document in a file of a known kind"),
    ],
)
def test_what_cannot_be_read_is_found_before_a_store_is_made(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    """With a code, the reason and the remedy."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.docx").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    assert main(["index", *arguments, "--store", "s.hippo"]) == code
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s.hippo").exists()
