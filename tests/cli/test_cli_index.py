"""``hippomem index``: summary, duplicates, bad lines, extractors, interruption."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.testing import HashEmbedder

Run = Callable[..., Any]
WriteCorpus = Callable[..., Path]

ADA = {"_id": "ada", "title": "Ada Lovelace", "text": "Ada Lovelace wrote the first program."}
BYRON = {"_id": "byron", "title": "Lord Byron", "text": "Lord Byron was the father of Ada Lovelace."}


def test_index_reports_what_became_of_the_documents(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """--json counts documents, passages and seconds by stage."""
    ran = run("index", write_corpus("c.jsonl", ADA, BYRON), "--store", store, "--json")
    assert ran.code == 0
    assert (ran.json["documents"], ran.json["added"], ran.json["duplicates"], ran.json["failed"]) == (2, 2, 0, 0)
    assert ran.json["stats"]["passages"] == 2
    assert {"extract", "embed"} <= set(ran.json["seconds"])
    assert ran.json["usage"] == {}  # no LLM, no tokens; the key is there all the same


def test_indexing_again_adds_nothing(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """The same corpus again is all duplicates, and the store is unchanged."""
    corpus = write_corpus("c.jsonl", ADA, BYRON)
    first = run("index", corpus, "--store", store, "--json").json
    second = run("index", corpus, "--store", store, "--json").json
    assert (second["added"], second["duplicates"]) == (0, 2)
    assert second["stats"]["facts"] == first["stats"]["facts"]


def test_a_duplicate_keeps_both_sources(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """Equal content from two lines is one memory that answers to both ids."""
    ran = run("index", write_corpus("c.jsonl", ADA, {**ADA, "_id": "ada-2"}), "--store", store, "--json")
    assert (ran.json["added"], ran.json["duplicates"]) == (1, 1)
    assert run("search", "first program", "--store", store, "--json").json["hits"][0]["source_ids"] == ["ada", "ada-2"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"_id": "x", "text": ', "is no JSON"),
        (b'{"_id": "x", "text": "caf\xe9"}', "not UTF-8"),
        (b'{"_id": "x", "text": " \\n "}', "empty"),
        (b'{"_id": "x", "text": ""}', "empty"),
        (b'{"_id": "x", "text": 7}', "text"),
        (b'["x"]', "object"),
        (b'{"_id": "x", "text": "half \\ud800"}', "Unicode"),
    ],
)
class TestBadLine:
    """A line that cannot be used."""

    def test_is_an_error_with_file_and_line(
        self, run: Run, store: Path, write_corpus: WriteCorpus, line: bytes, said: str
    ) -> None:
        """Without --skip-bad the run ends with 3 and names the place and the remedy."""
        ran = run("index", write_corpus("c.jsonl", ADA, line, BYRON), "--store", store)
        assert ran.code == 3
        assert ran.err.startswith("error: ")
        assert "c.jsonl, line 2" in ran.err
        assert said in ran.err

    def test_is_passed_over_and_counted(
        self, run: Run, store: Path, write_corpus: WriteCorpus, line: bytes, said: str
    ) -> None:
        """With --skip-bad the other lines are indexed, and the bad one is listed."""
        corpus = write_corpus("c.jsonl", ADA, line, BYRON)
        ran = run("index", corpus, "--store", store, "--skip-bad", "--json")
        assert (ran.code, ran.json["added"]) == (0, 2)
        assert [(bad["path"], bad["line"]) for bad in ran.json["skipped"]] == [(str(corpus), 2)]
        assert said in ran.json["skipped"][0]["message"]


def test_people_see_at_most_twenty_skipped_lines(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """The summary lists 20 bad lines and counts the rest."""
    ran = run("index", write_corpus("c.jsonl", ADA, *[b"{"] * 25), "--store", store, "--skip-bad")
    assert "25 lines skipped" in ran.out
    assert ran.out.count("\n  skipped ") == 20
    assert "5 more" in ran.out


@pytest.mark.parametrize("lines", [(), (b"", b"  ")])
def test_an_empty_corpus_is_an_error_and_makes_no_store(
    run: Run, store: Path, write_corpus: WriteCorpus, lines: tuple[bytes, ...]
) -> None:
    """A file without a document is code 3, and nothing is left behind."""
    ran = run("index", write_corpus("c.jsonl", *lines), "--store", store)
    assert (ran.code, "holds no document" in ran.err, store.exists()) == (3, True, False)


def test_a_corpus_of_bad_lines_says_which(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """When --skip-bad leaves nothing, the error tells the lines that were skipped."""
    ran = run("index", write_corpus("c.jsonl", b"{", b"["), "--store", store, "--skip-bad")
    assert ran.code == 3
    assert "c.jsonl, line 2" in ran.err


def test_a_missing_file_is_found_before_any_work(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """A mistyped second path costs nothing: code 3, no store."""
    ran = run("index", write_corpus("c.jsonl", ADA), "nowhere.jsonl", "--store", store)
    assert (ran.code, "nowhere.jsonl" in ran.err, store.exists()) == (3, True, False)


def test_a_file_of_another_kind_is_a_usage_error(run: Run, store: Path, tmp_path: Path) -> None:
    """A file that no reader knows is code 2."""
    (tmp_path / "notes.docx").write_bytes(b"PK")
    assert run("index", tmp_path / "notes.docx", "--store", store).code == 2


@pytest.mark.parametrize("size", [200_000, pytest.param(5_000_000, marks=pytest.mark.slow)])
def test_a_huge_passage_is_indexed(run: Run, store: Path, write_corpus: WriteCorpus, size: int) -> None:
    """A document of up to 5 MB is cut into passages, and a sentence in its middle is found."""
    filler = "The grey sea rolled on without a word. " * (size // 78)
    text = f"{filler}\n\nTobias Quern hid the brass key under the stair.\n\n{filler}"
    assert len(text) > 0.99 * size
    assert run("index", write_corpus("c.jsonl", {"_id": "big", "text": text}), "--store", store).code == 0
    hits = run("search", "Where did Tobias Quern hide the brass key?", "--store", store, "--k", "1", "--json").json[
        "hits"
    ]
    assert "Tobias Quern" in hits[0]["text"]


def test_recorded_extraction_lies_beside_the_corpus(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """--extractor recorded replays openie.jsonl; a passage without a recording failed, visibly: code 5."""
    corpus = write_corpus("set/corpus.jsonl", ADA, BYRON)
    write_corpus("set/openie.jsonl", {"_id": "ada", "entities": [], "triples": [["Ada", "wrote", "program"]]})
    ran = run("index", corpus.parent, "--store", store, "--extractor", "recorded", "--json")
    assert (ran.code, ran.json["failed"], len(ran.json["failures"])) == (5, 1, 1)
    assert "byron" in ran.json["failures"][0]["error"]
    write_corpus("set/openie.jsonl", {"_id": "byron", "entities": [], "triples": [["Byron", "father of", "Ada"]]})
    again = run("index", corpus.parent, "--store", store, "--extractor", "recorded", "--retry-failed", "--json")
    assert (again.code, again.json["failed"], again.json["stats"]["failed"]) == (0, 0, 0)


def test_recordings_of_several_folders_are_one(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """A folder of BEIR folders brings a recording each; an id with two different recordings fails, visibly."""
    for name, document in (("one", ADA), ("two", {**BYRON, "_id": "ada"})):
        folder = write_corpus(f"sets/{name}/corpus.jsonl", document).parent.parent
        triple = [document["title"], "is in", name]
        write_corpus(f"sets/{name}/openie.jsonl", {"_id": "ada", "entities": [], "triples": [triple]})
    ran = run("index", folder, "--store", store, "--extractor", "recorded", "--json")
    assert ran.code == 5
    assert "two recordings disagree" in ran.json["failures"][0]["error"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--extractor", "llm"], "--llm-model"),
        (["--llm-model", "x"], "--extractor llm"),
        (["--recorded", "x.jsonl"], "--extractor recorded"),
        (["--extractor", "magic"], "magic"),
    ],
)
def test_options_that_do_not_go_together_are_code_2(
    run: Run, store: Path, write_corpus: WriteCorpus, options: list[str], said: str
) -> None:
    """A wrong combination is refused before a store is made."""
    ran = run("index", write_corpus("c.jsonl", ADA), "--store", store, *options)
    assert (ran.code, said in ran.err, store.exists()) == (2, True, False)


def test_a_missing_recording_is_code_3(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """--extractor recorded without a file says which file it wanted."""
    ran = run("index", write_corpus("c.jsonl", ADA), "--store", store, "--extractor", "recorded")
    assert (ran.code, "openie.jsonl" in ran.err) == (3, True)


def test_no_chunk_is_remembered(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """A store made with --no-chunk is read and added to without repeating it; a cut store refuses it."""
    corpus = write_corpus("c.jsonl", ADA)
    assert run("index", corpus, "--store", store, "--no-chunk").code == 0
    assert run("add", "More to tell.", "--store", store).code == 0
    assert run("stats", "--store", store, "--json").json["passages"] == 2
    other = store.with_name("cut.hippo")
    assert run("index", corpus, "--store", other).code == 0
    assert run("index", corpus, "--store", other, "--no-chunk").code == 2


def test_ctrl_c_keeps_what_was_committed(
    run: Run, store: Path, write_corpus: WriteCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run ends with 130, says how to go on, and the same command finishes the work."""
    corpus = write_corpus("c.jsonl", ADA, BYRON)
    with monkeypatch.context() as patched:

        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(HashEmbedder, "embed", interrupt)
        ran = run("index", corpus, "--store", store)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.startswith("interrupted: ")
    assert "same command resumes" in ran.err
    assert run("stats", "--store", store, "--json").json["pending"] == 2
    again = run("index", corpus, "--store", store, "--json").json
    assert (again["duplicates"], again["stats"]["pending"], again["stats"]["passages"]) == (2, 0, 2)


def test_a_jsonl_summary_is_one_json_object(run: Run, store: Path, write_corpus: WriteCorpus) -> None:
    """Nothing but the object is on standard output, in letters of every script."""
    ran = run("index", write_corpus("c.jsonl", {"_id": "bj", "text": "北京是中国的首都。"}), "--store", store, "--json")
    assert json.loads(ran.out)["added"] == 1
    assert "北京" in run("search", "北京", "--store", store, "--json").out
