"""MuSiQue (Trivedi et al. 2022): official JSON Lines such as ``musique_ans_v1.0_dev.jsonl``.

Each question brings 20 paragraphs, of which two to four support its answer; all questions' paragraphs are pooled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from eval.loaders.model import BLANK, Conversion, Query, described, one_folder
from eval.loaders.options import Options
from eval.loaders.pool import Pool
from eval.loaders.reading import Item, new_id, read_items

UNANSWERABLE = "unanswerable questions"

#: ``3hop1__…``: three hops, the first of the shapes that a question of three hops can have.
_KIND = re.compile(r"((\d+)hop\d*)__")


def load(files: Sequence[Path], options: Options) -> Conversion:
    """Answerable questions, gold where a paragraph ``is_supporting``. Raises ReadError."""
    left_out: Counter[str] = Counter()
    pool, seen = Pool("musique"), dict[str, str]()
    answerable = _answerable(read_items(files), left_out)
    queries = [_query(item, pool, seen) for item in islice(answerable, options.limit)]
    left_out[BLANK] += pool.blank
    return one_folder(pool.passages, queries, left_out)


def kind_and_hops(query_id: str) -> tuple[str | None, int | None]:
    """What MuSiQue's ids say of a question: its shape and its number of hops; nothing of other ids.

    >>> kind_and_hops("3hop2__12_34_56"), kind_and_hops("5a7f")
    (('3hop2', 3), (None, None))
    """
    match = _KIND.match(query_id)
    return (match[1], int(match[2])) if match else (None, None)


def _answerable(items: Iterator[Item], left_out: Counter[str]) -> Iterator[Item]:
    """The "full" variant holds each question twice, once without its evidence; only the "ans" half can be found."""
    for item in items:
        if item.flag("answerable", default=True):
            yield item
        else:
            left_out[UNANSWERABLE] += 1


def _query(item: Item, pool: Pool, seen: dict[str, str]) -> Query:
    query_id = new_id(item, "id", seen)
    gold = {}
    for paragraph in item.children("paragraphs"):
        title, text = paragraph.optional_text("title") or "", paragraph.optional_text("paragraph_text")
        if text is None:
            raise paragraph.error("`paragraph_text` is missing; expected a text")
        passage_id = pool.add(title, text)
        if paragraph.flag("is_supporting") and passage_id is not None:
            gold[passage_id] = 1
    kind, hops = kind_and_hops(query_id)
    answer, aliases = item.scalar("answer"), list(item.texts("answer_aliases"))
    metadata = described(answer=answer, answer_aliases=aliases, type=kind, hops=hops)
    return Query(query_id, item.text("question"), gold, metadata)
