"""The lines of a Batch API: a request in the file that is handed in, an answer in those that come back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hippomem.errors import ContextOverflowError, ModelError, ModelOutputError
from hippomem.models.completion import Completion, Usage, read_completion, read_usage
from hippomem.models.openai_errors import OVERFLOW_CODES, OVERFLOW_WORDS, quote

#: What every line of a batch is sent to.
ENDPOINT: Final = "/v1/chat/completions"
#: Codes of requests that were not run: nothing was paid, and nothing is wrong with them.
_NOT_RUN = frozenset({"batch_expired", "batch_cancelled"})


def request_line(custom_id: str, body: Mapping[str, Any]) -> bytes:
    """One request, as a line of JSON."""
    row = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}
    # "replace": half a surrogate pair is legal in a Python string, and cannot be sent.
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What came of one request: a completion or an error.

    error: its ``status`` is that of the request; ContextOverflowError for one that is too long.
    ran: False where the batch ended before it was its turn.
    """

    custom_id: str
    completion: Completion | None = None
    error: ModelError | None = None
    usage: Usage = Usage()
    ran: bool = True


def read_lines(file: Iterable[bytes]) -> Iterator[AnswerLine]:
    """The lines of an output or error file that say of which request they are."""
    for line in file:
        if (read := read_line(line.decode("utf-8", "replace"))) is not None:
            yield read


def read_line(line: str) -> AnswerLine | None:
    """A line of an output or error file; None when it names no request."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(custom_id := row.get("custom_id"), str):
        return None
    response, error = row.get("response"), row.get("error")
    if not isinstance(response, dict):
        code, said = _code_and_words(error)
        return AnswerLine(custom_id, error=ModelError(f"not answered: {said}"), ran=code not in _NOT_RUN)
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(status, int) or status >= 400 or error:
        refusal = error or (body.get("error") if isinstance(body, dict) else body)
        return AnswerLine(custom_id, error=_to_error(status, refusal))
    try:
        return AnswerLine(custom_id, completion=read_completion(body, "the model"), usage=read_usage(body))
    except ModelOutputError as unusable:
        return AnswerLine(custom_id, error=unusable, usage=read_usage(body))


def _to_error(status: object, refusal: object) -> ModelError:
    """The error of a request that was run and failed; its cause has the server's words alone."""
    code, said = _code_and_words(refusal)
    cls = ContextOverflowError if code in OVERFLOW_CODES or OVERFLOW_WORDS.search(said) else ModelError
    error = cls(f"{status}: {said}")
    error.status = status if isinstance(status, int) else None
    error.__cause__ = ModelError(said)
    return error


def _code_and_words(error: object) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "", quote(error)
    return str(error.get("code") or ""), quote(error.get("message") or error)
