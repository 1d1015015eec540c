"""Checks on the demo data set in data/demo (BEIR layout)."""

import datetime
import json
import unicodedata
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[1] / "data" / "demo"

SCRIPTS = {
    "Han": ((0x4E00, 0x9FFF),),
    "Kana": ((0x3041, 0x30FF),),
    "Hangul": ((0xAC00, 0xD7A3),),
    "Cyrillic": ((0x0400, 0x04FF),),
    "Arabic": ((0x0600, 0x06FF),),
    "Greek": ((0x0370, 0x03FF),),
    "Latin with diacritics": ((0x00C0, 0x00D6), (0x00D8, 0x00F6), (0x00F8, 0x024F)),
}


def _jsonl(name):
    lines = (DEMO / name).read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def _qrels():
    lines = (DEMO / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "query-id\tcorpus-id\tscore"
    return [tuple(line.split("\t")) for line in lines[1:]]


def _gold(query_id):
    return [corpus_id for qid, corpus_id, _ in QRELS if qid == query_id]


def _contains_any(text, needles):
    return any(needle.casefold() in text.casefold() for needle in needles)


def _answers(query):
    return [query["metadata"]["answer"], *query["metadata"]["answer_aliases"]]


def _links(a, b):
    """True when the title of one passage occurs in the text of the other."""
    return a["title"].casefold() in b["text"].casefold() or b["title"].casefold() in a["text"].casefold()


CORPUS = _jsonl("corpus.jsonl")
QUERIES = _jsonl("queries.jsonl")
QRELS = _qrels()
BY_ID = {passage["_id"]: passage for passage in CORPUS}
BRIDGED = [query for query in QUERIES if query["metadata"]["type"] != "comparison"]

each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query["_id"])
each_bridged = pytest.mark.parametrize("query", BRIDGED, ids=lambda query: query["_id"])


def test_passages():
    """There are at least 60 passages, with unique ids and non-empty title and text."""
    assert len(CORPUS) >= 60
    assert len(BY_ID) == len(CORPUS)
    assert all(p["text"].strip() and p["title"].strip() for p in CORPUS)


def test_passage_texts_differ():
    """No two passages have the same text."""
    assert len({p["text"] for p in CORPUS}) == len(CORPUS)


def test_questions():
    """There are at least 12 questions, with unique ids, a known type and an answer."""
    assert len(QUERIES) >= 12
    assert len({q["_id"] for q in QUERIES}) == len(QUERIES)
    for query in QUERIES:
        assert query["text"].strip()
        assert query["metadata"]["type"] in {"2hop", "3hop", "comparison"}
        assert all(answer.strip() for answer in _answers(query))


def test_qrels_ids_exist():
    """Every qrels line is unique, has score 1 and names a known question and passage."""
    query_ids = {query["_id"] for query in QUERIES}
    assert len({row[:2] for row in QRELS}) == len(QRELS)
    for query_id, corpus_id, score in QRELS:
        assert query_id in query_ids
        assert corpus_id in BY_ID
        assert score == "1"


@each_query
def test_enough_gold(query):
    """A question has at least 2 gold passages, and a 3-hop question at least 3."""
    need = 3 if query["metadata"]["type"] == "3hop" else 2
    assert len(_gold(query["_id"])) >= need


def test_scripts():
    """At least 5 scripts other than plain Latin occur in the passages."""
    text = "".join(p["title"] + p["text"] for p in CORPUS)
    found = {
        name
        for name, ranges in SCRIPTS.items()
        if any(low <= ord(char) <= high for char in text for low, high in ranges)
    }
    assert len(found) >= 5, found


def test_non_english_passages():
    """At least 10 passages carry 5 or more letters beyond ASCII in their text."""
    foreign = [p for p in CORPUS if sum(c.isalpha() and not c.isascii() for c in p["text"]) >= 5]
    assert len(foreign) >= 10


def test_text_is_nfc_and_unescaped():
    """The files are composed (NFC) UTF-8 with no \\u escapes."""
    for name in ("corpus.jsonl", "queries.jsonl"):
        raw = (DEMO / name).read_text(encoding="utf-8")
        assert unicodedata.is_normalized("NFC", raw)
        assert "\\u" not in raw


def test_chat_turns():
    """A chat turn has its speaker as title, a session and an ISO date; there are 6 or more."""
    turns = [p for p in CORPUS if "metadata" in p]
    assert len(turns) >= 6
    for turn in turns:
        assert turn["title"] == turn["metadata"]["speaker"]
        assert turn["metadata"]["session"]
        date = turn["metadata"]["date"]
        assert datetime.date.fromisoformat(date).isoformat() == date


@each_query
def test_answer_in_gold(query):
    """The answer, or an alias of it, occurs in one of the question's gold passages."""
    texts = [BY_ID[i]["title"] + "\n" + BY_ID[i]["text"] for i in _gold(query["_id"])]
    assert any(_contains_any(text, _answers(query)) for text in texts)


@each_bridged
def test_gold_passages_linked(query):
    """Title-in-text links connect all gold passages of a bridge question."""
    gold = [BY_ID[i] for i in _gold(query["_id"])]
    reached, rest = [gold[0]], gold[1:]
    while rest:
        nearby = [p for p in rest if any(_links(p, r) for r in reached)]
        assert nearby, [p["title"] for p in rest]
        reached += nearby
        rest = [p for p in rest if p not in nearby]


@each_bridged
def test_bridge_is_hidden(query):
    """The question names no later gold passage, and the first one lacks the answer."""
    first, *later = [BY_ID[i] for i in _gold(query["_id"])]
    assert not _contains_any(query["text"], [p["title"] for p in later])
    assert not _contains_any(first["text"], _answers(query))
