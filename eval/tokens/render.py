"""The answers a model would give that reads just what was recorded, in each form that is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hippomem.types import Extraction
from indexing.extract.llm.request import Form


def facts_answer(extraction: Extraction, form: Form = "compact") -> str:
    """About one passage.

    >>> from hippomem.types import Triple
    >>> facts_answer(Extraction(("Rome", "Italy"), (Triple("Rome", "is in", "Italy"),)))
    '{"entities":["Rome","Italy"],"triples":[[0,"is in",1]]}'
    """
    return _json(_facts(extraction, form))


def several_answer(extractions: Sequence[Extraction], form: Form = "compact") -> str:
    """About several passages, in order."""
    parts = [{"passage": number, **_facts(each, form)} for number, each in enumerate(extractions, start=1)]
    return _json({"passages": parts})


def entities_answer(extraction: Extraction) -> str:
    """To the first of two calls."""
    return _json({"entities": list(extraction.entities)})


def triples_answer(extraction: Extraction) -> str:
    """To the second of two calls."""
    return _json({"triples": _facts(extraction, "plain")["triples"]})


def _facts(extraction: Extraction, form: Form) -> dict[str, Any]:
    places = (
        {name: place for place, name in reversed(list(enumerate(extraction.entities)))} if form == "compact" else {}
    )
    triples = [
        [places.get(triple.subject, triple.subject), triple.predicate, places.get(triple.object, triple.object)]
        for triple in extraction.triples
    ]
    return {"entities": list(extraction.entities), "triples": triples}


def _json(row: object) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
