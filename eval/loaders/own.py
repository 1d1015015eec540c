"""Questions of one's own: JSON Lines or CSV, next to a corpus.

A question is ``{question, relevant}``, optionally with ``_id``, ``answer``, ``answer_aliases`` and ``type``. ``relevant``
is a list of passage ids, or one text with semicolons between them (in CSV always that). The corpus is ``--corpus``, or the
``corpus.jsonl`` beside the questions: whatever `indexing.readers` reads.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from eval.dataset import SHOWN
from eval.loaders.model import Conversion, Passage, Query, described, one_folder
from eval.loaders.options import Options
from eval.loaders.reading import Item, new_id, read_items, read_text
from hippomem.errors import ReadError
from indexing.readers import ReadOptions, read_path


def load(files: Sequence[Path], options: Options) -> Conversion:
    """The whole corpus and all questions, in file order. Raises ReadError; one lists all ids the corpus does not hold."""
    corpus = options.corpus or files[0].with_name("corpus.jsonl")
    passages = _passages(corpus)
    seen: dict[str, str] = {}
    items = (item for path in files for item in _items(path))
    numbered = enumerate(islice(items, options.limit), start=1)
    queries = [_query(item, number, seen) for number, item in numbered]
    if not queries:
        raise ReadError("holds no question; each needs `question` and `relevant`", path=files[0])
    named = dict.fromkeys(passage_id for query in queries for passage_id in query.relevance)
    if unknown := [passage_id for passage_id in named if passage_id not in passages]:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise ReadError(
            f"{len(unknown)} id(s) in `relevant` that '{corpus}' does not hold: {', '.join(unknown[:SHOWN])}{more}",
            path=files[0],
        )
    return one_folder(passages.values(), queries, Counter())


def _passages(corpus: Path) -> dict[str, Passage]:
    passages: dict[str, Passage] = {}
    for number, document in enumerate(read_path(corpus, ReadOptions(row_ids=False)), start=1):
        if not document.source_id:
            raise ReadError(f"passage {number} has no `_id`; questions name relevant passages by it", path=corpus)
        if document.source_id in passages:
            raise ReadError(f"passage {number} has the `_id` '{document.source_id}' of an earlier one", path=corpus)
        passage = Passage(document.source_id, document.text, document.title, document.metadata)
        passages[document.source_id] = passage
    return passages


def _items(path: Path) -> Iterator[Item]:
    return _csv(path) if path.suffix.lower() == ".csv" else read_items([path])


def _csv(path: Path) -> Iterator[Item]:
    """A row as an item; an empty cell is a field that is not there. Raises ReadError."""
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        columns = rows.fieldnames or ()
        if missing := [name for name in ("question", "relevant") if name not in columns]:
            found = ", ".join(columns) or "none"
            raise ReadError(f"no column {' and '.join(missing)}; the first line names {found}", path=path, line=1)
        for row in rows:
            # DictReader collects cells beyond the last column under None.
            if None in row:
                raise ReadError("has more cells than columns; quote commas", path=path, line=rows.line_num)
            yield Item(path, "", {name: cell for name, cell in row.items() if cell}, rows.line_num)
    except csv.Error as error:
        raise ReadError(f"is no CSV ({error})", path=path, line=rows.reader.line_num) from error


def _query(item: Item, number: int, seen: dict[str, str]) -> Query:
    query_id = new_id(item, "_id", seen) if "_id" in item else f"q-{number:05d}"
    text = item.text("question")
    relevant = _ids(item, "relevant")
    if not relevant:
        raise item.error("`relevant` names no passage; give at least one id")
    aliases = list(_ids(item, "answer_aliases"))
    metadata = described(answer=item.scalar("answer"), answer_aliases=aliases or None, type=item.optional_text("type"))
    return Query(query_id, text, dict.fromkeys(relevant, 1), metadata)


def _ids(item: Item, key: str) -> tuple[str, ...]:
    """The texts of a list (numbers become text), or of one text with semicolons between, without blanks or doubles."""
    value = item.fields.get(key)
    if isinstance(value, list):
        singles = [Item(item.path, item.name, {key: single}, item.line).scalar(key) or "" for single in value]
    else:
        singles = (item.scalar(key) or "").split(";")
    return tuple(dict.fromkeys(single.strip() for single in singles if single.strip()))
