"""HotpotQA (Yang et al. 2018): official JSON such as ``hotpot_dev_distractor_v1.json``.

Each question brings ten paragraphs as ``[title, [sentence, …]]``; all questions' paragraphs are pooled. The gold passages
are the paragraphs of the question's own context that bear the title of a supporting fact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from eval.loaders.model import BLANK, Conversion, Query, described, one_folder
from eval.loaders.options import Options
from eval.loaders.pool import Pool
from eval.loaders.reading import Item, new_id, read_items

#: In HotpotQA's "fullwiki" files contexts are what a retriever found, and need not hold the evidence.
NOT_IN_CONTEXT = "supporting titles that the question's context does not hold"

Aliases = Mapping[str, Sequence[str]]


def load(files: Sequence[Path], options: Options) -> Conversion:
    """All questions; the sentences of a paragraph are joined as they are (they begin with a space). Raises ReadError."""
    return load_contexts(files, options, prefix="hotpotqa", between="")


def load_contexts(
    files: Sequence[Path], options: Options, *, prefix: str, between: str, aliases: Aliases | None = None
) -> Conversion:
    """Questions of HotpotQA's shape. between: put between sentences.    aliases: ``answer_id`` -> other answers."""
    left_out: Counter[str] = Counter()
    pool, seen = Pool(prefix), dict[str, str]()
    queries = []
    for item in islice(read_items(files), options.limit):
        query_id = new_id(item, "_id", seen)
        wanted, found, gold = supporting_titles(item), set(), {}
        for title, sentences in contexts(item):
            passage_id = pool.add(title, between.join(sentences))
            if title in wanted:
                found.add(title)
                if passage_id is not None:
                    gold[passage_id] = 1
        left_out[NOT_IN_CONTEXT] += len(wanted - found)
        answer, others = item.scalar("answer"), (aliases or {}).get(item.optional_text("answer_id") or "", ())
        metadata = described(
            answer=answer,
            answer_aliases=[other for other in dict.fromkeys(others) if other != answer],
            type=item.optional_text("type"),
            level=item.optional_text("level"),
        )
        queries.append(Query(query_id, item.text("question"), gold, metadata))
    left_out[BLANK] += pool.blank
    return one_folder(pool.passages, queries, left_out)


def supporting_titles(item: Item) -> set[str]:
    """Titles of ``supporting_facts``, a list of ``[title, sentence number]``. Raises ReadError."""
    if "supporting_facts" not in item:
        raise item.error("`supporting_facts` is missing (test files have none); convert the train or dev file")
    titles = set()
    for index, fact in enumerate(item.values("supporting_facts")):
        match fact:
            case [str(title), int()]:
                titles.add(title)
            case _:
                raise item.error(f"supporting_facts[{index}] is not [title, sentence number]")
    return titles


def contexts(item: Item) -> list[tuple[str, list[str]]]:
    """(title, sentences) of each paragraph in ``context``. Raises ReadError."""
    paragraphs = []
    for index, paragraph in enumerate(item.values("context")):
        match paragraph:
            case [str(title), [*sentences]] if all(isinstance(sentence, str) for sentence in sentences):
                # A paragraph is checked as an item is: what cannot be stored is told here and not while indexing.
                whole = item.below(f"context[{index}]", {"title": title, "sentences": sentences})
                paragraphs.append((whole.optional_text("title") or "", list(whole.texts("sentences"))))
            case _:
                raise item.error(f"context[{index}] is not [title, [sentence, …]]")
    return paragraphs
