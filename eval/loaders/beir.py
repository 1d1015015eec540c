"""BEIR (Thakur et al. 2021): an official data set folder, one of its splits.

Official folders hold ``qrels/{train,dev,test}.tsv`` beside all queries; the layout that is evaluated holds the questions
of one split, under ``qrels/test.tsv``. Scores are kept as they are; judgements of 0 or less are no gold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.loaders.model import BLANK, Conversion, Passage, Query, one_folder
from eval.loaders.options import Options
from eval.loaders.reading import Item, new_id, read_items, read_text
from hippomem.errors import ConfigError, ReadError

UNJUDGED = "queries of other splits"
NO_PASSAGE = "judgements of passages that the corpus does not hold"
NO_QUERY = "judgements of queries that queries.jsonl does not hold"


def load(files: Sequence[Path], options: Options) -> Conversion:
    """The whole corpus and the queries that the split judges, in file order. Raises ReadError, ConfigError."""
    if len(files) != 1 or not files[0].is_dir():
        shown = ", ".join(f"'{path}'" for path in files)
        raise ConfigError(f"format 'beir' takes one folder of corpus.jsonl, queries.jsonl and qrels, not {shown}")
    (folder,) = files
    judged = _judged(folder, options.split or "test")
    left_out: Counter[str] = Counter()
    passages = {passage.passage_id: passage for passage in _passages(folder / "corpus.jsonl", left_out)}
    queries: list[Query] = []
    seen: dict[str, str] = {}
    for item in read_items([folder / "queries.jsonl"]):
        query_id = new_id(item, "_id", seen)
        if query_id not in judged:
            left_out[UNJUDGED] += 1
        elif options.limit is None or len(queries) < options.limit:
            gold = {passage_id: score for passage_id, score in judged[query_id].items() if passage_id in passages}
            left_out[NO_PASSAGE] += len(judged[query_id]) - len(gold)
            queries.append(Query(query_id, item.text("text"), gold, item.mapping("metadata")))
    left_out[NO_QUERY] += sum(len(scores) for query_id, scores in judged.items() if query_id not in seen)
    return one_folder(passages.values(), queries, left_out)


def _passages(path: Path, left_out: Counter[str]) -> Iterator[Passage]:
    seen: dict[str, str] = {}
    for item in read_items([path]):
        passage_id = new_id(item, "_id", seen)
        title, text = item.optional_text("title") or "", item.optional_text("text") or ""
        if not text.strip():
            # Some sets have records of a title alone; its words are what can be found.
            title, text = "", title
        if text.strip():
            yield Passage(passage_id, text, title, item.mapping("metadata"))
        else:
            left_out[BLANK] += 1


def _judged(folder: Path, split: str) -> dict[str, dict[str, float]]:
    """Positive scores by query and passage; a query whose scores are all 0 is there, with none. Raises ReadError."""
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.tsv"))) or "none"
        raise ReadError(f"no such split; --split can be one of: {there}", path=path)
    judged: dict[str, dict[str, float]] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        item = Item(path, "", {}, number)
        match [field.strip() for field in line.split("\t")]:
            case [""]:
                continue
            case [query_id, passage_id, value]:
                score = _score(value)
                if score is not None:
                    scores = judged.setdefault(query_id, {})
                    if score > 0:
                        scores[passage_id] = score
                elif number > 1 or value.casefold() != "score":
                    raise item.error(f"score '{value}' is not a number")
            case fields:
                raise item.error(
                    f"expected query-id, corpus-id and score with tabs between, found {len(fields)} field(s)"
                )
    return judged


def _score(value: str) -> float | None:
    try:
        score = float(value)
    except ValueError:
        return None
    return score if math.isfinite(score) else None
