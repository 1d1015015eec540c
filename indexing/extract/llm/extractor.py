"""Facts by an LLM: named entities and triples, in one call a passage (default) or in two, as HippoRAG does.

Every answer is parsed as JSON against a shape, never evaluated. A passage whose answers stay unusable is *failed*, with
the reason, and can be retried; it is never stored as "no facts".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import resources
from typing import Any, Literal

from hippomem.errors import (
    ExtractionError,
    ModelAuthError,
    ModelError,
    ModelOutputError,
    ModelRateLimitError,
    ModelUnavailableError,
)
from hippomem.models.llm import LLM, Completion
from hippomem.models.parse import parse_json
from hippomem.types import Extraction
from indexing.extract import PassageText
from indexing.extract.recorded import parse_extraction

#: Times one passage is asked for when the answer is unusable.
_ATTEMPTS = 2
_MAX_TOKENS = 2048
#: More triples than this from one passage is a model that runs in circles; the rest is left out.
MAX_TRIPLES = 200

_STRINGS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
_TRIPLES: Mapping[str, Any] = {"type": "array", "items": {**_STRINGS, "minItems": 3, "maxItems": 3}}


def _schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_FACTS_SCHEMA = _schema(entities=_STRINGS, triples=_TRIPLES)
_ENTITIES_SCHEMA = _schema(entities=_STRINGS)
_TRIPLES_SCHEMA = _schema(triples=_TRIPLES)


class LlmExtractor:
    """Asks an LLM about several passages at a time.

    calls: 1 asks for entities and triples together; 2 asks for entities first and then for triples about them.
    concurrency: requests under way at once, >= 1.
    """

    name = "llm"

    def __init__(self, llm: LLM, *, calls: Literal[1, 2] = 1, concurrency: int = 8) -> None:
        self.llm = llm
        self.calls = calls
        self.concurrency = concurrency
        folder = resources.files("indexing.extract").joinpath("prompts")
        names = ("facts", "entities", "triples")
        self._prompts = {name: folder.joinpath(f"{name}.txt").read_text("utf-8") for name in names}

    @property
    def spent(self) -> Mapping[str, int]:
        """See `TripleExtractor.spent`: the running total of the LLM, whoever else uses it."""
        return self.llm.usage.to_dict()

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction | ExtractionError]]:
        """See `TripleExtractor.extract`: outcomes in the order in which they arrive."""
        unreachable: dict[int, ModelError] = {}
        in_a_row = 0
        with ThreadPoolExecutor(self.concurrency) as pool:
            todo = iter(range(len(passages)))
            running: dict[Future[Extraction], int] = {}
            try:
                while True:
                    for position in todo:
                        running[pool.submit(self._ask, passages[position])] = position
                        if len(running) == self.concurrency:
                            break
                    if not running:
                        break
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=running.__getitem__):
                        position = running.pop(future)
                        try:
                            outcome: Extraction | ExtractionError = future.result()
                        except ModelAuthError:
                            raise  # no other passage will fare better
                        except (ModelUnavailableError, ModelRateLimitError) as error:
                            unreachable[position] = error
                            in_a_row += 1
                            if in_a_row >= min(self.concurrency, len(passages)):
                                raise  # the endpoint is gone, not this passage: the rest stays pending
                            continue
                        except ModelError as error:  # unusable answers, or a request that the endpoint will not take
                            outcome = ExtractionError(str(error))
                        in_a_row = 0
                        yield position, outcome
            finally:
                for future in running:
                    future.cancel()
        for position, reason in unreachable.items():
            yield position, ExtractionError(str(reason))

    def _ask(self, passage: PassageText) -> Extraction:
        """One passage. Raises ModelError."""
        text = f"{passage.title}\n{passage.text}" if passage.title else passage.text
        if self.calls == 1:
            return self._answer("facts", f"Passage:\n{text}", _FACTS_SCHEMA)
        named = self._answer("entities", f"Passage:\n{text}", _ENTITIES_SCHEMA)
        listed = json.dumps(named.entities, ensure_ascii=False)
        facts = self._answer("triples", f"Passage:\n{text}\n\nNamed entities:\n{listed}", _TRIPLES_SCHEMA)
        return Extraction(named.entities, facts.triples)

    def _answer(self, prompt: str, question: str, schema: Mapping[str, Any]) -> Extraction:
        messages = [{"role": "system", "content": self._prompts[prompt]}, {"role": "user", "content": question}]
        limit = _MAX_TOKENS
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            answer = self.llm.complete(messages, json_schema=schema, schema_name=prompt, max_tokens=limit)
            try:
                if not last and not _is_whole(answer):
                    raise ModelOutputError("the answer was cut off")
                return _read(answer.text, list(schema["properties"]))
            except ModelOutputError as error:
                if last:
                    raise ModelOutputError(f"{self.llm.model}, asked {_ATTEMPTS} times: {error}") from error
                limit = 2 * _MAX_TOKENS if answer.finish_reason == "length" else limit
        raise AssertionError("unreachable: the last attempt returns or raises")


def _read(text: str, wanted: Sequence[str]) -> Extraction:
    row = parse_json(text)
    if not isinstance(row, dict) or not any(isinstance(row.get(name), list) for name in (*wanted, "named_entities")):
        raise ModelOutputError(f"no JSON object with {' and '.join(wanted)} in: {text[:200]!r}")
    try:
        extraction = parse_extraction(row)
    except (TypeError, ValueError) as error:
        raise ModelOutputError(f"wrong types ({error}) in: {text[:200]!r}") from error
    if row.get("triples") and not extraction.triples:
        raise ModelOutputError(f"none of the triples has three parts in: {text[:200]!r}")
    return Extraction(extraction.entities, extraction.triples[:MAX_TRIPLES])


def _is_whole(answer: Completion) -> bool:
    """Whether the answer holds a complete JSON object: what has to be repaired is worth asking for once more."""
    start = answer.text.find("{")
    try:
        json.JSONDecoder().raw_decode(answer.text, max(start, 0))
    except (ValueError, RecursionError):
        return False
    return answer.finish_reason != "length"
