"""HippoRAG's own files: questions of several shapes over a given corpus, and its recorded extraction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.loaders.formats import convert
from eval.loaders.model import Query
from eval.loaders.options import Options
from hippomem.errors import ConfigError, ReadError
from hippomem.types import Triple

CORPUS = [
    {"idx": 0, "title": "Rill", "text": "The Rill is a brook. It rises at Hag Moor."},
    {"idx": 1, "title": "Hag Moor", "text": "Hag Moor is boggy."},
    {"idx": 2, "title": "Fog", "text": "Fog is low cloud."},
]


def written(tmp_path: Path, *items: Any, corpus: Any = CORPUS) -> Path:
    (tmp_path / "toy_corpus.json").write_text(json.dumps(corpus), encoding="utf-8")
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def converted(tmp_path: Path, **item: Any) -> Query:
    """The query made of one item with these fields."""
    (folder,) = convert("hipporag", [written(tmp_path, {"question": "Where?"} | item)], Options()).folders
    return folder.queries[0]


@pytest.mark.parametrize(
    "shape",
    [
        {"paragraphs": [{"title": "Rill", "paragraph_text": CORPUS[0]["text"], "is_supporting": True}]},
        {"paragraphs": [{"title": "Rill", "text": CORPUS[0]["text"]}]},
        {"contexts": [CORPUS[0] | {"is_supporting": True}, CORPUS[2] | {"is_supporting": False}]},
        {"gold_docs": ["Rill\n" + CORPUS[0]["text"]]},
        {
            "supporting_facts": [["Rill", 1]],
            "context": [["Rill", ["The Rill is a brook.", "It rises at Hag Moor."]], ["Fog", ["Fog is low cloud."]]],
        },
        {
            "supporting_facts": [["Rill", 1]],
            "context": [["Rill", ["The Rill is a brook.", " It rises at Hag Moor."]]],
        },
    ],
)
def test_gold_is_found_by_title_and_text(tmp_path: Path, shape: dict[str, Any]) -> None:
    """Every shape of the published files names the same passage, however its sentences are joined."""
    assert converted(tmp_path, answer="Hag Moor", **shape).relevance == {"hipporag-00000": 1}


GOLD = {"gold_docs": ["Fog\nFog is low cloud."]}


@pytest.mark.parametrize(
    ("fields", "metadata"),
    [
        ({"answer": "a", "answer_aliases": ["b", "a"]}, {"answer": "a", "answer_aliases": ["b"]}),
        ({"gold_ans": "a"}, {"answer": "a", "answer_aliases": []}),
        ({"reference": ["a", "b"]}, {"answer": "a", "answer_aliases": ["b"]}),
        (
            {"obj": "a", "possible_answers": '["a", "b"]', "o_wiki_title": "c", "o_aliases": ["d"]},
            {"answer": "a", "answer_aliases": ["b", "d", "c"]},
        ),
        ({"answer": "[sic"}, {"answer": "[sic", "answer_aliases": []}),
        ({"type": "bridge", "answer": "a"}, {"answer": "a", "answer_aliases": [], "type": "bridge"}),
        ({"id": "3hop1__1_2_3"}, {"answer_aliases": [], "type": "3hop1", "hops": 3}),
    ],
)
def test_answers_and_types_go_by_many_names(tmp_path: Path, fields: dict[str, Any], metadata: dict[str, Any]) -> None:
    """The first answer is the answer, the others aliases; MuSiQue's ids tell the type."""
    assert converted(tmp_path, **GOLD, **fields).metadata == metadata


def test_corpus_is_whole_whatever_is_asked(tmp_path: Path) -> None:
    """A limit cuts questions, not passages; a question without id is numbered; unknown gold is counted."""
    lost = {"question": "Where?", "gold_docs": ["Fog\nFog is high cloud.", *GOLD["gold_docs"]]}
    path = written(tmp_path, lost, {"question": "When?", **GOLD})
    conversion = convert("hipporag", [path], Options(limit=1))
    assert conversion.counts == {"stores": 1, "passages": 3, "questions": 1, "with_gold": 1, "gold": 1}
    assert conversion.folders[0].queries[0].query_id == "q-00000"
    assert conversion.left_out == {"gold passages that the corpus does not hold": 1}


