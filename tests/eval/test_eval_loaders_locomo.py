"""LoCoMo: a folder a conversation, a passage a turn, and evidence as the official file really writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.loaders.formats import convert
from eval.loaders.options import Options
from hippomem.errors import ReadError


def turn(turn_id: str, text: str, speaker: str = "Ana", **more: Any) -> dict[str, Any]:
    return {"speaker": speaker, "dia_id": turn_id, "text": text} | more


def asked(*evidence: str, category: int = 4, **changes: Any) -> dict[str, Any]:
    return {
        "question": "What did Ana mend?",
        "answer": "a kite",
        "evidence": list(evidence),
        "category": category,
    } | changes


def conversation(*questions: dict[str, Any], name: str = "conv-1", **changes: Any) -> dict[str, Any]:
    """A sample as the official file has them: ten sessions and more in no order, and dates of sessions without turns."""
    photo = {"img_url": ["x"], "blip_caption": "a photo of a kite", "query": "kite"}
    told = {
        "speaker_a": "Ana",
        "speaker_b": "Ben",
        "session_10_date_time": "9:00 am on 2 June, 2023",
        "session_10": [turn("D10:1", "The kite flies.")],
        "session_2_date_time": "8:00 am on 1 May, 2023",
        "session_2": [turn("D2:1", "I mended my kite.", **photo), turn("D2:2", "", "Ben", **photo), turn("D2:3", " ")],
        "session_11_date_time": "9:00 am on 3 June, 2023",
    }
    return {"sample_id": name, "conversation": told | changes, "qa": list(questions), "event_summary": {}}


def written(tmp_path: Path, *samples: Any) -> Path:
    path = tmp_path / "locomo10.json"
    path.write_text(json.dumps(samples), encoding="utf-8")
    return path


def test_turns_are_passages_in_the_order_of_sessions(tmp_path: Path) -> None:
    """Session 2 comes before session 10; speaker, session and date go along; an image stands in the text by its caption."""
    conversion = convert("locomo", [written(tmp_path, conversation(asked("D2:1")))], Options())
    (folder,) = conversion.folders
    assert [(passage.passage_id, passage.title, passage.text) for passage in folder.passages] == [
        ("conv-1/D2:1", "Ana", "I mended my kite. [shared image: a photo of a kite]"),
        ("conv-1/D2:2", "Ben", "[shared image: a photo of a kite]"),
        ("conv-1/D10:1", "Ana", "The kite flies."),
    ]
    assert folder.passages[0].metadata == {"session": "session_2", "date": "8:00 am on 1 May, 2023", "speaker": "Ana"}
    assert (conversion.nested, conversion.left_out) == (True, {"passages without text": 1})


@pytest.mark.parametrize(
    ("evidence", "gold", "lost"),
    [
        (["D2:1"], ["D2:1"], 0),
        (["D2:1; D10:1"], ["D2:1", "D10:1"], 0),
        (["D2:1, D10:1", "D2:1"], ["D2:1", "D10:1"], 0),
        (["D2:1 D10:1"], ["D2:1", "D10:1"], 0),
        (["D:10:1"], ["D10:1"], 0),
        (["D02:01"], ["D2:1"], 0),
        (["D", "D2:1"], ["D2:1"], 1),
        (["D2:9", "D2:1"], ["D2:1"], 1),
        (["D2:3", "D2:1"], ["D2:1"], 0),
    ],
)
def test_evidence_names_turns_however_it_is_written(
    tmp_path: Path, evidence: list[str], gold: list[str], lost: int
) -> None:
    """Lists within a string, extra colons and leading zeros are understood; what names no turn is dropped and counted."""
    conversion = convert("locomo", [written(tmp_path, conversation(asked(*evidence)))], Options())
    assert list(conversion.folders[0].queries[0].relevance) == [f"conv-1/{turn_id}" for turn_id in gold]
    assert conversion.left_out.get("evidence ids that name no turn", 0) == lost


def test_categories_have_names_and_traps_are_no_answers(tmp_path: Path) -> None:
    """A number as answer becomes text; what an adversarial question wants to hear is not its answer."""
    trap = asked("D2:1", category=5, adversarial_answer="a boat")
    del trap["answer"]
    questions = [asked("D2:1", category=number, answer=2022) for number in range(1, 5)] + [trap]
    (folder,) = convert("locomo", [written(tmp_path, conversation(*questions))], Options()).folders
    types = [query.metadata["type"] for query in folder.queries]
    assert types == ["multi-hop", "temporal", "open-domain", "single-hop", "adversarial"]
    assert folder.queries[0].metadata == {"answer": "2022", "type": "multi-hop", "category": 1}
    assert folder.queries[4].metadata == {"adversarial_answer": "a boat", "type": "adversarial", "category": 5}


def test_questions_without_gold_are_kept(tmp_path: Path) -> None:
    """They have no judgement, and keep their place in the numbering."""
    sample = conversation(asked(), asked("D2:1"), {"question": "Who?", "category": 3})
    (folder,) = convert("locomo", [written(tmp_path, sample)], Options()).folders
    assert [(query.query_id, len(query.relevance)) for query in folder.queries] == [
        ("conv-1/conv-1_0", 0),
        ("conv-1/conv-1_1", 1),
        ("conv-1/conv-1_2", 0),
    ]


def test_limit_runs_over_the_conversations(tmp_path: Path) -> None:
    """The first N questions of the file; a conversation with none left is not written."""
    samples = [conversation(asked("D2:1"), asked("D10:1"), name=f"conv-{number}") for number in range(3)]
    folders = convert("locomo", [written(tmp_path, *samples)], Options(limit=3)).folders
    assert [(folder.name, len(folder.queries)) for folder in folders] == [("conv-0", 2), ("conv-1", 1)]
    folders = convert("locomo", [written(tmp_path, *samples)], Options(limit=2)).folders
    assert [folder.name for folder in folders] == ["conv-0"]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"sample_id": None}, "item 1: `sample_id` is missing"),
        ({"conversation": None}, r"item 1 \('conv-1'\): `conversation` is missing or no object"),
        ({"conversation": {"speaker_a": "Ana"}}, "conversation: holds no session; expected session_1"),
        ({"conversation": {"session_1": "Hi"}}, "conversation: `session_1` is a str; expected a list"),
        ({"conversation": {"session_1": [turn("D1:1", "Hi", "")]}}, r"session_1\[0\]: `speaker` is blank"),
        (
            {"conversation": {"session_1": [turn("D1:1", "Hi"), turn("D1:01", "Ho")]}},
            r"session_1\[1\]: `dia_id` 'D1:1' was",
        ),
        ({"qa": None}, "`qa` is missing; expected a list"),
        ({"qa": [asked("D2:1", category=6)]}, r"qa\[0\]: `category` is 6; expected 1 to 5"),
        ({"qa": [asked("D2:1", category="one")]}, r"qa\[0\]: `category` is 'one'; expected a whole number"),
        ({"qa": [asked("D2:1", evidence="D2:1")]}, r"qa\[0\]: `evidence` is a str; expected a list"),
        ({"qa": [asked("D2:1", question="")]}, r"qa\[0\]: `question` is blank"),
    ],
)
def test_wrong_shape_names_its_place(tmp_path: Path, sample: dict[str, Any], message: str) -> None:
    """A sample that is not as LoCoMo's are is an error with file, sample and what was expected."""
    path = written(tmp_path, conversation(asked("D2:1")) | sample)
    with pytest.raises(ReadError, match=message) as caught:
        convert("locomo", [path], Options())
    assert caught.value.path == path
