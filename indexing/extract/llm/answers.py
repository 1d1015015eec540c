"""What a model answered about one passage or several: parsed as JSON, never evaluated, never "no facts" for rubbish."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeGuard

from hippomem.errors import ModelOutputError
from hippomem.models.llm import Completion
from hippomem.models.openai_errors import quote
from hippomem.models.parse import is_unfinished, parse_json
from hippomem.types import Extraction, Triple
from indexing.extract.llm.request import Form
from indexing.extract.recorded import parse_extraction, triple_parts

#: More triples than this from one passage is a model that runs in circles; the rest is left out.
MAX_TRIPLES = 200
#: Longest piece of an answer that an error quotes.
_QUOTED = 120

_log = logging.getLogger("indexing.extract")


def read_facts(completion: Completion, form: Form, wanted: Sequence[str], *, name: str = "") -> Extraction:
    """The facts of one passage. wanted: the lists that were asked for; one of them has to be there.

    name: of the passage, for the log. Raises ModelOutputError (cut, no JSON, another shape) with a short quote.
    """
    try:
        row = parse_json(completion.text)
        if isinstance(row, dict) and isinstance(row.get("passages"), list) and len(row["passages"]) == 1:
            row = row["passages"][0]  # the form for several, of one
        facts = _facts(row, form, wanted)
    except ModelOutputError:
        if is_cut(completion):
            raise ModelOutputError(_cut(completion)) from None
        raise
    if is_cut(completion) and len(facts.triples) <= MAX_TRIPLES:
        raise ModelOutputError(_cut(completion))
    # A cut answer that goes on beyond the limit is one that asking again, at greater length, would not mend.
    return _capped(facts, name)


def read_several(completion: Completion, form: Form, names: Sequence[str]) -> list[Extraction | ModelOutputError]:
    """The facts of each of several passages, found by the number that its part carries, never by its place.

    A passage without a part, with two, or with an unusable one is an error of its own. Of a cut answer the parts before the
    last are whole and count. Raises ModelOutputError when there are no parts at all.
    """
    cut = is_cut(completion)
    try:
        row = parse_json(completion.text)
    except ModelOutputError:
        if cut:
            raise ModelOutputError(_cut(completion)) from None
        raise
    parts = row.get("passages") if isinstance(row, dict) else row
    if not isinstance(parts, list):
        raise ModelOutputError(_cut(completion) if cut else f"no list of passages in: {_quoted(completion.text)}")
    by_number: dict[int, list[Mapping[str, Any]]] = {}
    for part in parts[:-1] if cut else parts:
        number = part.get("passage") if isinstance(part, Mapping) else None
        if isinstance(number, str) and number.strip().isdecimal():
            with suppress(ValueError):  # a number of thousands of digits
                number = int(number)
        if _is_whole(number):
            by_number.setdefault(number, []).append(part)
    if not any(1 <= number <= len(names) for number in by_number):
        raise ModelOutputError(
            _cut(completion) if cut else f"no part with the number of a passage in: {_quoted(completion.text)}"
        )
    outcomes: list[Extraction | ModelOutputError] = []
    for number, name in enumerate(names, start=1):
        found = by_number.get(number, [])
        try:
            if len(found) != 1:
                raise ModelOutputError(f"{len(found) or 'no'} parts for passage {number} of {len(names)}")
            outcomes.append(_capped(_facts(found[0], form, ("entities", "triples")), name))
        except ModelOutputError as error:
            outcomes.append(error)
    return outcomes


def is_cut(completion: Completion) -> bool:
    """Whether the answer ends before its JSON does: what would have to be closed is worth asking for once more."""
    return completion.finish_reason == "length" or is_unfinished(completion.text)


def _facts(row: object, form: Form, wanted: Sequence[str]) -> Extraction:
    """An Extraction from decoded JSON of either form. Raises ModelOutputError."""
    if not isinstance(row, Mapping) or not any(isinstance(row.get(key), list) for key in (*wanted, "named_entities")):
        raise ModelOutputError(f"no JSON object with {' and '.join(wanted)} in: {_quoted(row)}")
    try:
        facts = parse_extraction(row) if form == "plain" else _referring(row)
    except (TypeError, ValueError) as error:
        raise ModelOutputError(f"wrong types ({error}) in: {_quoted(row)}") from error
    if row.get("triples") and not facts.triples:
        raise ModelOutputError(f"none of the triples has three parts that name something in: {_quoted(row)}")
    return facts


def _referring(row: Mapping[str, Any]) -> Extraction:
    """Facts whose subjects and objects may be places in the list of entities. Raises as `_facts` does, and TypeError.

    A whole number outside the list names nothing: its triple is left out, not read as a number that the passage holds. A
    number with a fraction is one. Places are counted in the list as it came, before anything is left out of it.
    """
    listed = row.get("entities") or row.get("named_entities") or []
    facts = parse_extraction({"entities": listed, "triples": []})
    triples = row.get("triples") or []
    if not isinstance(triples, list):
        raise TypeError("'entities' and 'triples' must be lists")
    parts = [found for triple in triples if (found := triple_parts(triple)) is not None]
    parts = _numbers(parts, listed)
    used = {part for subject, _, obj in parts for part in (subject, obj) if _is_whole(part)}
    if len(listed) in used and 0 not in used:
        # Every name would be the one before: wrong facts, which nobody would notice.
        raise ModelOutputError(f"the triples seem to count the entities from 1, not from 0, in: {_quoted(row)}")
    kept = []
    for subject, predicate, obj in parts:
        ends = [_name(part, listed) for part in (subject, obj)]
        if ends[0] is not None and ends[1] is not None:
            kept.append(Triple(ends[0], str(predicate), ends[1]))
    return Extraction(facts.entities, tuple(kept))


def _numbers(parts: list[list[Any]], listed: Sequence[Any]) -> list[list[Any]]:
    """The triples with places for texts like "0", where *every* subject is such a text, as small models write them."""
    names = {str(entity) for entity in listed}

    def place(part: Any) -> Any:
        is_place = isinstance(part, str) and part.isdecimal() and part not in names and int(part) < len(listed)
        return int(part) if is_place else part

    if parts and all(isinstance(subject, str) and _is_whole(place(subject)) for subject, _, _ in parts):
        return [[place(subject), predicate, place(obj)] for subject, predicate, obj in parts]
    return parts


def _is_whole(part: object) -> TypeGuard[int]:
    return isinstance(part, int) and not isinstance(part, bool)


def _name(part: str | float, listed: Sequence[Any]) -> str | None:
    if not _is_whole(part):
        return str(part)
    named = listed[part] if 0 <= part < len(listed) else None
    return str(named) if isinstance(named, str | int | float) else None


def _capped(facts: Extraction, name: str) -> Extraction:
    if len(facts.triples) <= MAX_TRIPLES:
        return facts
    _log.warning(
        "%d triples from passage %s: the model runs in circles; the first %d are kept",
        len(facts.triples), name, MAX_TRIPLES,
    )  # fmt: skip
    return Extraction(facts.entities, facts.triples[:MAX_TRIPLES])


def _cut(completion: Completion) -> str:
    return f"the answer was cut off: …{completion.text[-_QUOTED:]!r}"


def _quoted(row: object) -> str:
    text = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)
    return repr(quote(text)[:_QUOTED])