def test_corpus_of_hipporag_1_is_read(tmp_path: Path) -> None:
    """The first release keeps sentences by title, and a corpus can lie elsewhere."""
    path = written(tmp_path, {"question": "Where?", **GOLD})
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"Fog": ["Fog is", " low cloud."]}), encoding="utf-8")
    (folder,) = convert("hipporag", [path], Options(corpus=old)).folders
    assert [(passage.title, passage.text) for passage in folder.passages] == [("Fog", "Fog is low cloud.")]


def test_recording_is_matched_by_text(tmp_path: Path) -> None:
    """Recorded triples follow their passage; a triple of two parts is none; what matches nothing is counted."""
    docs = [
        {
            "idx": "chunk-1",
            "passage": "Rill\n" + CORPUS[0]["text"],
            "extracted_entities": ["Rill", "Hag Moor"],
            "extracted_triples": [["Rill", "rises at", "Hag Moor"], ["Rill", "brook"]],
        },
        {"idx": "chunk-2", "passage": "Sea\nSalt.", "extracted_entities": [], "extracted_triples": []},
    ]
    openie = tmp_path / "openie_results_ner_toy.json"
    openie.write_text(json.dumps({"docs": docs, "avg_ent_chars": 5}), encoding="utf-8")
    path = written(tmp_path, {"question": "Where?", **GOLD})
    conversion = convert("hipporag", [path], Options(openie=openie))
    recordings = conversion.folders[0].recordings
    assert list(recordings) == ["hipporag-00000"]
    assert recordings["hipporag-00000"].triples == (Triple("Rill", "rises at", "Hag Moor"),)
    assert conversion.left_out == {
        "recordings of passages that the corpus does not hold": 1,
        "recordings that the file lacks for passages of the corpus": 2,
    }


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], r'expected an object \{"docs": \[…\]\}, found a list'),
        ({"docs": None}, "`docs` is missing; expected a list"),
        (
            {"docs": [{"passage": "Fog\nFog is low cloud.", "extracted_entities": []}]},
            r"docs\[0\]: `extracted_triples` is missing; expected a list",
        ),
        ({"docs": [{"extracted_entities": []}]}, r"docs\[0\]: `passage` is missing"),
    ],
)
def test_wrong_recording_names_its_place(tmp_path: Path, found: Any, message: str) -> None:
    """A recording that is none is an error with its file and item."""
    openie = tmp_path / "openie_results_ner_toy.json"
    openie.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(ReadError, match=f"openie_results_ner_toy.json: .*{message}"):
        convert("hipporag", [written(tmp_path, {"question": "Where?", **GOLD})], Options(openie=openie))


def test_wrong_shapes_are_told(tmp_path: Path) -> None:
    """A question without gold of any shape, a passage without text, a missing corpus and two files are named."""
    with pytest.raises(
        ReadError, match=r"toy.json: item 1: has no gold: expected supporting_facts, contexts, paragraphs"
    ):
        convert("hipporag", [written(tmp_path, {"question": "Where?"})], Options())
    path = written(tmp_path, {"question": "Where?", **GOLD}, corpus=[{"title": "Fog"}])
    with pytest.raises(ReadError, match=r"toy_corpus.json: item 1: `text` is missing"):
        convert("hipporag", [path], Options())
    (tmp_path / "toy_corpus.json").unlink()
    with pytest.raises(ReadError, match=r"toy_corpus.json: no such file; HippoRAG's corpus lies beside"):
        convert("hipporag", [path], Options())
    with pytest.raises(ConfigError, match="takes one file of questions, not 2"):
        convert("hipporag", [path, path], Options())
