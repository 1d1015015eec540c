"""The way to an OpenAI-compatible endpoint that chat and embeddings share: settings, retries, errors."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from hippomem.errors import ConfigError
from hippomem.models.backoff import backoff, spread_wait
from hippomem.models.openai_errors import is_transient, retry_after, to_model_error

if TYPE_CHECKING:
    from openai import OpenAI

Answer = TypeVar("Answer")

#: A server that asks for a longer pause than this is not waited for.
LONGEST_WAIT = 60.0


class OpenAIConnection:
    """A client with its model and endpoint; safe to share by threads. Close it when done."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """base_url, api_key: default OPENAI_BASE_URL and OPENAI_API_KEY; with a base_url no key is needed.

        timeout: seconds until a silent server counts as unavailable.    max_retries: tries after the first.
        sleep, jitter: how to wait, and a number in [0, 1) by which waits are spread; tests pass their own.
        Raises ConfigError when the openai package or the key is missing.
        """
        base_url, api_key = endpoint_settings(model, base_url, api_key)
        from openai import OpenAI

        self.model = model
        self.max_retries = max_retries
        self._sleep = sleep
        self._jitter = jitter
        # The client's own retries are off: ours can be watched, and know which 429 will not pass.
        self.client: OpenAI = OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=0)
        self.endpoint = str(self.client.base_url)

    def call(self, request: Callable[[OpenAI], Answer]) -> Answer:
        """Make *request*, again while it fails in a way that may pass. Raises ModelError with the failure as cause."""
        import openai

        for attempt in range(self.max_retries + 1):
            try:
                return request(self.client)
            # ValueError: the body is no JSON, or not what the client expects.
            except (openai.OpenAIError, ValueError) as error:
                wait = self._wait(error, attempt)
                if attempt == self.max_retries or not is_transient(error) or wait > LONGEST_WAIT:
                    raise to_model_error(error, model=self.model, endpoint=self.endpoint, tries=attempt + 1) from error
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, error: Exception, attempt: int) -> float:
        """Seconds until the next try: what the server asks for, else exponential, both spread so that clients part."""
        asked = retry_after(error)
        return backoff(attempt + 1, self._jitter()) if asked is None else spread_wait(asked, self._jitter())

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def endpoint_settings(model: str, base_url: str | None, api_key: str | None) -> tuple[str | None, str]:
    """(base_url, api_key) as given, or of the environment.

    Raises ConfigError when the openai package, the model's name or the key is missing.
    """
    try:
        import openai  # noqa: F401
    except ImportError as error:
        raise ConfigError("model endpoints need the openai package; run: pip install openai") from error
    base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
    # Local servers want no key, but the client insists on sending one.
    api_key = api_key or os.environ.get("OPENAI_API_KEY") or (None if base_url is None else "none")
    if not model:
        raise ConfigError("no model was named; give the name under which the endpoint serves it")
    if api_key is None:
        raise ConfigError(
            f"no key for model {model!r}: set OPENAI_API_KEY, "
            "or OPENAI_BASE_URL (base_url=…) for a server that wants none"
        )
    return base_url, api_key


def plain(answer: Any, name: str) -> Any:
    """Attribute *name* of a client answer, or None: the client does not check what a server sends."""
    return getattr(answer, name, None)
