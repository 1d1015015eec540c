"""2WikiMultihopQA: HotpotQA's shape, sentences with a space between, and the official aliases of answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.loaders.formats import convert
from eval.loaders.options import Options
from hippomem.errors import ConfigError, ReadError


def written(tmp_path: Path, **changes: Any) -> Path:
    """A file of one question."""
    item = {
        "_id": "ab12",
        "type": "compositional",
        "question": "Where was the sister of Ida Vorn born?",
        "context": [
            ["Ida Vorn", ["Ida Vorn is a glazier.", "Her sister is Lea Vorn."]],
            ["Lea Vorn", ["Lea Vorn was born in Tarn."]],
            ["Tarn", ["Tarn is a town."]],
        ],
        "supporting_facts": [["Ida Vorn", 1], ["Lea Vorn", 0]],
        "evidences": [["Ida Vorn", "sibling", "Lea Vorn"]],
        "answer": "Tarn",
        "answer_id": "Q7",
    }
    path = tmp_path / "dev.json"
    path.write_text(json.dumps([item | changes]), encoding="utf-8")
    return path


def test_sentences_join_with_a_space(tmp_path: Path) -> None:
    """2Wiki's sentences bring no space of their own; type and gold are as the item says."""
    (folder,) = convert("2wiki", [written(tmp_path)], Options()).folders
    assert folder.passages[0].text == "Ida Vorn is a glazier. Her sister is Lea Vorn."
    assert folder.queries[0].relevance == {"2wiki-00000": 1, "2wiki-00001": 1}
    assert folder.queries[0].metadata == {"answer": "Tarn", "answer_aliases": [], "type": "compositional"}


def test_aliases_come_by_the_answers_id(tmp_path: Path) -> None:
    """Other names and demonyms of the answer are aliases, each once and without the answer itself."""
    aliases = tmp_path / "id_aliases.json"
    rows = [
        {"Q_id": "Q1", "aliases": ["Nowhere"], "demonyms": []},
        {"Q_id": "Q7", "aliases": ["Tarn", "Tarn Town"], "demonyms": ["Tarner", "Tarn Town"]},
    ]
    aliases.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder,) = convert("2wiki", [written(tmp_path)], Options(aliases=aliases)).folders
    assert folder.queries[0].metadata["answer_aliases"] == ["Tarn Town", "Tarner"]
    (folder,) = convert("2wiki", [written(tmp_path, answer_id=None)], Options(aliases=aliases)).folders
    assert folder.queries[0].metadata["answer_aliases"] == []


def test_wrong_shapes_are_told(tmp_path: Path) -> None:
    """A mistake in either file names that file; aliases are 2Wiki's only."""
    with pytest.raises(ReadError, match=r"dev.json: item 1 \('ab12'\): `supporting_facts` is missing"):
        convert("2wiki", [written(tmp_path, supporting_facts=None)], Options())
    aliases = tmp_path / "id_aliases.json"
    aliases.write_text('{"aliases": []}\n', encoding="utf-8")
    with pytest.raises(ReadError, match=r"id_aliases.json, line 1: `Q_id` is missing"):
        convert("2wiki", [written(tmp_path)], Options(aliases=aliases))
    with pytest.raises(
        ConfigError, match="--aliases has no effect on format 'hotpotqa', whose options are none but --limit"
    ):
        convert("hotpotqa", [written(tmp_path)], Options(aliases=aliases))
