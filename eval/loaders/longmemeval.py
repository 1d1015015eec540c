"""LongMemEval (Wu et al. 2025): official JSON such as ``longmemeval_s.json``.

A question comes with its own haystack of dated chat sessions: a folder a question. ``--pooled`` puts all haystacks into
one folder instead, each session once; a haystack alone is small enough that most retrievers find nearly everything.
``--unit turn`` (what is not said) makes a passage of a turn, with its role as title and speaker; ``--unit session`` of a
whole session. Gold is the turns with ``has_answer``, or the ``answer_session_ids``. Abstention questions (``…_abs``)
have no place where the answer stands and are left out, as in the official retrieval evaluation, which, unlike this,
indexes the user's turns only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from eval.loaders.model import BLANK, Conversion, Folder, Passage, Query, described, one_folder
from eval.loaders.options import Options, Unit
from eval.loaders.reading import Item, new_id, read_items

ABSTENTION = "abstention questions"
NO_GOLD = "questions whose haystack marks no answer"
NO_SESSION = "answer session ids that the haystack does not hold"


def load(files: Sequence[Path], options: Options) -> Conversion:
    """Questions whose haystack marks where the answer stands. Raises ReadError."""
    unit: Unit = options.unit or "turn"
    left_out: Counter[str] = Counter()
    answered = _answered(read_items(files), unit, left_out)
    if options.pooled:
        haystack = Haystack(unit)
        queries = [_query(question, haystack) for question in islice(answered, options.limit)]
        left_out[BLANK] += haystack.blank
        return one_folder(haystack.passages.values(), queries, left_out)
    folders = []
    for question in islice(answered, options.limit):
        haystack = Haystack(unit)
        query = _query(question, haystack)
        left_out[BLANK] += haystack.blank
        folders.append(Folder(query.query_id, tuple(haystack.passages.values()), (query,)))
    return Conversion(tuple(folders), nested=True, left_out=dict(+left_out))


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a haystack. turns: (role, content) in order.    marked: numbers from 1 of turns with the answer."""

    session_id: str
    date: str | None
    turns: tuple[tuple[str, str], ...]
    marked: frozenset[int]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its haystack. gold_sessions: ids.    item: where it stands, for errors."""

    query_id: str
    item: Item
    sessions: tuple[Session, ...]
    gold_sessions: frozenset[str]


@dataclass(slots=True)
class Haystack:
    """The passages of one store. passages: by id, in the order first added.    blank: turns that say nothing.

    Haystacks share sessions, at other dates: a session is added once, with the date it has first. Where another
    session has the id already, ``~2`` is put to it, so that each question's gold is its own.
    """

    unit: Unit
    passages: dict[str, Passage] = field(default_factory=dict)
    blank: int = 0
    _names: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)
    _used: Counter[str] = field(default_factory=Counter)

    def add(self, session: Session) -> str:
        """The name that *session* goes by in the passages' ids, as before if it was added before."""
        key = (session.session_id, session.turns)
        if key not in self._names:
            self._used[session.session_id] += 1
            number = self._used[session.session_id]
            self._names[key] = session.session_id if number == 1 else f"{session.session_id}~{number}"
            self._add_passages(self._names[key], session)
        return self._names[key]

    def _add_passages(self, name: str, session: Session) -> None:
        said = [(number, role, text) for number, (role, text) in enumerate(session.turns, start=1) if text.strip()]
        self.blank += len(session.turns) - len(said)
        if self.unit == "session" and said:
            text = "\n".join(f"{role}: {text}" for _, role, text in said)
            self.passages[name] = Passage(name, text, metadata=described(session=name, date=session.date))
        elif self.unit == "turn":
            for number, role, text in said:
                metadata = described(session=name, date=session.date, speaker=role)
                self.passages[f"{name}_{number}"] = Passage(f"{name}_{number}", text, role, metadata)


def plain_date(text: str | None) -> str | None:
    """*text* without the day of the week in brackets, which date parsers stumble over.

    >>> plain_date("2023/05/20 (Sat) 02:21")
    '2023/05/20 02:21'
    """
    return None if text is None else re.sub(r"\s*\(\w+\)", "", text)


def _answered(items: Iterator[Item], unit: Unit, left_out: Counter[str]) -> Iterator[Question]:
    seen: dict[str, str] = {}
    for item in items:
        query_id = new_id(item, "question_id", seen)
        if query_id.endswith("_abs"):
            left_out[ABSTENTION] += 1
            continue
        sessions = tuple(_sessions(item))
        wanted = frozenset(item.texts("answer_session_ids"))
        gold = wanted & {session.session_id for session in sessions}
        if unit == "session":
            left_out[NO_SESSION] += len(wanted - gold)
        if gold if unit == "session" else any(session.marked for session in sessions):
            yield Question(query_id, item, sessions, gold)
        else:
            left_out[NO_GOLD] += 1


def _sessions(item: Item) -> Iterator[Session]:
    ids, dates = item.texts("haystack_session_ids"), item.texts("haystack_dates")
    contents = item.values("haystack_sessions")
    if not len(ids) == len(dates) == len(contents):
        raise item.error(
            f"{len(ids)} haystack_session_ids, {len(dates)} haystack_dates and {len(contents)} haystack_sessions; "
            "expected as many of each"
        )
    for index, (session_id, date, turns) in enumerate(zip(ids, dates, contents, strict=True)):
        if not isinstance(turns, list):
            raise item.error(f"haystack_sessions[{index}] is a {type(turns).__name__}; expected a list of turns")
        said, marked = [], set()
        for number, turn in enumerate(item.objects(f"haystack_sessions[{index}]", turns), start=1):
            said.append((turn.text("role"), turn.optional_text("content") or ""))
            if turn.flag("has_answer"):
                marked.add(number)
        yield Session(session_id, plain_date(date), tuple(said), frozenset(marked))


def _query(question: Question, haystack: Haystack) -> Query:
    gold: dict[str, int] = {}
    for session in question.sessions:
        name = haystack.add(session)
        ids = [name] if session.session_id in question.gold_sessions else []
        if haystack.unit == "turn":
            ids = [f"{name}_{number}" for number in sorted(session.marked)]
        gold |= {passage_id: 1 for passage_id in ids if passage_id in haystack.passages}
    item = question.item
    metadata = described(
        answer=item.scalar("answer"),
        type=item.optional_text("question_type"),
        question_date=plain_date(item.optional_text("question_date")),
    )
    return Query(question.query_id, item.text("question"), gold, metadata)
