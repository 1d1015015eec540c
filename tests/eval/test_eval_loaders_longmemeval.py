"""LongMemEval: a haystack a question or one pool, turns or sessions as passages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.loaders.formats import convert
from eval.loaders.model import Folder
from eval.loaders.options import Options
from hippomem.errors import ReadError

BEANS = [
    {"role": "user", "content": "I planted beans today.", "has_answer": True},
    {"role": "assistant", "content": "Water them well.", "has_answer": False},
]
CHAT = [{"role": "user", "content": "Tell me a joke."}, {"role": "assistant", "content": ""}]


def question(query_id: str, sessions: dict[str, Any], gold: list[str], **changes: Any) -> dict[str, Any]:
    """An instance as LongMemEval has them."""
    return {
        "question_id": query_id,
        "question_type": "single-session-user",
        "question": "What did I plant?",
        "answer": "beans",
        "question_date": "2023/06/01 (Thu) 10:00",
        "haystack_session_ids": list(sessions),
        "haystack_dates": [f"2023/05/{day:02d} (Mon) 02:21" for day in range(1, len(sessions) + 1)],
        "haystack_sessions": list(sessions.values()),
        "answer_session_ids": gold,
    } | changes


def written(tmp_path: Path, *items: Any) -> Path:
    path = tmp_path / "longmemeval_s.json"
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def passage_ids(folder: Folder) -> list[str]:
    return [passage.passage_id for passage in folder.passages]


def test_a_haystack_is_a_store_of_turns(tmp_path: Path) -> None:
    """A folder a question; a turn says who spoke, where and when, with a date that date parsers read; gold is marked."""
    path = written(
        tmp_path, question("q1", {"chat": CHAT, "ans": BEANS}, ["ans"]), question("q2", {"ans": BEANS}, ["ans"])
    )
    conversion = convert("longmemeval", [path], Options())
    first, second = conversion.folders
    assert (first.name, second.name, conversion.nested) == ("q1", "q2", True)
    assert passage_ids(first) == ["chat_1", "ans_1", "ans_2"]
    assert (first.passages[1].title, first.passages[1].text) == ("user", "I planted beans today.")
    assert first.passages[1].metadata == {"session": "ans", "date": "2023/05/02 02:21", "speaker": "user"}
    assert first.queries[0].relevance == {"ans_1": 1}
    assert first.queries[0].metadata == {
        "answer": "beans",
        "type": "single-session-user",
        "question_date": "2023/06/01 10:00",
    }
    assert conversion.left_out == {"passages without text": 1}


def test_a_session_can_be_the_passage(tmp_path: Path) -> None:
    """With sessions as unit the roles stand in the text, and gold is the answer's sessions that are there."""
    path = written(tmp_path, question("q1", {"chat": CHAT, "ans": BEANS}, ["ans", "gone"]))
    conversion = convert("longmemeval", [path], Options(unit="session"))
    (folder,) = conversion.folders
    assert [passage.text for passage in folder.passages] == [
        "user: Tell me a joke.",
        "user: I planted beans today.\nassistant: Water them well.",
    ]
    assert folder.queries[0].relevance == {"ans": 1}
    assert conversion.left_out["answer session ids that the haystack does not hold"] == 1


def test_abstention_and_unmarked_questions_are_left_out(tmp_path: Path) -> None:
    """Without a place where the answer stands there is nothing to find; both kinds are counted."""
    path = written(
        tmp_path,
        question("q1_abs", {"ans": BEANS}, ["ans"]),
        question("q2", {"chat": CHAT[:1]}, ["chat"]),
        question("q3", {"ans": BEANS}, ["ans"]),
    )
    conversion = convert("longmemeval", [path], Options(limit=1))
    assert [folder.name for folder in conversion.folders] == ["q3"]
    assert conversion.left_out == {"abstention questions": 1, "questions whose haystack marks no answer": 1}


def test_pool_holds_each_session_once(tmp_path: Path) -> None:
    """A session of two haystacks is one, with the first date; the marks of each question stay its own."""
    unmarked = [{"role": turn["role"], "content": turn["content"]} for turn in BEANS]
    peas = [{"role": "user", "content": "I planted peas.", "has_answer": True}]
    path = written(
        tmp_path,
        question("q1", {"a": BEANS, "b": CHAT}, ["a"]),
        question("q2", {"b": CHAT, "a": unmarked, "c": peas}, ["c"]),
    )
    conversion = convert("longmemeval", [path], Options(pooled=True))
    (folder,) = conversion.folders
    assert not conversion.nested
    assert passage_ids(folder) == ["a_1", "a_2", "b_1", "c_1"]
    assert folder.passages[0].metadata["date"] == "2023/05/01 02:21"
    assert [query.relevance for query in folder.queries] == [{"a_1": 1}, {"c_1": 1}]
    assert conversion.left_out == {"passages without text": 1}


@pytest.mark.parametrize(("unit", "gold"), [("turn", ["a_1", "a~2_1"]), ("session", ["a", "a~2"])])
def test_one_id_of_two_sessions_stays_two(tmp_path: Path, unit: Any, gold: list[str]) -> None:
    """Another conversation under a known id is kept apart, so that each question finds its own."""
    peas = [{"role": "user", "content": "I planted peas.", "has_answer": True}]
    path = written(tmp_path, question("q1", {"a": BEANS}, ["a"]), question("q2", {"a": peas}, ["a"]))
    (folder,) = convert("longmemeval", [path], Options(pooled=True, unit=unit)).folders
    assert [list(query.relevance) for query in folder.queries] == [[gold[0]], [gold[1]]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question_id": None}, "item 1: `question_id` is missing"),
        ({"haystack_dates": []}, "1 haystack_session_ids, 0 haystack_dates and 1 haystack_sessions; expected as many"),
        ({"haystack_sessions": None}, r"item 1 \('q1'\): `haystack_sessions` is missing; expected a list"),
        ({"haystack_sessions": ["Hi"]}, r"haystack_sessions\[0\] is a str; expected a list of turns"),
        ({"haystack_sessions": [["Hi"]]}, r"haystack_sessions\[0\]\[0\] is a str; expected an object"),
        ({"haystack_sessions": [[{"content": "Hi"}]]}, r"haystack_sessions\[0\]\[0\]: `role` is missing"),
        (
            {"haystack_sessions": [[BEANS[0] | {"has_answer": 1}]]},
            r"\[0\]\[0\]: `has_answer` is 1; expected true or false",
        ),
        ({"question": " "}, "`question` is blank"),
    ],
)
def test_wrong_shape_names_its_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """An instance that is not as LongMemEval's are is an error with file, instance and what was expected."""
    path = written(tmp_path, question("q1", {"ans": BEANS}, ["ans"], **changes))
    with pytest.raises(ReadError, match=message) as caught:
        convert("longmemeval", [path], Options())
    assert caught.value.path == path
