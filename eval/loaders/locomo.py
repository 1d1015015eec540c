"""LoCoMo (Maharana et al. 2024): the official ``locomo10.json``. A folder a conversation, a passage a turn.

The title is the speaker; an image stands in the text by its caption. Gold is the turns that ``evidence`` names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from eval.loaders.model import BLANK, Conversion, Folder, Passage, Query, described
from eval.loaders.options import Options
from eval.loaders.reading import Item, new_id, read_items

#: What the numbers mean in the file; the paper lists the same categories in another order.
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}

NO_TURN = "evidence ids that name no turn"

_SESSION = re.compile(r"session_(\d+)")
#: ``D1:3`` is the third turn of session 1. The file also has ``D:11:26``, ``D30:05``, ``D8:6; D9:17`` and a bare ``D``.
_TURN = re.compile(r"D:?0*(\d+):0*(\d+)")


def load(files: Sequence[Path], options: Options) -> Conversion:
    """All questions, also those without gold. A conversation that the limit leaves no question of is not written."""
    left_out: Counter[str] = Counter()
    folders: list[Folder] = []
    seen: dict[str, str] = {}
    for item in read_items(files):
        asked = sum(len(folder.queries) for folder in folders)
        left = None if options.limit is None else options.limit - asked
        if left == 0:
            break
        name = new_id(item, "sample_id", seen)
        turns = _turns(item.child("conversation"), name, left_out)
        queries = [
            _query(question, name, number, turns, left_out)
            for number, question in enumerate(islice(item.children("qa"), left))
        ]
        passages = tuple(passage for passage in turns.values() if passage is not None)
        folders.append(Folder(name, passages, tuple(queries)))
    return Conversion(tuple(folders), nested=True, left_out=dict(+left_out))


def turn_ids(evidence: str) -> Iterator[str]:
    """The turns that an evidence string names, as ``D1:3``; a part that is no turn id comes as it is.

    >>> list(turn_ids("D8:6; D9:17")), list(turn_ids("D:11:26")), list(turn_ids("D30:05")), list(turn_ids("D"))
    (['D8:6', 'D9:17'], ['D11:26'], ['D30:5'], ['D'])
    """
    for part in re.split(r"[;,\s]+", evidence):
        if part:
            match = _TURN.fullmatch(part)
            yield f"D{match[1]}:{match[2]}" if match else part


def _turns(conversation: Item, name: str, left_out: Counter[str]) -> dict[str, Passage | None]:
    """Passage of every turn by its id, sessions in order of their number; None for a turn that says nothing."""
    numbers = sorted(int(match[1]) for key in conversation.fields if (match := _SESSION.fullmatch(key)))
    if not numbers:
        raise conversation.error("holds no session; expected session_1, session_2, …, each a list of turns")
    turns: dict[str, Passage | None] = {}
    for number in numbers:
        session = f"session_{number}"
        date = conversation.optional_text(f"{session}_date_time")
        for turn in conversation.children(session):
            turn_id = " ".join(turn_ids(turn.identifier("dia_id")))
            if turn_id in turns:
                raise turn.error(f"`dia_id` '{turn_id}' was already given in this conversation")
            speaker, text = turn.text("speaker"), _said(turn)
            if not text:
                left_out[BLANK] += 1
            metadata = described(session=session, date=date, speaker=speaker)
            turns[turn_id] = Passage(f"{name}/{turn_id}", text, speaker, metadata) if text else None
    return turns


def _said(turn: Item) -> str:
    """What the turn says and, where an image is shared, what is on it by the caption that the data come with.

    Empty for a turn that says nothing; white space at the ends of what is said is the source's own and stays.
    """
    text, caption = turn.optional_text("text") or "", turn.optional_text("blip_caption") or ""
    parts = [text, f"[shared image: {caption}]" if caption.strip() else ""]
    return " ".join(part for part in parts if part.strip())


def _query(item: Item, name: str, number: int, turns: dict[str, Passage | None], left_out: Counter[str]) -> Query:
    category = item.number("category")
    if category not in CATEGORIES:
        raise item.error(f"`category` is {category}; expected 1 to {len(CATEGORIES)}")
    gold = {}
    for turn_id in dict.fromkeys(turn_id for evidence in item.texts("evidence") for turn_id in turn_ids(evidence)):
        passage = turns.get(turn_id)
        if passage is not None:
            gold[passage.passage_id] = 1
        elif turn_id not in turns:
            left_out[NO_TURN] += 1
    metadata = described(
        answer=item.scalar("answer"),
        # What a system falls for when it answers though nothing was said; no right answer, so not under that name.
        adversarial_answer=item.scalar("adversarial_answer"),
        type=CATEGORIES[category],
        category=category,
    )
    return Query(f"{name}/{name}_{number}", item.text("question"), gold, metadata)
