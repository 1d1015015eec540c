"""HippoRAG's own recorded extraction: ``openie_results_ner_*.json``, found again by the passage's text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from eval.loaders.pool import Pool
from eval.loaders.reading import Item, read_json
from hippomem.errors import ReadError
from hippomem.types import Extraction
from indexing.extract.recorded import parse_extraction

UNKNOWN = "recordings of passages that the corpus does not hold"
UNRECORDED = "recordings that the file lacks for passages of the corpus"


def read_openie(path: Path, pool: Pool, left_out: Counter[str]) -> dict[str, Extraction]:
    """Recorded extraction by passage id. Its ``passage`` is the title, a line break, the text. Raises ReadError."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ReadError(f'expected an object {{"docs": […]}}, found a {type(found).__name__}', path=path)
    recordings: dict[str, Extraction] = {}
    for item in Item(path, "", found).children("docs"):
        title, _, text = item.text("passage").partition("\n")
        passage_id = pool.find(title, text)
        if passage_id is None:
            left_out[UNKNOWN] += 1
        else:
            recordings[passage_id] = _extraction(item)
    left_out[UNRECORDED] += len(pool.passages) - len(recordings)
    return recordings


def _extraction(item: Item) -> Extraction:
    try:
        return parse_extraction(
            {"entities": item.values("extracted_entities"), "triples": item.values("extracted_triples")}
        )
    except (TypeError, ValueError) as error:
        raise item.error(f"is no recorded extraction ({error})") from error
