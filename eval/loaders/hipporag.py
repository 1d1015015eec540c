"""HippoRAG's own files (Gutiérrez et al. 2024, 2025): ``reproduce/dataset/NAME.json`` and ``NAME_corpus.json``.

The corpus is a list of ``{title, text}`` (of HippoRAG 1 also ``{title: [sentence, …]}``); the questions have the shape of
the benchmark they come from. Gold passages are given as texts and found in the corpus by title and text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from eval.loaders.hotpotqa import contexts, supporting_titles
from eval.loaders.model import BLANK, Conversion, Query, described, one_folder
from eval.loaders.musique import kind_and_hops
from eval.loaders.openie import read_openie
from eval.loaders.options import Options
from eval.loaders.pool import Pool
from eval.loaders.reading import Item, new_id, read_items, read_json
from hippomem.errors import ConfigError, ReadError

UNKNOWN_GOLD = "gold passages that the corpus does not hold"


def load(files: Sequence[Path], options: Options) -> Conversion:
    """The whole corpus and the questions of one file. Raises ReadError, ConfigError for more than one file."""
    if len(files) != 1:
        raise ConfigError(
            f"format 'hipporag' takes one file of questions, not {len(files)}; the corpus is --corpus FILE"
        )
    (questions,) = files
    left_out: Counter[str] = Counter()
    pool, seen = Pool("hipporag"), dict[str, str]()
    for title, text in _corpus(options.corpus or questions.with_name(f"{questions.stem}_corpus.json")):
        pool.add(title, text)
    numbered = enumerate(islice(read_items([questions]), options.limit))
    queries = [_query(item, number, pool, seen, left_out) for number, item in numbered]
    recordings = None if options.openie is None else read_openie(options.openie, pool, left_out)
    left_out[BLANK] += pool.blank
    return one_folder(pool.passages, queries, left_out, recordings)


def _corpus(path: Path) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        raise ReadError(
            "no such file; HippoRAG's corpus lies beside its questions, or name it with --corpus", path=path
        )
    found = read_json(path)
    if isinstance(found, dict):
        whole = Item(path, "", found)
        yield from ((title, "".join(whole.texts(title))) for title in found)
    else:
        for item in read_items([path]):
            text = item.optional_text("text")
            if text is None:
                raise item.error("`text` is missing; expected a passage {title, text}")
            yield item.optional_text("title") or "", text


def _query(item: Item, number: int, pool: Pool, seen: dict[str, str], left_out: Counter[str]) -> Query:
    key = next((key for key in ("id", "_id", "question_id") if key in item), None)
    query_id = f"q-{number:05d}" if key is None else new_id(item, key, seen)
    gold = {}
    for title, text in dict.fromkeys(_gold(item)):
        passage_id = pool.find(title, text)
        if passage_id is None:
            left_out[UNKNOWN_GOLD] += 1
        else:
            gold[passage_id] = 1
    kind, hops = kind_and_hops(query_id)
    answers = _answers(item)
    metadata = described(
        answer=next(iter(answers), None), answer_aliases=answers[1:], type=kind or item.optional_text("type"), hops=hops
    )
    return Query(query_id, item.text("question"), gold, metadata)


def _gold(item: Item) -> Iterator[tuple[str, str]]:
    """(title, text) of the passages that support the answer, in any of the four shapes. Raises ReadError."""
    if "supporting_facts" in item:
        titles = supporting_titles(item)
        # How sentences were joined in the corpus differs; `Pool.find` does not look at white space.
        yield from ((title, " ".join(sentences)) for title, sentences in contexts(item) if title in titles)
    elif "gold_docs" in item:
        for document in item.texts("gold_docs"):
            title, _, text = document.partition("\n")
            yield title, text
    elif (shape := next((key for key in ("contexts", "paragraphs") if key in item), None)) is not None:
        for paragraph in item.children(shape):
            # The sets of single-hop questions list only what supports, and do not say so.
            if paragraph.flag("is_supporting", default=True):
                key = "text" if "text" in paragraph else "paragraph_text"
                yield paragraph.optional_text("title") or "", paragraph.text(key)
    else:
        raise item.error("has no gold: expected supporting_facts, contexts, paragraphs or gold_docs")


def _answers(item: Item) -> list[str]:
    """All accepted answers, the source's first one first, each once."""
    keys = ("answer", "gold_ans", "reference", "obj", "possible_answers", "o_aliases", "o_wiki_title", "answer_aliases")
    return list(dict.fromkeys(answer for key in keys for answer in _each(item, key)))


def _each(item: Item, key: str) -> tuple[str, ...]:
    """The texts under *key*: a text, a list of texts, or (in PopQA) a text that is a JSON list of texts."""
    if isinstance(item.fields.get(key), list):
        return item.texts(key)
    value = item.scalar(key)
    if value is not None and value.startswith("["):
        try:
            found = json.loads(value)
        except ValueError:
            return (value,)
        return Item(item.path, item.name, {key: found}).texts(key)
    return () if value is None else (value,)
