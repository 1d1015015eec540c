"""How often a key may ask: a bucket of tokens for each, in one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hippomem.errors import ConfigError, RateLimitError
from hippomem.server.access.caller import Caller

PER_MINUTE = 600
#: Buckets kept before those that are full again, which say nothing, are dropped.
MOST_BUCKETS = 10_000


class RateLimit:
    """A token bucket for each key: *burst* requests at once, and one more every 60 / *per_minute* seconds.

    per_minute: 0 for no limit.    burst: default, what comes in in ten seconds.    clock: seconds, monotonic.
    It counts what this process serves: a server of n workers lets n times as much in. Callers without a key share a bucket.
    """

    def __init__(
        self,
        per_minute: int = PER_MINUTE,
        burst: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_buckets: int = MOST_BUCKETS,
    ) -> None:
        if per_minute < 0 or (burst is not None and burst < 1):
            raise ConfigError(
                f"a rate of {per_minute} a minute with a burst of {burst} was asked for; give a rate of at least 0 (0: no "
                "limit) and a burst of at least 1."
            )
        self.per_minute = per_minute
        self.burst = max(1, per_minute // 6) if burst is None else burst
        self._clock = clock
        self._most = most_buckets
        # Key id → when its bucket is full again. A bucket that is not here is full.
        self._full_at: dict[str | None, float] = {}
        self._lock = threading.Lock()

    def check(self, caller: Caller) -> None:
        """Take one token of the caller's. Raises RateLimitError, with the seconds until there is one, and takes none."""
        if not self.per_minute:
            return
        each = 60 / self.per_minute
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(caller.key_id, now), now) + each
            wait = full_at - now - self.burst * each
            if wait > 1e-9:  # the last token of the burst may be a rounding error short
                raise RateLimitError(
                    f"this key may ask {self.per_minute} times a minute, {self.burst} at once; "
                    f"try again in {max(wait, 0.1):.1f} s.",
                    retry_after=wait,
                )
            self._full_at[caller.key_id] = full_at
            if len(self._full_at) > self._most:
                self._drop(now)

    @property
    def buckets(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at)

    def _drop(self, now: float) -> None:
        kept = {key: at for key, at in self._full_at.items() if at > now}
        if len(kept) > self._most:  # the half that is nearest to full, so that this is not done again at once
            kept = dict(sorted(kept.items(), key=lambda item: item[1])[-self._most // 2 :])
        self._full_at = kept
