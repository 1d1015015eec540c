"""API keys: stored as hashes, recognised in constant time, ended by revoking and by time."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any

import pytest

from hippomem.errors import ConfigError, InputError, NotFoundError
from hippomem.server.access import Keys
from hippomem.server.access import keys as module
from hippomem.store import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(store: Store, clock: Clock) -> Keys:
    return Keys(store, now=clock)


def test_a_key_is_recognised_with_what_it_may_do(keys: Keys) -> None:
    """What was said when it was made is what it means when it is sent."""
    key_id, token = keys.create("laptop", "read", ["a", "b"], "2027-01-31")
    key = keys.verify(token)
    assert key is not None
    assert key == keys.get(key_id) == keys.list()[0]
    assert key.to_dict() == {
        "key_id": key_id,
        "name": "laptop",
        "rights": "read",
        "namespaces": ["a", "b"],
        "created_at": "2026-11-24T12:00:00+00:00",
        "expires_at": "2027-01-31T00:00:00+00:00",
        "revoked_at": None,
    }
    assert re.fullmatch(rf"hm_{key_id}_[0-9a-f]{{64}}", token)


def test_no_two_keys_are_alike(keys: Keys) -> None:
    """Each is 256 new random bits."""
    made = [keys.create("same") for _ in range(20)]
    assert len({key_id for key_id, _ in made}) == len({token.rpartition("_")[2] for _, token in made}) == 20


def test_the_files_hold_the_hash_and_not_the_key(keys: Keys, store: Store, tmp_path: Path) -> None:
    """Whoever reads the store cannot ask the server."""
    _, token = keys.create("laptop")
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert hashlib.sha256(token.encode()).digest() in stored
    assert token.encode() not in stored
    assert token.rpartition("_")[2].encode() not in stored
    assert bytes.fromhex(token.rpartition("_")[2]) not in stored


def spoiled(keys: Keys, clock: Clock) -> dict[str, str]:
    """Keys that are not good, by what is wrong with them."""
    _, good = keys.create("good")
    gone, revoked = keys.create("revoked")
    keys.revoke(gone)
    _, expired = keys.create("expired", expires_at=NOON + timedelta(hours=1))
    clock.at = NOON + timedelta(hours=1)
    return {
        "unknown id": "hm_" + "0" * 12 + good[15:],
        "wrong secret": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "revoked": revoked,
        "expired": expired,
        "secret of another": good[:16] + revoked[16:],
        "cut off": good[:-1],
        "longer": good + "0",
        "other case": good.upper(),
        "nothing": "",
        "no key": "secret",
        "a line more": good + "\n",
        "not ASCII": "hm_é\udc80",
        "other digits": good[:-1] + "٣",
    }


def test_whatever_is_wrong_the_answer_is_the_same_after_one_comparison(
    keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown, wrong, revoked, expired or garbage: None, and one constant-time comparison of two SHA-256."""
    tokens = spoiled(keys, clock)
    compared: list[tuple[bytes, bytes]] = []

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return compare_digest(a, b)

    monkeypatch.setattr(module, "compare_digest", spy)
    for what, token in tokens.items():
        compared.clear()
        assert keys.verify(token) is None, what
        assert [(len(a), len(b)) for a, b in compared] == [(32, 32)], what


def test_the_comparison_is_what_decides(keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it says no, a good key is refused; where it says yes, only an active row of that id lets in."""
    tokens = spoiled(keys, clock)
    _, good = keys.create("good")
    monkeypatch.setattr(module, "compare_digest", lambda a, b: False)
    assert keys.verify(good) is None
    monkeypatch.setattr(module, "compare_digest", lambda a, b: True)
    assert {what for what, token in tokens.items() if keys.verify(token)} == {"wrong secret", "secret of another"}


def test_a_key_ends_at_its_time(keys: Keys, clock: Clock) -> None:
    """Good until the last moment, and never again."""
    _, token = keys.create("a day", expires_at="2026-11-25")
    clock.at = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    assert keys.verify(token)
    clock.at = datetime(2026, 11, 25, tzinfo=UTC)
    assert keys.verify(token) is None
    assert keys.list()[0].state(clock.at) == "expired"
    assert keys.any(), "a key that has expired still means that keys are needed"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2027-01-31T18:30", "2027-01-31T18:30:00+00:00"),
        ("2027-01-31T18:30+02:00", "2027-01-31T16:30:00+00:00"),
        (datetime(2027, 1, 31), "2027-01-31T00:00:00+00:00"),
    ],
)
def test_times_are_kept_as_utc(keys: Keys, given: str | datetime, stored: str) -> None:
    """A time without zone is UTC."""
    keys.create("k", expires_at=given)
    assert keys.list()[0].expires_at == stored


@pytest.mark.parametrize(
    "given", ["2026-11-24T12:00", "1999-01-01", "soon", "", "9999-12-31T23:59-05:00", "2026-13-01"]
)
def test_times_that_cannot_be_are_refused(keys: Keys, given: str) -> None:
    """A key that would never be good is not made."""
    with pytest.raises(InputError):
        keys.create("k", expires_at=given)
    assert keys.list() == ()


@pytest.mark.parametrize(
    ("name", "rights", "namespaces"),
    [
        ("", "read", None),
        (" ", "read", None),
        ("two\nlines", "read", None),
        ("x" * 101, "read", None),
        ("k", "root", None),
        ("k", "read", []),
        ("k", "read", [""]),
    ],
)
def test_keys_that_mean_nothing_are_refused(keys: Keys, name: str, rights: Any, namespaces: list[str] | None) -> None:
    """Names, rights and namespaces are checked before anything is stored."""
    with pytest.raises(ConfigError):
        keys.create(name, rights, namespaces)
    assert keys.list() == ()


def test_one_namespace_may_be_given_as_text(keys: Keys) -> None:
    """A text is one namespace and not its letters."""
    _, token = keys.create("k", "read", "ab")
    key = keys.verify(token)
    assert key is not None
    assert key.namespaces == frozenset({"ab"})


def test_revoking_is_all_or_none_and_for_good(keys: Keys) -> None:
    """An unknown id undoes the call; a second time changes nothing, not even the date."""
    first, token = keys.create("first")
    second, _ = keys.create("second")
    with pytest.raises(NotFoundError):
        keys.revoke(first, "nosuch")
    assert keys.verify(token)
    assert keys.revoke(first, first) == 1
    assert keys.verify(token) is None
    before = keys.get(first)
    assert keys.revoke(first, second) == 1
    assert keys.get(first) == before
    assert not keys.any()


def test_keys_outlive_the_process(keys: Keys, store: Store, tmp_path: Path) -> None:
    """Another connection to the same file knows them."""
    _, token = keys.create("k", namespaces=["ä·北京"])
    with Store.open(tmp_path / "notes.hippo", create=False) as other:
        key = Keys(other).verify(token)
    assert key is not None
    assert key.namespaces == frozenset({"ä·北京"})
