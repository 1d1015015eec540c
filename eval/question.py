"""A question, its judgements, and what its set says of it: the kind of question, the hops it takes, the answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

#: LoCoMo writes the kind of a question as a number (Maharana et al. 2024, and the order of its released code).
LOCOMO_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
#: MuSiQue writes the hops into ids ("2hop__150763_14904") and types ("3hop1").
_HOPS = re.compile(r"(\d{1,2})hop")


class Labels(NamedTuple):
    """What ``metadata`` says of a question. type: "" where it is not said.    hops: ≥ 1, None where it is not known.

    answers: accepted ones, the set's first answer first, no two alike.
    """

    type: str = ""
    hops: int | None = None
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its relevance judgements.

    relevance: passage ``_id`` -> score > 0; never empty.    corpus: name of the folder it belongs to.
    type, hops, answers: see `Labels`.
    """

    question_id: str
    text: str
    relevance: Mapping[str, float]
    corpus: str
    type: str = ""
    hops: int | None = None
    answers: tuple[str, ...] = ()


def read_labels(question_id: str, metadata: object) -> Labels:
    """The labels of a line of ``queries.jsonl``; what is not there or not understood is left out, never an error.

    Figures are broken down by these labels and nothing is scored by them, so a set without any is a good set.

    >>> read_labels("2hop__1_2", {"answer": 1960, "answer_aliases": ["in 1960"]})
    Labels(type='', hops=2, answers=('1960', 'in 1960'))
    >>> read_labels("q", {"category": 2})
    Labels(type='temporal', hops=None, answers=())
    >>> read_labels("q", {"category": 5, "answer": "a trap", "adversarial": True})
    Labels(type='adversarial', hops=None, answers=())
    """
    known: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    kind = _text(known.get("type"))
    category = known.get("category")
    if not kind and isinstance(category, int | str):
        number = int(category) if str(category).isdecimal() else 0
        kind = LOCOMO_CATEGORIES.get(number, _text(category))
    aliases = known.get("answer_aliases")
    answers = [known.get("answer"), *(aliases if isinstance(aliases, list) else [])]
    if known.get("adversarial") is True:  # LoCoMo's trap: what stands under "answer" is what must not be said
        answers = []
    return Labels(
        kind, _hops(known.get("hops"), kind, question_id), tuple(dict.fromkeys(filter(None, map(_text, answers))))
    )


def _hops(stated: object, kind: str, question_id: str) -> int | None:
    if isinstance(stated, int) and not isinstance(stated, bool) and stated >= 1:
        return stated
    for text in (kind, question_id):
        if (found := _HOPS.match(text)) and int(found[1]) >= 1:
            return int(found[1])
    return None


def _text(value: object) -> str:
    """A text or number as Unicode text ("" for anything else); half surrogate pairs, which no file can hold, become "?"."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip().encode("utf-8", "replace").decode()
