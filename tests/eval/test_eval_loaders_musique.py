"""MuSiQue's JSON Lines: what becomes a passage, a question and gold, and what is told when a line is not as expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.loaders.formats import convert
from eval.loaders.options import Options
from hippomem.errors import ReadError

LAMP = {
    "idx": 0,
    "title": "Lamp Street",
    "paragraph_text": "Lamp Street ends at the old harbour.",
    "is_supporting": True,
}
PORT = {"idx": 1, "title": "Old harbour", "paragraph_text": "The old harbour froze in 1962.", "is_supporting": True}
MILL = {"idx": 2, "title": "Mill", "paragraph_text": "The mill stands empty.", "is_supporting": False}


def question(number: int, *paragraphs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A line as MuSiQue has them."""
    return {
        "id": f"2hop__{number}_{number + 1}",
        "paragraphs": list(paragraphs),
        "question": "When did the harbour at the end of Lamp Street freeze?",
        "question_decomposition": [{"id": 1, "question": "Lamp Street >> end", "answer": "old harbour"}],
        "answer": "1962",
        "answer_aliases": ["in 1962"],
        "answerable": True,
    } | changes


def written(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    path = tmp_path / "musique_dev.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_paragraphs_are_pooled_and_support_is_gold(tmp_path: Path) -> None:
    """A paragraph of two questions is one passage, in the order first seen; gold is what supports the question."""
    path = written(tmp_path, question(1, MILL, LAMP, PORT), question(5, PORT, MILL, id="4hop1__5_6_7_8"))
    conversion = convert("musique", [path], Options())
    (folder,) = conversion.folders
    assert [(passage.passage_id, passage.title) for passage in folder.passages] == [
        ("musique-00000", "Mill"),
        ("musique-00001", "Lamp Street"),
        ("musique-00002", "Old harbour"),
    ]
    assert [list(query.relevance) for query in folder.queries] == [
        ["musique-00001", "musique-00002"],
        ["musique-00002"],
    ]
    assert folder.queries[0].metadata == {"answer": "1962", "answer_aliases": ["in 1962"], "type": "2hop", "hops": 2}
    assert (folder.queries[1].metadata["type"], folder.queries[1].metadata["hops"]) == ("4hop1", 4)
    assert (conversion.nested, conversion.left_out) == (False, {})


def test_same_title_with_another_text_is_another_passage(tmp_path: Path) -> None:
    """Paragraphs of one article differ by their text."""
    other = PORT | {"paragraph_text": "Boats are mended there.", "is_supporting": False}
    (folder,) = convert("musique", [written(tmp_path, question(1, PORT, other))], Options()).folders
    assert len(folder.passages) == 2


def test_unanswerable_questions_are_left_out_and_counted(tmp_path: Path) -> None:
    """The full variant holds each id twice; the half without evidence is not asked, and its paragraphs are not pooled."""
    path = written(tmp_path, question(1, LAMP, PORT), question(1, LAMP, MILL, answerable=False))
    conversion = convert("musique", [path], Options())
    assert conversion.left_out == {"unanswerable questions": 1}
    assert conversion.counts == {"stores": 1, "passages": 2, "questions": 1, "with_gold": 1, "gold": 2}


def test_limit_pools_only_what_is_asked(tmp_path: Path) -> None:
    """The first N answerable questions bring their paragraphs, the others none."""
    path = written(tmp_path, question(1, MILL, answerable=False), question(3, LAMP), question(5, PORT))
    (folder,) = convert("musique", [path], Options(limit=1)).folders
    assert [passage.title for passage in folder.passages] == ["Lamp Street"]


def test_several_files_are_one_pool(tmp_path: Path) -> None:
    """Train and dev together ask one corpus; an id of both is a mistake that names both places."""
    (tmp_path / "train").mkdir()
    train, dev = written(tmp_path / "train", question(1, LAMP)), written(tmp_path, question(3, LAMP, PORT))
    assert convert("musique", [train, dev], Options()).counts["passages"] == 2
    with pytest.raises(ReadError, match=r"line 1: `id` '2hop__1_2' was already given in musique_dev.jsonl, line 1"):
        convert("musique", [train, train], Options())


def test_blank_paragraph_is_left_out_and_counted(tmp_path: Path) -> None:
    """No store takes a passage without text."""
    conversion = convert("musique", [written(tmp_path, question(1, LAMP, MILL | {"paragraph_text": " "}))], Options())
    assert (conversion.counts["passages"], conversion.left_out) == (1, {"passages without text": 1})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"id": None}, "`id` is missing; expected an id"),
        ({"question": "  "}, "`question` is blank; expected a text"),
        ({"question": ["When?"]}, "`question` is a list; expected a text"),
        ({"question": "When \ud800?"}, "`question` holds half a surrogate pair at 5"),
        ({"question": "When \x00?"}, "`question` holds a NUL character"),
        ({"paragraphs": None}, "`paragraphs` is missing; expected a list"),
        ({"paragraphs": {"title": "x"}}, "`paragraphs` is a dict; expected a list"),
        ({"paragraphs": ["text"]}, r"paragraphs\[0\] is a str; expected an object"),
        ({"paragraphs": [{"title": "x"}]}, r"paragraphs\[0\]: `paragraph_text` is missing"),
        (
            {"paragraphs": [LAMP | {"is_supporting": "yes"}]},
            r"paragraphs\[0\]: `is_supporting` is 'yes'; expected true or",
        ),
        ({"answer_aliases": [1]}, "`answer_aliases` must be a list of texts"),
        ({"answerable": 1}, "`answerable` is 1; expected true or false"),
    ],
)
def test_wrong_shape_names_its_line(tmp_path: Path, line: dict[str, Any], message: str) -> None:
    """A line that is not as MuSiQue's are is an error with file, line and what was expected."""
    path = written(tmp_path, question(1, LAMP), question(3, PORT) | line)
    with pytest.raises(ReadError, match=message) as caught:
        convert("musique", [path], Options())
    assert (caught.value.path, caught.value.line) == (path, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{broken", "line 1: not JSON"),
        (b"\n3\n", "line 2: expected an object, found a int"),
        (b"[3]", "item 1 is a int; expected an object"),
        (b"\xff", "not UTF-8 at byte 0"),
    ],
)
def test_unreadable_file_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no JSON Lines at all is told with its place."""
    path = tmp_path / "broken.jsonl"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=message):
        convert("musique", [path], Options())
    with pytest.raises(ReadError, match=r"nowhere.jsonl: no such file"):
        convert("musique", [tmp_path / "nowhere.jsonl"], Options())
