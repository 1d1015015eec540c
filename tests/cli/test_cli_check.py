"""``hippomem check`` on a real damaged store and real damaged files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.arrays.made import write_generation

Run = Callable[..., Any]


def test_a_sound_store_is_code_0(run: Run, harbour: Path) -> None:
    """In a sentence, and as JSON."""
    ran = run("check", "--store", harbour)
    assert ran.code == 0
    assert "schema version" in ran.out
    assert "the database is sound" in ran.out
    report = run("check", "--store", harbour, "--json").json
    assert (report["is_sound"], report["damage"], report["removed"]) == (True, [], [])


def test_a_damaged_store_is_code_4(run: Run, harbour: Path) -> None:
    """Every finding on stdout, what to do on stderr."""
    db = sqlite3.connect(harbour)
    db.execute("DELETE FROM passages WHERE passage_key = 1")
    db.commit()
    db.close()
    ran = run("check", "--store", harbour)
    assert ran.code == 4
    assert "of contributions refers to a row of passages that is not there" in ran.out
    assert "sound" not in ran.out
    assert "is damaged; restore a backup" in ran.err
    ran = run("check", "--store", harbour, "--json")
    assert (ran.code, ran.json["is_sound"]) == (4, False)
    assert ran.json["damage"]


def test_damaged_files_are_removed_and_the_store_is_sound(run: Run, harbour: Path) -> None:
    """Code 0: nothing is lost, and the second check has nothing to say."""
    folder = write_generation(harbour)
    assert "the arrays beside it are sound (1 folder)" in run("check", "--store", harbour).out
    path = folder / "fact_vector.npy"
    path.write_bytes(path.read_bytes()[:-5] + b"wrong")
    ran = run("check", "--store", harbour)
    assert ran.code == 0
    assert "removed, to be made anew by the next search" in ran.out
    assert "fact_vector.npy" in ran.out
    assert not folder.exists()
    assert run("check", "--store", harbour, "--json").json["removed"] == []
    assert "Varnholt" in run("search", "Who commands the RV Petrel?", "--store", harbour).out
