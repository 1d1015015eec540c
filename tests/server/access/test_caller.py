"""Who a header is, and what that caller may."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from hippomem.errors import ConfigError, ForbiddenError, RateLimitError, UnauthenticatedError
from hippomem.server.access import RIGHTS, Access, Caller, Keys, RateLimit, admit, check_address
from hippomem.store import Store

ROOT = Path(__file__).resolve().parents[3]


def hippomem(*args: object) -> str:
    """What the command line of another process prints."""
    command = [sys.executable, "-m", "hippomem.cli", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(("has", "needs"), list(itertools.product(RIGHTS, RIGHTS)))
def test_each_right_has_those_before_it(has: Any, needs: Any) -> None:
    """read < write < admin."""
    caller = Caller("k", "k", has, frozenset({"a"}))
    allowed = RIGHTS.index(needs) <= RIGHTS.index(has)
    assert caller.may(needs, "a") is caller.may(needs, None) is allowed
    if allowed:
        caller.require(needs, "a")
    else:
        with pytest.raises(ForbiddenError, match=f"the right to {needs}"):
            caller.require(needs, "a")


@pytest.mark.parametrize("right", RIGHTS)
def test_a_key_reaches_its_namespaces_only(right: Any) -> None:
    """Whatever its rights; None reaches all."""
    caller = Caller("k", "k", "admin", frozenset({"a"}))
    with pytest.raises(ForbiddenError, match="does not reach the namespace 'b'"):
        caller.require(right, "b")
    assert not caller.may(right, "b")
    assert not caller.may(right, "A")
    Caller("k", "k", "admin", None).require(right, "b")


def test_without_keys_whoever_is_on_this_machine_is_admin(store: Store) -> None:
    """And as soon as there is a key, nobody is; revoking the last one opens it again."""
    access = Access(store)
    caller = access.caller(None)
    assert (caller.key_id, caller.rights, caller.namespaces) == (None, "admin", None)
    key_id, token = Keys(store).create("laptop", "read", ["a"])
    with pytest.raises(UnauthenticatedError):
        access.caller(None)
    assert access.caller(f"Bearer {token}") == Caller(key_id, "laptop", "read", frozenset({"a"}))
    Keys(store).revoke(key_id)
    assert access.caller(None).rights == "admin"
    with pytest.raises(UnauthenticatedError):
        access.caller(f"Bearer {token}")
    access.close()
    access.close()


@pytest.mark.parametrize(
    "names",
    [
        {"host": "0.0.0.0"},  # noqa: S104 - nothing listens
        {"host": "::"},
        {"host": ""},
        {"host": "192.168.1.5"},
        {"host": "example.org"},
        {"allowed_hosts": ["example.org"]},
    ],
    ids=str,
)
def test_a_server_that_others_can_reach_never_lets_in_without_a_key(store: Store, names: dict[str, Any]) -> None:
    """It does not start without a key, and stays closed when the last one is revoked while it runs."""
    access = Access(store, **names)
    with pytest.raises(UnauthenticatedError):
        access.caller(None)
    access.close()
    address = {"host": "127.0.0.1", **names}
    with pytest.raises(ConfigError, match="hippomem keys create"):
        check_address(**address, has_keys=False)
    check_address(**address, has_keys=True)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_loopback_needs_no_key(host: str) -> None:
    """Nobody else can reach it."""
    check_address(host, has_keys=False)


def test_headers_that_are_no_good_key_are_all_answered_alike(store: Store) -> None:
    """Unknown, wrong, revoked, or another scheme: the same words, with a key in the store and without."""
    access = Access(store)
    key_id, token = Keys(store).create("k")
    gone, revoked = Keys(store).create("gone")
    Keys(store).revoke(gone)
    headers = [
        f"Bearer {revoked}",
        f"Bearer {token}x",
        f"Bearer hm_{'0' * 12}_{'0' * 64}",
        f"Basic {token}",
        token,
        "Bearer",
        "Bearer ",
        "",
        f"Bearer {token} {token}",
        "Bearer \u00e9\u00ff",
    ]

    def words(header: str) -> str:
        with pytest.raises(UnauthenticatedError) as caught:
            access.caller(header)
        return str(caught.value)

    said = {words(header) for header in headers}
    assert access.caller(f"bearer   {token} ").key_id == key_id
    Keys(store).revoke(key_id)
    said |= {words(header) for header in headers}
    assert len(said) == 1
    access.close()


def test_keys_of_another_process_count_at_once(store: Store) -> None:
    """`hippomem keys create` and `revoke` beside a running server are seen by its very next request."""
    access = Access(store)
    assert access.caller(None).rights == "admin"
    token = hippomem("keys", "create", "laptop", "--store", store.path).strip()
    with pytest.raises(UnauthenticatedError):
        access.caller(None)
    caller = access.caller(f"Bearer {token}")
    hippomem("keys", "revoke", caller.key_id, "--store", store.path)
    with pytest.raises(UnauthenticatedError):
        access.caller(f"Bearer {token}")
    assert caller.rights == "write"
    access.close()


def test_a_long_write_does_not_keep_callers_waiting(store: Store) -> None:
    """Keys are read beside the transaction that another thread of this process has open."""
    _, token = Keys(store).create("k")
    access = Access(store)
    is_open, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with store.transaction() as db:
            db.execute("INSERT INTO namespaces (name) VALUES ('x')")
            is_open.set()
            may_end.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert is_open.wait(10)
        assert access.caller(f"Bearer {token}").name == "k"
        assert store.db.in_transaction, "the write was still open"
    finally:
        may_end.set()
        thread.join(10)
        access.close()


def test_many_threads_find_their_keys(store: Store) -> None:
    """Access is shared by the threads of a server."""
    made = [Keys(store).create(f"k{number}") for number in range(8)]
    access = Access(store)
    wrong: list[str] = []

    def ask(key_id: str, token: str) -> None:
        for _ in range(100):
            if access.caller(f"Bearer {token}").key_id != key_id:
                wrong.append(key_id)

    threads = [threading.Thread(target=ask, args=pair) for pair in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong
    access.close()


def test_a_store_in_memory_has_keys_too() -> None:
    """Then they are read over the one connection there is."""
    with Store.open(":memory:") as store:
        access = Access(store)
        key_id, token = Keys(store).create("k")
        assert access.caller(f"Bearer {token}").key_id == key_id
        access.close()
        assert Keys(store).any()


def test_admit_notes_the_caller_and_counts(store: Store) -> None:
    """Also one that asked too often is named in the log; two headers are none."""
    key_id, token = Keys(store).create("k")
    access, limit = Access(store), RateLimit(60, 1, clock=lambda: 0.0)
    scope: dict[str, Any] = {"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]}
    assert admit(scope, access, limit) == scope["state"]["caller"]
    scope.pop("state")
    with pytest.raises(RateLimitError):
        admit(scope, access, limit)
    assert scope["state"]["caller"].key_id == key_id
    scope["headers"] *= 2
    with pytest.raises(UnauthenticatedError):
        admit(scope, access, limit)
    access.close()
