"""The demonstration corpus: where it lies, and its questions with their gold passages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hippomem.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the demo set. answers: the answer, then other spellings of it. gold: source ids of its passages."""

    question_id: str
    text: str
    answers: tuple[str, ...]
    gold: tuple[str, ...]


def demo_folder() -> Path:
    """The BEIR folder of the demo corpus: package data of an installed wheel, ``data/demo`` in a checkout.

    Raises ConfigError when there is neither.
    """
    packaged = Path(str(files("hippomem") / "demo_data"))
    for folder in (packaged, Path(__file__).resolve().parent.parent / "data" / "demo"):
        if (folder / "corpus.jsonl").is_file():
            return folder
    raise ConfigError("the demo corpus is not installed; reinstall hippomem, or run from a checkout with data/demo.")


def demo_questions(folder: Path) -> tuple[Question, ...]:
    """The questions of a BEIR folder, in file order."""
    gold: dict[str, list[str]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question_id, source_id, _ = line.split("\t")
        gold.setdefault(question_id, []).append(source_id)
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines() if line]
    return tuple(
        Question(
            question_id=row["_id"],
            text=row["text"],
            answers=(row["metadata"]["answer"], *row["metadata"]["answer_aliases"]),
            gold=tuple(gold[row["_id"]]),
        )
        for row in rows
    )
