"""Questions of one's own, as JSON Lines and as CSV, next to any corpus that hippomem reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.loaders.formats import convert
from eval.loaders.options import Options
from hippomem.errors import ConfigError, ReadError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three notes, one with a date."""
    rows = [
        {"_id": "n1", "title": "Boiler", "text": "Serviced by Ilse.", "metadata": {"date": "2024-03-01", "room": 3}},
        {"_id": "n2", "title": "Ilse", "text": "Ilse works for Warm Ltd."},
        {"_id": 3, "text": "The roof leaks."},
    ]
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def written(corpus: Path, text: str, name: str = "questions.jsonl") -> Path:
    path = corpus.with_name(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_json_lines_and_csv_say_the_same(corpus: Path) -> None:
    """A list of ids and ids with semicolons between, missing fields and empty cells come out alike."""
    lines = written(
        corpus,
        '{"question": "Who employs the mechanic?", "relevant": ["n1", "n2"], "answer": "Warm Ltd", "type": "2hop"}\n'
        '{"question": "What, pray, leaks?", "relevant": [3]}\n',
    )
    table = written(
        corpus,
        "question,relevant,answer,type\n"
        'Who employs the mechanic?,n1; n2;n1,Warm Ltd,2hop\n\n"What, pray, leaks?",3,,\n',
        "questions.csv",
    )
    (first,), (second,) = (convert("own", [path], Options()).folders for path in (lines, table))
    assert first == second
    assert [(query.query_id, dict(query.relevance)) for query in first.queries] == [
        ("q-00001", {"n1": 1, "n2": 1}),
        ("q-00002", {"3": 1}),
    ]
    assert [dict(query.metadata) for query in first.queries] == [{"answer": "Warm Ltd", "type": "2hop"}, {}]


def test_corpus_is_kept_as_it_is(corpus: Path, tmp_path: Path) -> None:
    """Titles and metadata go along; the corpus may be named, and may be a BEIR folder."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "mine.jsonl"
    path.write_text(
        '{"_id": "mine", "question": "Leaks?", "relevant": "3", "answer_aliases": ["roof"]}\n', encoding="utf-8"
    )
    (folder,) = convert("own", [path], Options(corpus=tmp_path)).folders
    assert [(passage.passage_id, passage.title) for passage in folder.passages] == [
        ("n1", "Boiler"),
        ("n2", "Ilse"),
        ("3", ""),
    ]
    assert folder.passages[0].metadata == {"date": "2024-03-01", "room": 3}
    assert (folder.queries[0].query_id, folder.queries[0].metadata) == ("mine", {"answer_aliases": ["roof"]})
    assert folder == convert("own", [path], Options(corpus=corpus)).folders[0]


def test_unknown_ids_are_one_error(corpus: Path) -> None:
    """All strangers of the file are told at once: ten of them, then how many more."""
    lines = [
        {"question": "Who?", "relevant": ["n1", *(f"x{number}" for number in range(part, 12, 2))]} for part in (0, 1)
    ]
    path = written(corpus, "".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ReadError) as caught:
        convert("own", [path], Options())
    message = str(caught.value)
    assert "12 id(s) in `relevant` that" in message
    assert message.endswith("does not hold: x0, x2, x4, x6, x8, x10, x1, x3, x5, x7 and 2 more")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ('{"question": "Who?"}\n', "q.jsonl", "q.jsonl, line 1: `relevant` names no passage; give at least one id"),
        ('\n{"question": "Who?", "relevant": []}\n', "q.jsonl", "q.jsonl, line 2: `relevant` names no passage"),
        ('{"question": "Who?", "relevant": [["n1"]]}\n', "q.jsonl", "line 1: `relevant` is a list; expected a text"),
        ('{"relevant": ["n1"]}\n', "q.jsonl", "line 1: `question` is missing"),
        ("", "q.jsonl", "q.jsonl: holds no question"),
        ("question,relevant\nWho?, ; \n", "q.csv", "q.csv, line 2: `relevant` names no passage"),
        ("question,relevant\n\n,n1\n", "q.csv", "q.csv, line 3: `question` is missing"),
        ("question,gold\nWho?,n1\n", "q.csv", "line 1: no column relevant; the first line names question, gold"),
        ("question,relevant\nWho, then?,n1\n", "q.csv", "line 2: has more cells than columns; quote commas"),
        ('question,relevant\n"Who?,n1\n', "q.csv", "line 2: is no CSV"),
        ("", "q.csv", "line 1: no column question and relevant; the first line names none"),
    ],
)
def test_wrong_question_names_its_line(corpus: Path, text: str, name: str, message: str) -> None:
    """A question without relevant passage, and a table that is none, are told with their line."""
    with pytest.raises(ReadError, match=message):
        convert("own", [written(corpus, text, name)], Options())


def test_wrong_corpus_is_told(corpus: Path) -> None:
    """Questions name passages by id, so each must have one of its own; other kinds of files are refused."""
    path = written(corpus, '{"question": "Who?", "relevant": ["n1"]}\n')
    corpus.write_text('{"text": "no id"}\n', encoding="utf-8")
    with pytest.raises(ReadError, match=r"corpus.jsonl: passage 1 has no `_id`"):
        convert("own", [path], Options())
    corpus.write_text('{"_id": "n1", "text": "a"}\n{"_id": "n1", "text": "b"}\n', encoding="utf-8")
    with pytest.raises(ReadError, match=r"corpus.jsonl: passage 2 has the `_id` 'n1' of an earlier one"):
        convert("own", [path], Options())
    corpus.unlink()
    with pytest.raises(ReadError, match=r"corpus.jsonl: no such file or folder"):
        convert("own", [path], Options())
    with pytest.raises(ConfigError, match="--split has no effect on format 'own', whose options are --corpus"):
        convert("own", [path], Options(split="dev"))
