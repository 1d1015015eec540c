"""Kept stores: used again when nothing they depend on has changed, complete or not there, and never a damaged one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import commands
from eval.__main__ import main
from eval.dataset import load_dataset
from eval.index_cost import IndexCost
from eval.kept import RECORD, STORE, folder_name, keep, read_record, source_digest
from eval.run import Outcome, RunSettings, run_set
from eval.stores import StoreSettings
from eval.systems import Engine, systems
from hippomem.errors import ModelUnavailableError, StoreError
from hippomem.testing.embedder import HashEmbedder

WriteSet = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where stores are kept."""
    made = tmp_path / "stores"
    made.mkdir()
    return made


def outcome_of(dataset: Path, engine: Engine, **stores: Any) -> Outcome:
    """What hippomem makes of a set."""
    return run_set(load_dataset(dataset), RunSettings(systems("hippomem"), stores=StoreSettings(**stores)), engine)[
        "hippomem"
    ]


def test_a_reused_store_gives_the_same_figures(bridge: Path, small: Engine, folder: Path) -> None:
    """The second and the third run rank as the first, index nothing, and report the first one's index figures."""
    first = outcome_of(bridge, small, folder=folder)
    embedder = HashEmbedder()
    later = replace(small, embedder=lambda _: embedder)
    for _ in range(2):
        again = outcome_of(bridge, later, folder=folder)
        assert [answer.ranked for answer in again.answers] == [answer.ranked for answer in first.answers]
        assert again.cost == replace(first.cost, reused=1)
        note = "1 of 1 stores were kept from an earlier run: index figures are of their building then"
        assert (first.notes, again.notes) == ([], [note])
    query = load_dataset(bridge).questions[0].text
    assert set(embedder.calls) == {(query,), (" ".join(reversed(query.split())),)}
    assert [answer.ranked for answer in outcome_of(bridge, small).answers] == [a.ranked for a in first.answers]


def test_what_a_store_depends_on_builds_another(bridge: Path, small: Engine, folder: Path) -> None:
    """Other titles, another encoder and another corpus are indexed anew; going back finds the first store again."""
    outcome_of(bridge, small, folder=folder)
    assert outcome_of(bridge, small, folder=folder, untitled=True).cost.reused == 0
    assert outcome_of(bridge, small, folder=folder, embedder="other").cost.reused == 0
    corpus = (bridge / "corpus.jsonl").read_text(encoding="utf-8")
    (bridge / "corpus.jsonl").write_text(corpus.replace("Gull Rock", "Crow Hill"), encoding="utf-8")
    changed = outcome_of(bridge, small, folder=folder)
    assert changed.cost.reused == 0
    assert len(list(folder.iterdir())) == 4
    (bridge / "corpus.jsonl").write_text(corpus, encoding="utf-8")
    assert outcome_of(bridge, small, folder=folder).cost.reused == 1


def test_a_pooled_set_keeps_a_store_each(write_set: WriteSet, tmp_path: Path, small: Engine, folder: Path) -> None:
    """Stores are named by set and corpus, and used for their own corpus; the note counts them."""
    for name, gold in (("pool/a", "x"), ("pool/b", "y")):
        write_set(name, {gold: "here", "z": "there"}, {"q": "here"}, [("q", gold, 1)])
    for reused in (0, 2):
        outcome = outcome_of(tmp_path / "pool", small, folder=folder)
        assert [answer.ranked[0] for answer in outcome.answers] == ["x", "y"]
        assert outcome.cost.reused == reused
    assert sorted(path.name.rpartition("-")[0] for path in folder.iterdir()) == ["pool-a", "pool-b"]
    assert outcome.notes[0].startswith("2 of 2 stores were kept")


