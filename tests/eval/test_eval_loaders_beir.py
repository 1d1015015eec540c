"""Official BEIR folders: one split, odd ids, and records that lack what our layout has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.loaders.formats import convert
from eval.loaders.options import Options
from hippomem.errors import ConfigError, InputError, ReadError

HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five passages, three queries, two splits."""
    corpus = [
        {"_id": 1, "title": None, "text": "Moss grows on stone."},
        {"_id": "d2", "text": "Fern.", "metadata": {"url": "x"}},
        {"_id": "d3", "title": "Only a title", "text": ""},
        {"_id": "d4", "title": "", "text": " "},
        {"_id": "d5", "title": "Reed", "text": "Reed grows at ponds.", "metadata": {}},
    ]
    queries = [{"_id": number, "text": f"Query {number}?", "metadata": {"n": number}} for number in (7, 8, 9)]
    root = tmp_path / "plants"
    (root / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (root / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (root / "qrels" / "test.tsv").write_text(HEADER + "8\t1\t1\n7\td5\t2\n7\td2\t0\n", encoding="utf-8")
    (root / "qrels" / "dev.tsv").write_text(HEADER + "9\td3\t1\n", encoding="utf-8")
    return root


def test_split_brings_its_queries_and_the_whole_corpus(folder: Path) -> None:
    """Queries stand in the order of their file with their graded scores; those of other splits are counted."""
    conversion = convert("beir", [folder], Options())
    (only,) = conversion.folders
    assert [(query.query_id, query.relevance) for query in only.queries] == [("7", {"d5": 2}), ("8", {"1": 1})]
    assert only.queries[0].metadata == {"n": 7}
    assert [query.query_id for query in convert("beir", [folder], Options(split="dev")).folders[0].queries] == ["9"]
    assert conversion.left_out == {"passages without text": 1, "queries of other splits": 1}


def test_records_may_lack_title_and_metadata(folder: Path) -> None:
    """Numbers as ids become text, a record of a title alone is found by its words."""
    passages = convert("beir", [folder], Options()).folders[0].passages
    assert [(passage.passage_id, passage.title, passage.text) for passage in passages] == [
        ("1", "", "Moss grows on stone."),
        ("d2", "", "Fern."),
        ("d3", "", "Only a title"),
        ("d5", "Reed", "Reed grows at ponds."),
    ]
    assert [dict(passage.metadata) for passage in passages] == [{}, {"url": "x"}, {}, {}]


def test_judgements_of_what_is_not_there_are_counted(folder: Path) -> None:
    """Published judgements name passages and queries that their files lack; they cannot be asked for."""
    with (folder / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("7\td9\t1\n7\td4\t1\n99\td2\t1\n")
    left_out = convert("beir", [folder], Options()).left_out
    assert left_out["judgements of passages that the corpus does not hold"] == 2
    assert left_out["judgements of queries that queries.jsonl does not hold"] == 1


def test_limit_takes_the_first_queries_of_the_split(folder: Path) -> None:
    """The corpus stays whole."""
    counts = convert("beir", [folder], Options(limit=1)).counts
    assert (counts["questions"], counts["passages"]) == (1, 4)


@pytest.mark.parametrize(
    ("part", "line", "message"),
    [
        ("corpus.jsonl", '{"text": "no id"}', "line 6: `_id` is missing"),
        (
            "corpus.jsonl",
            '{"_id": "d2", "text": "twice"}',
            "line 6: `_id` 'd2' was already given in corpus.jsonl, line 2",
        ),
        ("corpus.jsonl", '{"_id": "d6", "text": ["x"]}', "line 6: `text` is a list; expected a text"),
        (
            "corpus.jsonl",
            '{"_id": "d6", "text": "x", "metadata": "y"}',
            "line 6: `metadata` is a str; expected an object",
        ),
        (
            "corpus.jsonl",
            '{"_id": "d6", "text": "x", "metadata": {"a": "\\ud800"}}',
            "`metadata` holds half a surrogate",
        ),
        (
            "queries.jsonl",
            '{"_id": 7, "text": "again"}',
            "line 4: `_id` '7' was already given in queries.jsonl, line 1",
        ),
        ("corpus.jsonl", '{"_id": "d6", "text": "x", "metadata": {"a": NaN}}', "`metadata` holds NaN or an infinity"),
        ("qrels/test.tsv", "7 d2 1", "line 5: expected query-id, corpus-id and score with tabs between, found 1"),
        ("qrels/test.tsv", "7\td2\tyes", "line 5: score 'yes' is not a number"),
        ("qrels/test.tsv", "7\td2\tinf", "line 5: score 'inf' is not a number"),
    ],
)
def test_wrong_line_is_named(folder: Path, part: str, line: str, message: str) -> None:
    """A line that is not as BEIR's are is an error with its file and number."""
    with (folder / part).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(ReadError, match=message) as caught:
        convert("beir", [folder], Options())
    assert caught.value.path == folder / part


def test_what_is_no_such_folder_is_told(folder: Path) -> None:
    """Another split, another thing than a folder, and judgements that leave no gold say what there is."""
    with pytest.raises(ReadError, match=r"train.tsv: no such split; --split can be one of: dev, test"):
        convert("beir", [folder], Options(split="train"))
    with pytest.raises(ConfigError, match=r"takes one folder of corpus.jsonl, .*, not '.*corpus.jsonl'"):
        convert("beir", [folder / "corpus.jsonl"], Options())
    (folder / "qrels" / "dev.tsv").write_text(HEADER + "9\td4\t1\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"no question of 'plants' has a relevant passage; .*; 1 judgements of passages"
    ):
        convert("beir", [folder], Options(split="dev"))
