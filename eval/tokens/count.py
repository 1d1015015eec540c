"""Calls and tokens a passage for each way of asking, over the passages of a set and what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.dataset import OPENIE
from eval.tokens.render import entities_answer, facts_answer, several_answer, triples_answer
from hippomem.errors import ReadError
from hippomem.models.llm import Completion, Usage
from hippomem.types import Extraction
from indexing.extract import PassageText
from indexing.extract.llm import Request, Scheme
from indexing.extract.recorded import RecordedExtractor
from indexing.readers import read_beir

#: OpenAI adds this to the words of each message, and three to each call.
_A_MESSAGE, _A_CALL = 4, 3
SCHEMES: Mapping[str, Scheme] = {
    "two calls": Scheme(calls=2),
    "one call, names in full": Scheme(form="plain"),
    "one call, compact (default)": Scheme(),
    "compact, 4 passages a call": Scheme(passages_per_call=4),
    "compact, 8 passages a call": Scheme(passages_per_call=8),
}


@dataclass(frozen=True, slots=True)
class Count:
    """What one way of asking takes for a whole set.

    completion: None where nothing was recorded.    estimated: `Request.prompt_tokens`, summed.
    same: passages whose answer reads back as what was recorded.
    """

    passages: int
    calls: int
    prompt: int
    completion: int | None
    estimated: int
    same: int | None


def passages_of(folder: Path) -> list[PassageText]:
    """The passages of a corpus, each whole. Raises ReadError."""
    path = folder / "corpus.jsonl"
    passages = []
    for number, document in enumerate(read_beir(folder), start=1):
        if document.source_id is None:
            raise ReadError(f"passage {number} has no `_id`", path=path)
        passages.append(PassageText(document.source_id, document.title, document.text, (document.source_id,)))
    if not passages:
        raise ReadError("holds no passages", path=path)
    return passages


def recorded_of(folder: Path, passages: Sequence[PassageText]) -> list[Extraction] | None:
    """What was recorded of each passage, or None without a recording. Raises ReadError for a passage that lacks one."""
    path = folder / OPENIE
    if not path.is_file():
        return None
    recorded = []
    for _, outcome in RecordedExtractor(path).extract(passages):
        if not isinstance(outcome, Extraction):
            raise ReadError(str(outcome), path=path)
        recorded.append(outcome)
    return recorded


def count(
    scheme: Scheme,
    passages: Sequence[PassageText],
    recorded: Sequence[Extraction] | None,
    tokens: Callable[[str], int],
) -> Count | None:
    """Count one way of asking; None for two calls without a recording, whose second call asks about the first's answer."""
    if recorded is None and scheme.calls == 2:
        return None
    facts = None if recorded is None else dict(zip((p.passage_id for p in passages), recorded, strict=True))
    calls = prompt = completion = estimated = same = 0
    for group in scheme.groups(passages):
        known = None if facts is None else [facts[passage.passage_id] for passage in group]
        for request, answer in _calls(scheme, group, known):
            calls += 1
            prompt += _prompt(request, tokens)
            estimated += request.prompt_tokens
            completion += 0 if answer is None else tokens(answer)
        if known is not None:
            same += _same(scheme, group, known)
    found = recorded is not None
    return Count(len(passages), calls, prompt, completion if found else None, estimated, same if found else None)


def _calls(
    scheme: Scheme, group: Sequence[PassageText], known: Sequence[Extraction] | None
) -> Iterator[tuple[Request, str | None]]:
    if scheme.calls == 2:
        assert known is not None
        yield scheme.request(group), entities_answer(known[0])
        yield scheme.second_request(group[0], known[0].entities), triples_answer(known[0])
    else:
        yield scheme.request(group), None if known is None else _answer(scheme, known)


def _answer(scheme: Scheme, known: Sequence[Extraction]) -> str:
    return facts_answer(known[0], scheme.form) if len(known) == 1 else several_answer(known, scheme.form)


def _same(scheme: Scheme, group: Sequence[PassageText], known: Sequence[Extraction]) -> int:
    if scheme.calls == 2:
        return len(known)  # the lists as they were recorded
    read = scheme.answers(group, Completion(_answer(scheme, known), "stop", Usage()))
    return sum(outcome == each for outcome, each in zip(read, known, strict=True))


def _prompt(request: Request, tokens: Callable[[str], int]) -> int:
    return _A_CALL + sum(_A_MESSAGE + tokens(message["content"]) for message in request.messages)