def flip_a_byte(home: Path) -> None:
    """In the middle of the store."""
    data = bytearray((home / STORE).read_bytes())
    data[len(data) // 2] ^= 1
    (home / STORE).write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_byte, "'{}/store.hippo' is not the file that was written"),
        (lambda home: (home / STORE).write_text("something else"), "'{}/store.hippo' is not the file that was written"),
        (lambda home: (home / STORE).unlink(), "'{}/store.hippo': No such file or directory"),
        (lambda home: (home / RECORD).unlink(), "'{}/store.json': No such file or directory"),
        (lambda home: (home / RECORD).write_text("[1]"), "'{}/store.json' is no record of a kept store"),
        (lambda home: (home / RECORD).write_text('{"cost": {"x": 1}}'), "'{}/store.json' is no record of a kept store"),
        (lambda home: (home / RECORD).write_text("{"), "'{}/store.json' is no record of a kept store"),
    ],
)
def test_a_damaged_store_is_an_error_that_says_what_to_delete(
    bridge: Path, small: Engine, folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    """It names the file that is wrong and the folder to delete, and deleting that is enough."""
    outcome_of(bridge, small, folder=folder)
    (home,) = folder.iterdir()
    damage(home)
    with pytest.raises(StoreError) as caught:
        outcome_of(bridge, small, folder=folder)
    assert f"the kept store '{home}' cannot be used; delete that folder" in str(caught.value)
    assert message.format(home) in str(caught.value)
    for file in home.iterdir():
        file.unlink()
    home.rmdir()
    assert outcome_of(bridge, small, folder=folder).cost.reused == 0


def test_a_failed_building_leaves_nothing(bridge: Path, small: Engine, folder: Path) -> None:
    """An encoder that fails halfway through leaves no folder, by its own name or a temporary one."""

    class Failing(HashEmbedder):
        def embed_with_signs(self, *_: Any, **__: Any) -> Any:
            assert list(folder.iterdir())  # it was begun here
            raise ModelUnavailableError("gone")

    with pytest.raises(ModelUnavailableError):
        outcome_of(bridge, replace(small, embedder=lambda _: Failing()), folder=folder)
    assert list(folder.iterdir()) == []


def test_of_two_runs_that_build_the_same_store_the_first_stays(tmp_path: Path) -> None:
    """Keeping a store where one has come to be meanwhile changes nothing there."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / STORE).write_text(name, encoding="utf-8")
        keep(tmp_path / name, tmp_path / "home", IndexCost(stores=1, passages=len(name)))
    assert (tmp_path / "home" / STORE).read_text(encoding="utf-8") == "one"
    assert read_record(tmp_path / "home") == IndexCost(stores=1, passages=3, reused=1)


def test_the_digest_covers_the_code_that_writes(tmp_path: Path) -> None:
    """A changed, new or renamed source changes it; caches and what is left out do not."""
    for name in ("a.py", "inner/b.sql", "retrieve/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    seen = [source_digest(tmp_path, leave_out={"retrieve"})]
    (tmp_path / "retrieve/c.py").write_text("changed", encoding="utf-8")
    (tmp_path / "inner/__pycache__").mkdir()
    (tmp_path / "inner/__pycache__/b.pyc").write_text("x", encoding="utf-8")
    assert source_digest(tmp_path, leave_out={"retrieve"}) == seen[0]
    (tmp_path / "inner/b.sql").write_text("changed", encoding="utf-8")
    seen.append(source_digest(tmp_path, leave_out={"retrieve"}))
    (tmp_path / "a.py").rename(tmp_path / "d.py")
    seen.append(source_digest(tmp_path, leave_out={"retrieve"}))
    assert len(set(seen)) == 3


def test_a_name_is_the_same_in_every_process() -> None:
    """It depends on what was given, not on the order, and begins with what a reader looks for."""
    one = folder_name(["toy"], {"a": 1, "b": [2]})
    assert one == folder_name(["toy"], {"b": [2], "a": 1}) != folder_name(["toy"], {"a": 1, "b": [3]})
    assert one.startswith("toy-")


def test_the_command_keeps_stores_and_says_so(
    bridge: Path,
    small: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``--stores`` makes its folder; the second run gives the same figures, with a note and without a place's name."""
    monkeypatch.setattr(commands, "hippomem_engine", lambda: small)
    out, stores = tmp_path / "out.json", tmp_path / "kept"
    found = []
    for _ in range(2):
        words = ["run", bridge, "--retriever", "bm25", "--retriever", "hippomem", "--stores", stores, "--json", out]
        assert main([*map(str, words)]) == 0
        found.append(json.loads(out.read_text(encoding="utf-8")))
    first, second = (report["results"]["bridge"]["hippomem"] for report in found)
    for same in ("recall", "all_recall", "mrr", "index_seconds", "index_bytes"):
        assert first[same] == second[same]
    assert "stores were kept from an earlier run" in second["note"]
    assert "stores were kept from an earlier run" in capsys.readouterr().out
    assert str(tmp_path) not in out.read_text(encoding="utf-8")
    assert found[1]["provenance"]["arguments"][-6:].count("--stores") == 1


def test_a_file_in_the_place_of_the_folder_is_an_error(
    bridge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told before anything is indexed."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["run", str(bridge), "--retriever", "bm25", "--stores", str(tmp_path / "file")]) == 2
    assert "is a file; name a folder" in capsys.readouterr().err
