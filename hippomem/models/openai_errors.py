"""What the ``openai`` client's errors mean to us: which may pass, how long to wait, which ``ModelError``."""

from __future__ import annotations

import math
import re
import time
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING

from hippomem.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelOutputError,
    ModelRateLimitError,
    ModelTimeoutError,
    ModelUnavailableError,
)

if TYPE_CHECKING:
    import openai

#: 429 codes that no waiting mends.
SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
#: Codes and types of "too long": OpenAI and Groq; llama.cpp.
OVERFLOW_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
#: The same in words.
OVERFLOW_WORDS = re.compile(
    r"maximum context length"  # OpenAI, vLLM
    r"|maximum model length|too long to fit into the model"  # vLLM
    r"|context size"  # llama.cpp
    r"|context window|too many tokens"  # llama-cpp-python, LiteLLM, and others
    r"|exceeds? the (?:model's |available |maximum )?context|exceeded max context|model's context length"  # Ollama, SGLang
    r"|prompt is too long|prompt too long"  # Anthropic, Ollama
    r"|exceeds the maximum number of tokens"  # Gemini
    r"|request too large",  # Groq, OpenAI: more than the tokens of a whole minute
    re.IGNORECASE,
)
#: Longest piece of a server's message that is quoted.
QUOTE = 300


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later: no connection, a timeout, 408, 409, 429, any 5xx but 501."""
    import openai

    if isinstance(error, openai.APIConnectionError):
        return True
    if not isinstance(error, openai.APIStatusError) or error.code in SPENT or is_overflow(error):
        return False
    status = error.status_code
    return status in (408, 409, 429) or (status >= 500 and status != 501)


def retry_after(error: Exception) -> float | None:
    """Seconds the server asks to wait (``Retry-After``, a number or an HTTP date), or None when it does not say."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return None
    value = error.response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        date = parsedate_tz(value)
        if date is None:
            return None
        seconds = mktime_tz(date) - time.time()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def to_model_error(error: Exception, *, model: str, endpoint: str, tries: int = 1) -> ModelError:
    """The ``ModelError`` that *error* is to a caller; the message has endpoint, model, what came, and what to do."""
    import openai

    ours = _to_model_error(error, f"model {model!r} at {endpoint}", f" after {tries} tries" if tries > 1 else "")
    if not isinstance(ours, ContextOverflowError):
        ours.transient = is_transient(error)
        ours.retry_after = retry_after(error)
    if isinstance(error, openai.APIStatusError):
        ours.status = error.status_code
        ours.endpoint_wide = ours.endpoint_wide or error.status_code == 404 or _is_spent(error)
    return ours


def _to_model_error(error: Exception, where: str, after: str) -> ModelError:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return ModelTimeoutError(f"{where} did not answer in time{after}; raise the timeout or try later")
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        return ModelUnavailableError(f"{where} cannot be reached{after} ({cause}); is the server up, the URL right?")
    if not isinstance(error, openai.APIStatusError):
        return ModelOutputError(f"{where} did not answer in OpenAI's format: {quote(error)}")
    status, said = error.status_code, quote(error.message)
    if is_overflow(error):
        return ContextOverflowError(f"{where} takes no request of this length ({status}: {said}); send a shorter text")
    if status in (401, 403):
        return ModelAuthError(
            f"{where} refused the key ({status}: {said}); set OPENAI_API_KEY to a key for this endpoint"
        )
    if _is_spent(error):
        return ModelRateLimitError(f"{where} has no quota left ({said}); add credit or use another key")
    if status == 429:
        return ModelRateLimitError(f"{where} is rate limited{after} ({said}); send fewer requests at once or try later")
    if status == 404:
        return ModelUnavailableError(f"{where} does not exist (404: {said}); check the model's name and the base URL")
    if status >= 500 or status in (408, 409):
        return ModelUnavailableError(f"{where} failed{after} ({status}: {said}); try later")
    return ModelError(f"{where} refused the request ({status}: {said})")


def is_overflow(error: openai.APIStatusError) -> bool:
    """Whether the request was too long, in the words of any server we know of: only OpenAI and llama.cpp have a code."""
    if error.code in OVERFLOW_CODES or error.type in OVERFLOW_CODES:
        return True
    # llama.cpp also answers 500; a request above the minute's tokens is 413 (Groq) or 429 (OpenAI), and never passes.
    return error.status_code in (400, 413, 422, 429, 500) and OVERFLOW_WORDS.search(error.message) is not None


def _is_spent(error: openai.APIStatusError) -> bool:
    """Whether the account is out of money: 402, or a 429 that no waiting mends."""
    return error.status_code == 402 or (error.status_code == 429 and error.code in SPENT)


def quote(text: object) -> str:
    """*text* on one line, cut to a length fit for a message."""
    line = " ".join(str(text).split())
    return line if len(line) <= QUOTE else line[: QUOTE - 1] + "…"
