"""``hippomem keys``: what it prints, and that servers know what it made."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.server.access import Keys
from hippomem.store import Store

Run = Callable[..., Any]


def verified(store: Path, token: str) -> Any:
    """What a server makes of a key."""
    with Store.open(store, create=False) as opened:
        return Keys(opened).verify(token)


def test_create_prints_the_key_and_nothing_else_on_stdout(run: Run, store: Path) -> None:
    """``KEY=$(hippomem keys create …)`` works; what it may is said beside it. The store is made."""
    ran = run("keys", "create", "laptop", "--store", store)
    assert ran.code == 0
    token = ran.out.strip()
    key = verified(store, token)
    assert (key.name, key.rights, key.namespaces, key.expires_at) == ("laptop", "write", None, None)
    assert ran.out == f"{token}\n"
    assert "not shown again" in ran.err
    assert key.key_id in ran.err
    assert token not in ran.err


def test_create_takes_rights_namespaces_and_an_end(run: Run, store: Path) -> None:
    """And says them as JSON, with the key."""
    arguments = ["--rights", "read", "--namespace", "b", "--namespace", "a", "--expires-at", "2099-01-31"]
    made = run("keys", "create", "reader", *arguments, "--store", store, "--json").json
    assert verified(store, made["key"]).to_dict() == {name: made[name] for name in made if name != "key"}
    assert (made["rights"], made["namespaces"], made["expires_at"]) == ("read", ["a", "b"], "2099-01-31T00:00:00+00:00")


def test_list_shows_every_key_and_never_the_key_itself(run: Run, store: Path) -> None:
    """Who may what, and what is no longer good."""
    first = run("keys", "create", "first", "--store", store, "--json").json
    second = run("keys", "create", "second", "--rights", "admin", "--namespace", "a", "--store", store, "--json").json
    assert run("keys", "revoke", first["key_id"], "--store", store).code == 0
    listed = run("keys", "list", "--store", store)
    lines = {line.split()[0]: line for line in listed.out.splitlines()}
    assert re.search(r"revoked +write +first +\(every namespace\)", lines[first["key_id"]])
    assert re.search(r"active +admin +second +\(a\)", lines[second["key_id"]])
    as_json = run("keys", "list", "--store", store, "--json")
    states = {key["name"]: key["state"] for key in as_json.json["keys"]}
    assert states == {"first": "revoked", "second": "active"}
    for made in (first, second):
        assert made["key"].rpartition("_")[2] not in listed.out + as_json.out


def test_revoke_is_all_or_none_and_says_when_no_key_is_left(run: Run, store: Path) -> None:
    """For then a server on loopback is open again."""
    made = [run("keys", "create", name, "--store", store, "--json").json for name in ("a", "b")]
    ran = run("keys", "revoke", made[0]["key_id"], "nosuch", "--store", store)
    assert (ran.code, "nosuch" in ran.err) == (3, True)
    assert verified(store, made[0]["key"])
    ran = run("keys", "revoke", made[0]["key_id"], "--store", store)
    assert (ran.code, ran.out, ran.err) == (0, "revoked 1 key.\n", "")
    assert verified(store, made[0]["key"]) is None
    ran = run("keys", "revoke", made[0]["key_id"], made[1]["key_id"], "--store", store)
    assert (ran.code, ran.out, "no key is left" in ran.err) == (0, "revoked 1 key.\n", True)
    assert run("keys", "revoke", made[1]["key_id"], "--store", store, "--json").json == {
        "revoked": 0,
        "keys_left": False,
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["create", "k", "--rights", "root"], 2),
        (["create", ""], 2),
        (["create", "k", "--namespace", ""], 2),
        (["create", "k", "--expires-at", "soon"], 3),
        (["create", "k", "--expires-at", "2001-01-01"], 3),
        (["create", "k\udc80"], 3),
        (["create", "k", "--namespace", "a\udc80"], 3),
        (["create"], 2),
        (["revoke"], 2),
        ([], 2),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(run: Run, store: Path, arguments: list[str], code: int) -> None:
    """With the code of its kind, and no key in the store."""
    assert run("keys", "list", "--store", store).code == 4
    assert not store.exists()
    ran = run("keys", *arguments, "--store", store) if arguments else run("keys")
    assert ran.code == code
    if store.exists():
        assert run("keys", "list", "--store", store, "--json").json == {"keys": []}


def test_list_of_none_says_how_to_make_one(run: Run, store: Path) -> None:
    """A store without keys."""
    Store.open(store).close()
    assert "hippomem keys create" in run("keys", "list", "--store", store).out


@pytest.mark.parametrize("command", [["create", "k"], ["list"], ["revoke", "x"]], ids=" ".join)
def test_a_file_that_is_no_store_is_code_4_and_stays(run: Run, store: Path, command: list[str]) -> None:
    """Another file under that name is refused and not touched."""
    store.write_bytes(b"Dear diary, " * 100)
    assert run("keys", *command, "--store", store).code == 4
    assert store.read_bytes() == b"Dear diary, " * 100


def test_keys_need_neither_a_model_nor_a_web_framework(store: Path) -> None:
    """They can be made where the server's packages are not installed."""
    hidden = "import sys\nfor name in ('starlette', 'fastapi', 'uvicorn'): sys.modules[name] = None\n"
    run = f"{hidden}from hippomem.cli import main\nsys.exit(main(['keys', 'create', 'k', '--store', {str(store)!r}]))"
    subprocess.run([sys.executable, "-c", run], check=True, capture_output=True)
