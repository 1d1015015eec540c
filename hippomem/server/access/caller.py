"""From an Authorization header to a caller, and what that caller may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hippomem.errors import ForbiddenError, UnauthenticatedError
from hippomem.server.access.hosts import Hosts
from hippomem.server.access.keys import RIGHTS, Keys, Right, utc_now
from hippomem.store import Store
from hippomem.store.store import IN_MEMORY

if TYPE_CHECKING:
    from starlette.types import Scope

    from hippomem.server.access.limits import RateLimit

#: Milliseconds that finding a key waits for a lock: the event loop may be waiting too.
_PATIENCE_MS = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    key_id: None for the anonymous one.    rights: the highest.    namespaces: those it reaches, None for all.
    """

    key_id: str | None
    name: str
    rights: Right
    namespaces: frozenset[str] | None

    def may(self, right: Right, namespace: str | None) -> bool:
        """Whether it has the right, and reaches the namespace (None: the call is about none, or asks for each by itself)."""
        return RIGHTS.index(right) <= RIGHTS.index(self.rights) and self._reaches(namespace)

    def require(self, right: Right, namespace: str | None) -> None:
        """Raises ForbiddenError unless `may`. The words are the same whether there is such a namespace or not."""
        if not self._reaches(namespace):
            raise ForbiddenError(f"this API key does not reach the namespace '{namespace}'; use one that does.")
        if not self.may(right, namespace):
            raise ForbiddenError(f"this call needs the right to {right}, and this API key has '{self.rights}'.")

    def _reaches(self, namespace: str | None) -> bool:
        return namespace is None or self.namespaces is None or namespace in self.namespaces


#: Whoever is on this machine, as long as the store has no key.
LOCAL = Caller(key_id=None, name="local", rights="admin", namespaces=None)


class Access:
    """Says who a request comes from. Thread-safe.

    host, allowed_hosts: as for `Guard`. Only a server with none but loopback names lets anyone in without a key, and only as
    long as the store has no key that was not revoked.
    Keys are read with every request (about 20 µs), over a connection of its own: a long write does not keep callers waiting,
    and a key made or revoked by another process counts at once. Close it before the store.
    """

    def __init__(
        self,
        store: Store,
        *,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._own = None if store.path == IN_MEMORY else Store.open(store.path, create=False)
        if self._own is not None:
            self._own.db.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        self._keys = Keys(self._own or store, now=now)
        self._is_local = Hosts(host, allowed_hosts).only_loopback

    def caller(self, authorization_header: str | None) -> Caller:
        """The caller of a request with this header. Raises UnauthenticatedError.

        A key that is sent must be good, also where none would be needed.
        """
        if authorization_header is None:
            if self._is_local and not self._keys.any():
                return LOCAL
            raise UnauthenticatedError(
                "this server needs an API key, and none was sent; send it as `Authorization: Bearer hm_…`. "
                "`hippomem keys create` makes one."
            )
        scheme, _, token = authorization_header.strip().partition(" ")
        key = self._keys.verify(token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise UnauthenticatedError(
                "the API key is unknown, revoked or expired; send a good one as `Authorization: Bearer hm_…`."
            )
        return Caller(key.key_id, key.name, key.rights, key.namespaces)

    def close(self) -> None:
        """Close the connection. Closing twice is allowed."""
        if self._own is not None:
            self._own.db.close()  # nothing was written over it, so there is nothing to tidy as `Store.close` does


def admit(scope: Scope, access: Access, limit: RateLimit) -> Caller:
    """Say who a request comes from, note it for the log (``scope["state"]["caller"]``), and count it.

    scope: of ASGI, ``http`` or ``websocket``. Raises UnauthenticatedError, RateLimitError.
    """
    headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
    if len(headers) > 1:
        raise UnauthenticatedError("several Authorization headers were sent; send one.")
    caller = access.caller(headers[0] if headers else None)
    scope.setdefault("state", {})["caller"] = caller
    limit.check(caller)
    return caller
