"""API keys: made, listed, revoked and recognised. The store has only their hashes (table ``api_keys``)."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Literal, get_args

from hippomem.errors import ConfigError, InputError, NotFoundError
from hippomem.store import Store

Right = Literal["read", "write", "admin"]
#: Each with those before it.
RIGHTS: tuple[Right, ...] = get_args(Right)
LONGEST_NAME = 100

_TOKEN = re.compile(r"hm_(?P<key_id>[0-9a-f]{12})_[0-9a-f]{64}", re.ASCII)
_COLUMNS = "key_id, name, hash, rights, namespaces, created_at, expires_at, revoked_at"
#: What a key of an unknown id is compared with. It is the hash of nothing that is known, and no row decides by it alone.
_NO_HASH = bytes(hashlib.sha256().digest_size)


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What the store knows of a key; never the key itself.

    rights: the highest.    namespaces: those it reaches, None for all.    created_at, expires_at, revoked_at: ISO 8601, UTC.
    """

    key_id: str
    name: str
    rights: Right
    namespaces: frozenset[str] | None
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def state(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        """What a server makes of it at *now*."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= now:
            return "expired"
        return "active"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "key_id": self.key_id,
            "name": self.name,
            "rights": self.rights,
            "namespaces": None if self.namespaces is None else sorted(self.namespaces),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "revoked_at": self.revoked_at,
        }


class Keys:
    """The keys of one store. Another process sees what is done here with its next request.

    now: the clock, for tests.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    def create(
        self,
        name: str,
        rights: Right = "write",
        namespaces: Iterable[str] | None = None,
        expires_at: str | datetime | None = None,
    ) -> tuple[str, str]:
        """Make a key; returns (key id, key). The key is 256 random bits that are stored nowhere: show it once.

        namespaces: None for all, also those to come.    expires_at: a time without zone is UTC, a day counts from its start.
        Raises ConfigError for unknown rights, no namespace or no name, InputError for a time that is none or is past.
        """
        reached = (
            None if namespaces is None else sorted({namespaces} if isinstance(namespaces, str) else set(namespaces))
        )
        _check(name, rights, reached)
        expires = None if expires_at is None else self._future(expires_at)
        key_id = secrets.token_hex(6)
        token = f"hm_{key_id}_{secrets.token_hex(32)}"
        created = self._now().isoformat(timespec="seconds")
        row = (key_id, name, _hash(token), rights, json.dumps(reached), created, expires, None)
        with self._store.transaction() as db:
            db.execute(f"INSERT INTO api_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return key_id, token

    def get(self, key_id: str) -> ApiKey:
        """The key of that id. Raises NotFoundError."""
        row = self._row(key_id)
        if row is None:
            raise NotFoundError(f"there is no key '{key_id}' in '{self._store.path}'; `hippomem keys list` shows them.")
        return _api_key(row)

    def list(self) -> tuple[ApiKey, ...]:
        """All keys, also revoked and expired ones, oldest first."""
        with self._store.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, key_id").fetchall()
        return tuple(_api_key(row) for row in rows)

    def any(self) -> bool:
        """Whether there is a key that was not revoked: then nobody is let in without one, even if all have expired."""
        with self._store.reading() as db:
            return bool(db.execute("SELECT EXISTS (SELECT 1 FROM api_keys WHERE revoked_at IS NULL)").fetchone()[0])

    def revoke(self, *key_ids: str) -> int:
        """End keys for good, all or none; returns how many were not revoked before. Raises NotFoundError."""
        with self._store.transaction() as db:
            for key_id in key_ids:
                self.get(key_id)
            at = self._now().isoformat(timespec="seconds")
            return sum(
                db.execute(
                    "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL", (at, key_id)
                ).rowcount
                for key_id in dict.fromkeys(key_ids)
            )

    def verify(self, token: str) -> ApiKey | None:
        """The key that *token* is; None when it is unknown, revoked or expired, and nothing tells which.

        Exactly one comparison in constant time is made for any token: of one that no row belongs to, with a hash of nothing.
        """
        match = _TOKEN.fullmatch(token)
        row = self._row(match["key_id"] if match else "")
        is_same = compare_digest(_hash(token), _NO_HASH if row is None else row[2])
        if row is None or not is_same:
            return None
        key = _api_key(row)
        return key if key.state(self._now()) == "active" else None

    def _row(self, key_id: str) -> tuple[Any, ...] | None:
        with self._store.reading() as db:
            row: tuple[Any, ...] | None = db.execute(
                f"SELECT {_COLUMNS} FROM api_keys WHERE key_id = ?", (key_id,)
            ).fetchone()
        return row

    def _future(self, moment: str | datetime) -> str:
        from hippomem.text.dates import require_date

        at = datetime.fromisoformat(require_date(moment)) if isinstance(moment, str) else moment
        try:
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except OverflowError as error:
            raise InputError(
                f"a key that expires at {moment} is beyond what a calendar holds; leave it out."
            ) from error
        if at <= self._now():
            raise InputError(f"a key that expires at {at.isoformat()} would have expired already; give a later time.")
        return at.isoformat()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).digest()


def _api_key(row: tuple[Any, ...]) -> ApiKey:
    key_id, name, _, rights, namespaces, created_at, expires_at, revoked_at = row
    reached = json.loads(namespaces)
    return ApiKey(
        key_id, name, rights, None if reached is None else frozenset(reached), created_at, expires_at, revoked_at
    )


def _check(name: str, rights: str, namespaces: list[str] | None) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"a key needs a name of one line and at most {LONGEST_NAME} characters, to tell it from others."
        )
    if rights not in RIGHTS:
        raise ConfigError(
            f"rights {rights!r} were asked for; a key has one of {', '.join(RIGHTS)}, each with those before it."
        )
    if namespaces is not None and (not namespaces or not all(namespaces)):
        raise ConfigError("a key that reaches no namespace opens nothing; name at least one, or None for all.")
