"""``hippomem add, get, update, forget, list``: one memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_add_prints_the_id_that_get_takes(run: Run, store: Path) -> None:
    """What add was told, get shows."""
    added = run(
        "add", "Mum's phone number ends in 7.", "--store", store, "--title", "Mum", "--source-id", "n1",
        "--occurred-at", "2026-11-21", "--user", "u", "--agent", "a", "--session", "s", "--speaker", "p",
        "--position", "3", "--kind", "episodic", "--meta", "mood=good", "--meta", "place=a=b",
    )  # fmt: skip
    record = run("get", added.out.strip(), "--store", store, "--json").json
    assert (record["text"], record["title"], record["occurred_at"]) == (
        "Mum's phone number ends in 7.",
        "Mum",
        "2026-11-21",
    )
    assert [{**source, "recorded_at": ""} for source in record["sources"]] == [
        {
            "recorded_at": "",
            "source_id": "n1", "kind": "episodic", "user": "u", "agent": "a", "session": "s", "speaker": "p",
            "position": 3, "metadata": {"mood": "good", "place": "a=b"},
        }
    ]  # fmt: skip
    assert run("get", "n1", "--store", store, "--json").json["memory_id"] == added.out.strip()
    assert "Mum's phone number" in run("get", "n1", "--store", store).out


def test_add_reads_standard_input(run: Run, store: Path) -> None:
    """``-`` takes the text from standard input, in any script."""
    run("add", "-", "--store", store, "--source-id", "x", stdin="São Tomé do Cais に行った。".encode())
    assert run("get", "x", "--store", store, "--json").json["text"] == "São Tomé do Cais に行った。"


def test_the_same_text_again_is_the_same_memory(run: Run, store: Path) -> None:
    """Adding twice gives one id, and one memory."""
    first, second = (run("add", "Twice told.", "--store", store).out for _ in range(2))
    assert first == second
    assert run("list", "--store", store, "--json").json["total"] == 1


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        (["-"], b"caf\xe9", 3, "not UTF-8"),
        (["caf\udce9"], b"", 3, "not UTF-8"),
        ([" \n"], b"", 3, "empty"),
        (["-"], b"", 3, "empty"),
        (["x", "--occurred-at", "soon"], b"", 3, "date"),
        (["x", "--meta", "novalue"], b"", 2, "KEY=VALUE"),
        (["x", "--kind", "odd"], b"", 2, "episodic"),
    ],
)
def test_what_cannot_be_remembered_is_refused(
    run: Run, store: Path, arguments: list[str], stdin: bytes, code: int, said: str
) -> None:
    """Bad input has its exit code and a message that says what to do."""
    ran = run("add", *arguments, "--store", store, stdin=stdin)
    assert (ran.code, said in ran.err) == (code, True)


def test_update_keeps_the_id_and_changes_the_answer(run: Run, harbour: Path) -> None:
    """After an update the new text is found under the old id."""
    memory_id = run("get", "cake", "--store", harbour, "--json").json["memory_id"]
    ran = run("update", "cake", "--store", harbour, "--text", "An Anchor Bun is a loaf of rye.", "--json")
    assert (ran.code, ran.json["memory_id"]) == (0, memory_id)
    hit = run("search", "loaf of rye", "--store", harbour, "--k", "1", "--json").json["hits"][0]
    assert (hit["memory_id"], hit["text"]) == (memory_id, "An Anchor Bun is a loaf of rye.")


def test_an_update_without_a_change_is_code_2(run: Run, harbour: Path) -> None:
    """Update wants to be told what to change."""
    assert run("update", "cake", "--store", harbour).code == 2


def test_an_update_to_another_memorys_content_is_code_3(run: Run, store: Path) -> None:
    """Two memories cannot become one by an update, and neither changes."""
    run("add", "One.", "--store", store, "--source-id", "one")
    run("add", "Two.", "--store", store, "--source-id", "two")
    assert run("update", "one", "--text", "Two.", "--store", store).code == 3
    assert run("get", "one", "--store", store, "--json").json["text"] == "One."


def test_forget_leaves_no_trace(run: Run, harbour: Path) -> None:
    """A forgotten memory is not found, and its words are not in the file."""
    ran = run("forget", "cake", "--store", harbour, "--json")
    assert (ran.code, len(ran.json["forgotten"])) == (0, 1)
    assert b"cinnamon" not in b"".join(file.read_bytes() for file in harbour.parent.glob("notes.hippo*"))
    assert run("get", "cake", "--store", harbour).code == 3


def test_forget_is_all_or_nothing_about_ids(run: Run, harbour: Path) -> None:
    """One unknown id and nothing is forgotten; one memory under two ids is forgotten once."""
    ran = run("forget", "cake", "nobody", "--store", harbour)
    assert (ran.code, "nobody" in ran.err) == (3, True)
    memory_id = run("get", "cake", "--store", harbour, "--json").json["memory_id"]
    assert run("forget", "cake", memory_id, "--store", harbour, "--json").json == {"forgotten": [memory_id]}


def test_list_stops_at_its_limit(run: Run, harbour: Path) -> None:
    """--limit cuts, 0 does not, and the total is told."""
    assert len(run("list", "--store", harbour, "--limit", "2", "--json").json["memories"]) == 2
    assert len(run("list", "--store", harbour, "--limit", "0", "--json").json["memories"]) == 3
    assert "2 of 3" in run("list", "--store", harbour, "--limit", "2").out


@pytest.fixture
def filled(run: Run, store: Path) -> Path:
    """Three memories of two users."""
    run("add", "Ada fixed the pump.", "--store", store, "--user", "ada", "--meta", "hours=3", "--meta", "place=mill")
    run("add", "Ada painted the gate.", "--store", store, "--user", "ada", "--occurred-at", "2026-01-02")
    run("add", "Bob fixed the pump.", "--store", store, "--user", "bob", "--kind", "procedural")
    return store


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--user", "ada"], {"Ada fixed the pump.", "Ada painted the gate."}),
        (["--user", "ada", "--until", "2026-01-02"], {"Ada painted the gate."}),
        (["--kind", "procedural"], {"Bob fixed the pump."}),
        (["--meta", "hours=3"], {"Ada fixed the pump."}),
        (["--meta", "place^=mi"], {"Ada fixed the pump."}),
        (["--meta", "place!=mill", "--user", "bob"], {"Bob fixed the pump."}),
        (["--as-of", "2025-01-01"], set()),
    ],
)
def test_commands_take_filters(run: Run, filled: Path, options: list[str], found: set[str]) -> None:
    """list, search, recall and forget mean the same memories."""
    listed = run("list", "--store", filled, *options, "--json").json
    assert {record["text"] for record in listed["memories"]} == found
    assert listed["total"] == len(found)
    searched = run("search", "Who fixed the pump?", "--store", filled, *options, "--json").json
    assert {hit["text"] for hit in searched["hits"]} == found
    recalled = run("recall", "Who fixed the pump?", "--store", filled, *options, "--json").json
    assert {citation["text"] for citation in recalled["citations"]} == found
    forgotten = run("forget", "--store", filled, *options, "--json").json
    assert len(forgotten["forgotten"]) == len(found)
    assert run("list", "--store", filled, "--json").json["total"] == 3 - len(found)


def test_forget_wants_to_be_told_what(run: Run, filled: Path) -> None:
    for arguments in ([], ["m-1", "--user", "ada"], ["--everything", "--user", "ada"]):
        assert run("forget", *arguments, "--store", filled).code == 2
    assert run("forget", "--user", "ada", "--meta", "no condition", "--store", filled).code == 2
    assert run("list", "--store", filled, "--json").json["total"] == 3
    assert len(run("forget", "--everything", "--store", filled, "--json").json["forgotten"]) == 3
    assert "nothing" in run("forget", "--user", "ada", "--store", filled).out


def test_history_shows_what_a_memory_said(run: Run, filled: Path) -> None:
    some_id = run("add", "The code is 17.", "--store", filled, "--ttl", "3600").out.strip()
    run("update", some_id, "--store", filled, "--text", "The code is 18.")
    assert [v["text"] for v in run("history", some_id, "--store", filled, "--json").json["versions"]] == [
        "The code is 17.",
        "The code is 18.",
    ]
    assert "to now" in run("history", some_id, "--store", filled).out
    assert "expires" in run("get", some_id, "--store", filled).out
    run("update", some_id, "--store", filled, "--text", "The code is 19.", "--no-history")
    assert len(run("history", some_id, "--store", filled, "--json").json["versions"]) == 1


def test_a_superseded_memory_says_so(run: Run, store: Path) -> None:
    old = run("add", "Tea is at four.", "--store", store).out.strip()
    new = run("add", "No more tea.", "--store", store, "--supersedes", old).out.strip()
    assert new in run("get", old, "--store", store).out
    assert "no longer so" in run("list", "--store", store).out
    assert f"see {new}" in run("search", "When is tea?", "--store", store).out
    hits = run("search", "When is tea?", "--store", store, "--no-freshness", "--json").json["hits"]
    assert [hit["superseded_by"] for hit in hits] == [None, None]


@pytest.mark.parametrize("option", ["--user", "--agent", "--session", "--speaker"])
def test_an_empty_name_is_nobodys_and_not_everybodys(run: Run, filled: Path, option: str) -> None:
    """A script whose variable is empty must not forget what others have."""
    assert run("list", "--store", filled, option, "", "--json").json["total"] == 0
    assert run("forget", "--store", filled, option, "", "--since", "2000-01-01", "--json").json["forgotten"] == []
    assert run("list", "--store", filled, "--json").json["total"] == 3
