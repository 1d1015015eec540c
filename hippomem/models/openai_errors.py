"""What the ``openai`` client's errors mean to us: which may pass, how long to wait, which ``ModelError``."""

from __future__ import annotations

import math
import time
from email.utils import mktime_tz, parsedate_tz

from hippomem.errors import ModelAuthError, ModelError, ModelOutputError, ModelRateLimitError, ModelUnavailableError

#: 429 codes that no waiting mends.
SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
#: Longest piece of a server's message that is quoted.
QUOTE = 300


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later: no connection, a timeout, 408, 409, 429, any 5xx but 501."""
    import openai

    if isinstance(error, openai.APIConnectionError):
        return True
    if not isinstance(error, openai.APIStatusError) or error.code in SPENT:
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

    where = f"model {model!r} at {endpoint}"
    after = f" after {tries} tries" if tries > 1 else ""
    if isinstance(error, openai.APITimeoutError):
        return ModelUnavailableError(f"{where} did not answer in time{after}; raise the timeout or try later")
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        return ModelUnavailableError(f"{where} cannot be reached{after} ({cause}); is the server up, the URL right?")
    if not isinstance(error, openai.APIStatusError):
        return ModelOutputError(f"{where} did not answer in OpenAI's format: {quote(error)}")
    status, said = error.status_code, quote(error.message)
    if status in (401, 403):
        return ModelAuthError(
            f"{where} refused the key ({status}: {said}); set OPENAI_API_KEY to a key for this endpoint"
        )
    if status == 429 and error.code in SPENT:
        return ModelRateLimitError(f"{where} has no quota left ({said}); add credit or use another key")
    if status == 429:
        return ModelRateLimitError(f"{where} is rate limited{after} ({said}); send fewer requests at once or try later")
    if status == 404:
        return ModelUnavailableError(f"{where} does not exist (404: {said}); check the model's name and the base URL")
    if status >= 500 or status in (408, 409):
        return ModelUnavailableError(f"{where} failed{after} ({status}: {said}); try later")
    return ModelError(f"{where} refused the request ({status}: {said})")


def quote(text: object) -> str:
    """*text* on one line, cut to a length fit for a message."""
    line = " ".join(str(text).split())
    return line if len(line) <= QUOTE else line[: QUOTE - 1] + "…"
