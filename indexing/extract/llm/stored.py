"""An extraction as text, as it is kept beside a passage: compact, and the same bytes for the same extraction."""

from __future__ import annotations

import json

from hippomem.types import Extraction, Triple


def dump_answer(extraction: Extraction) -> str:
    """JSON with the names of triples in full: what is kept must not depend on how a model was asked.

    >>> dump_answer(Extraction(("Rome",), (Triple("Rome", "is in", "Italy"),)))
    '{"entities":["Rome"],"triples":[["Rome","is in","Italy"]]}'
    """
    triples = [[triple.subject, triple.predicate, triple.object] for triple in extraction.triples]
    row = {"entities": list(extraction.entities), "triples": triples}
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair ("\\ud83d" in a model's JSON) is legal in a Python string and in no file.
    return text.encode("utf-8", "replace").decode()


def load_answer(text: str) -> Extraction:
    """What `dump_answer` wrote. Raises ValueError, TypeError or KeyError when it was not."""
    row = json.loads(text)
    return Extraction(tuple(row["entities"]), tuple(Triple(*triple) for triple in row["triples"]))
