"""HotpotQA's JSON: pooled paragraphs, gold by title within the question's own context."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.loaders.formats import convert
from eval.loaders.options import Options
from hippomem.errors import ReadError

OWL = ["Snow owl", ["The owl nests on Fell Rock.", " It is white."]]
ROCK = ["Fell Rock", ["Fell Rock lies off Norna."]]
OTHER_ROCK = ["Fell Rock", ["Fell Rock is also a song."]]


def question(number: int, context: list[Any], *titles: str, **changes: Any) -> dict[str, Any]:
    """An item as HotpotQA has them."""
    return {
        "_id": f"5a{number}",
        "answer": "Norna",
        "question": "Off which coast does the owl nest?",
        "supporting_facts": [[title, 0] for title in titles],
        "context": context,
        "type": "bridge",
        "level": "hard",
    } | changes


def written(tmp_path: Path, *items: Any) -> Path:
    path = tmp_path / "hotpot.json"
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def test_sentences_join_as_they_are_and_titles_are_gold(tmp_path: Path) -> None:
    """HotpotQA's sentences bring their own spaces; two supporting sentences of one paragraph are one gold passage."""
    path = written(tmp_path, question(1, [OWL, ROCK], "Fell Rock", "Snow owl", "Snow owl"))
    (folder,) = convert("hotpotqa", [path], Options()).folders
    assert [passage.text for passage in folder.passages] == ["The owl nests on Fell Rock. It is white.", ROCK[1][0]]
    assert folder.queries[0].relevance == {"hotpotqa-00000": 1, "hotpotqa-00001": 1}
    assert folder.queries[0].metadata == {"answer": "Norna", "answer_aliases": [], "type": "bridge", "level": "hard"}


def test_gold_is_of_the_questions_own_context(tmp_path: Path) -> None:
    """A paragraph of the same title that another question brought is not gold."""
    path = written(tmp_path, question(1, [OTHER_ROCK], "Fell Rock"), question(2, [OWL, ROCK], "Fell Rock"))
    (folder,) = convert("hotpotqa", [path], Options()).folders
    assert [list(query.relevance) for query in folder.queries] == [["hotpotqa-00000"], ["hotpotqa-00002"]]


def test_title_outside_the_context_is_counted(tmp_path: Path) -> None:
    """Fullwiki contexts need not hold the evidence; the question keeps the gold that is there."""
    conversion = convert("hotpotqa", [written(tmp_path, question(1, [OWL], "Snow owl", "Fell Rock"))], Options())
    assert conversion.left_out == {"supporting titles that the question's context does not hold": 1}
    assert conversion.counts["gold"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_id": None}, "item 2: `_id` is missing"),
        ({"_id": "5a1"}, r"item 2 \('5a1'\): `_id` '5a1' was already given in hotpot.json, item 1"),
        ({"supporting_facts": None}, r"item 2 \('5a2'\): `supporting_facts` is missing \(test files have none\)"),
        ({"supporting_facts": [["Snow owl"]]}, r"supporting_facts\[0\] is not \[title, sentence number\]"),
        ({"context": None}, r"item 2 \('5a2'\): `context` is missing; expected a list"),
        ({"context": [["Snow owl", "It is white."]]}, r"context\[0\] is not \[title, \[sentence, …\]\]"),
        ({"context": [OWL, ["Fell Rock", [1]]]}, r"context\[1\] is not \[title, \[sentence, …\]\]"),
        ({"context": [["Snow owl", ["\udc00"]]]}, r"context\[0\]: `sentences` holds half a surrogate pair"),
        ({"question": None}, "`question` is missing; expected a text"),
    ],
)
def test_wrong_shape_names_its_item(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """An item that is not as HotpotQA's are is an error with file, item and what was expected."""
    path = written(tmp_path, question(1, [OWL], "Snow owl"), question(2, [OWL], "Snow owl") | changes)
    with pytest.raises(ReadError, match=message) as caught:
        convert("hotpotqa", [path], Options())
    assert caught.value.path == path
