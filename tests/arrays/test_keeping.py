"""What keeps a picture up to date: it opens files where it can, follows what changed, and makes anew what it must."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.arrays import build as building
from hippomem.arrays import keeping
from hippomem.arrays.files import read
from hippomem.arrays.picture import Picture
from hippomem.memory import Memory
from hippomem.store import Store, changes
from hippomem.testing import HashEmbedder
from hippomem.types import Document
from tests.arrays.describe import describe
from tests.arrays.made import fact, filled, open_memory
from tests.arrays.test_update import made_anew


class Counter:
    """Counts how often arrays are made from the store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.builds = 0
        real = keeping.build

        def counted(*given: object) -> object:
            self.builds += 1
            return real(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(keeping, "build", counted)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Files are kept for the smallest namespace; how often one is read whole."""
    monkeypatch.setattr(keeping, "FILES_FROM", 1)
    return Counter(monkeypatch)


def picture(of: Memory) -> Picture:
    """The one that a search reads."""
    return of._searching.picture


def is_right(of: Memory) -> bool:
    """Whether the picture is that of the store."""
    return describe(picture(of)) == describe(made_anew(of))


def generations(path: Path) -> list[str]:
    """Names of all in the folder beside the store."""
    return sorted(folder.name for folder in Path(f"{path}-arrays").iterdir())


def merged(of: Memory) -> None:
    """Wait for the thread that writes."""
    thread = of._searching._open._keeper._merging
    assert thread is not None, "nothing is being written"
    thread.join()


def test_a_small_namespace_has_no_files(tmp_path: Path) -> None:
    """Below a thousand passages the store is one file."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        memory.search("Who met Ada Byron?")
    assert not Path(f"{path}-arrays").exists()


def test_opening_reads_files_instead_of_the_store(tmp_path: Path, counter: Counter) -> None:
    """Made once; every later opening maps what is there."""
    path = filled(tmp_path / "a.hippo")
    found = []
    for _ in range(3):
        with open_memory(path) as memory:
            found.append([(hit.passage_id, hit.score) for hit in memory.search("Who met Ada Byron?")])
            assert is_right(memory)
    assert counter.builds == 1
    assert found[0] == found[1] == found[2]
    assert len(generations(path)) == 1


def test_one_addition_is_followed(tmp_path: Path, counter: Counter) -> None:
    """The picture stays the same object, and so does the retriever over it; also in the next process."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        before, retriever = picture(memory), memory.retriever("hippomem")
        added = memory.add("Zora Quist keeps bees in Lower Marsh.")
        assert memory.search("Who keeps bees?", k=1)[0].memory_id == added
        assert memory.retriever("hippomem") is retriever
        assert picture(memory) is before
        assert is_right(memory)
    with open_memory(path) as memory:
        assert memory.search("Who keeps bees?", k=1)[0].memory_id == added
        assert is_right(memory)
    assert counter.builds == 1


def test_forgetting_removes_files_and_is_followed(tmp_path: Path, counter: Counter) -> None:
    """Vectors of what was forgotten leave the disk with it; who has the files open goes on with what is mapped."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        added = memory.add("Zora Quist keeps bees in Lower Marsh.")
        before = picture(memory)
        memory.forget(added)
        assert not Path(f"{path}-arrays").exists()
        assert added not in [hit.memory_id for hit in memory.search("Who keeps bees?", k=50)]
        assert picture(memory) is before
        assert is_right(memory)
    with open_memory(path) as memory:
        assert is_right(memory)
    assert counter.builds == 2


def test_an_empty_namespace_and_one_that_is_not_there(tmp_path: Path, counter: Counter) -> None:
    """Nothing to find, before and after the first memory came and went."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path, namespace="other") as memory:
        assert len(memory.search("Ada Byron")) == 0
        added = memory.add("Ada Byron was here.")
        assert len(memory.search("Ada Byron")) == 1
        memory.forget(added)
        assert len(memory.search("Ada Byron")) == 0


def test_namespaces_have_files_of_their_own(tmp_path: Path, counter: Counter) -> None:
    """In one folder, by number; a change in one is no reason to read the other again."""
    path = filled(filled(tmp_path / "a.hippo"), facts=20, namespace="other")
    with open_memory(path) as one, open_memory(path, namespace="other") as other:
        assert is_right(one)
        assert is_right(other)
        assert [name.partition(".")[0] for name in generations(path)] == ["1", "2"]
        one.add("Zora Quist keeps bees in Lower Marsh.")
        assert is_right(one)
        assert is_right(other)
        assert len(other.search("Who keeps bees in Lower Marsh?", k=50)) == 20
    assert counter.builds == 2


def test_files_far_behind_are_merged_in_the_background(
    tmp_path: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After MERGE_AT changed rows a thread writes the newest generation; the picture in hand stays."""
    monkeypatch.setattr(keeping, "MERGE_AT", 1)
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        before = picture(memory)
        (first,) = generations(path)
        memory.add("Zora Quist keeps bees in Lower Marsh.")
        assert picture(memory) is before
        merged(memory)
        (second,) = generations(path)
        assert second != first
        assert picture(memory) is before
        assert is_right(memory)
        newest = before.sequence
    assert int(second.partition(".")[2]) == newest
    assert describe(Picture(read(Path(f"{path}-arrays") / second)[0])) == describe(before)
    assert counter.builds == 1


def test_room_that_runs_out_in_the_middle(tmp_path: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that finds no room is no error: the picture is made anew, and is right."""
    for what in ("passages", "facts", "entities", "terms", "pool", "edges", "postings", "titles"):
        with monkeypatch.context() as patch:
            patch.setitem(building._ROOM, what, 1)
            path = filled(tmp_path / f"{what}.hippo", facts=10)
            with open_memory(path) as memory:
                before, made = picture(memory), counter.builds
                memory.add_many(
                    Document(f"Zora{n} Quist{n} keeps bees{n}.", title=f"Zora{n} Quist{n}", session="s", position=n)
                    for n in range(3)
                )
                assert picture(memory) is not before, what
                assert counter.builds > made
                assert is_right(memory), what


def test_an_array_that_is_nearly_full_is_made_larger_in_time(
    tmp_path: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the room used: a thread makes larger files, and searches that follow a change take them."""
    monkeypatch.setitem(building._ROOM, "passages", 8)
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        before, room = picture(memory), len(picture(memory).arrays.passage_key)
        for number in range(7):
            memory.add(f"Zora Quist{number} keeps bees.")
        assert picture(memory) is before
        merged(memory)
        for number in (7, 8):  # a search behind a change sees that the thread is done, the next one takes the files
            memory.add(f"Zora Quist{number} keeps bees.")
            picture(memory)
        assert picture(memory) is not before
        assert len(picture(memory).arrays.passage_key) > room
        assert is_right(memory)
    assert counter.builds == 2


def cut(folder: Path) -> None:
    """One file shorter by a byte."""
    path = folder / "edge_target.npy"
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a file cut off": cut,
    "a file missing": lambda folder: (folder / "home.npy").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "another format": lambda folder: (folder / "manifest.json").write_text('{"format": 9, "byteorder": "little"}'),
    "another name": lambda folder: folder.rename(folder.with_name("1.999999")),
    "no files": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_unusable_files_are_made_anew(tmp_path: Path, counter: Counter, damage: str) -> None:
    """Whatever happened to them, the answer is the same, and the next opening has files again."""
    path = filled(tmp_path / "a.hippo")
    answers = []
    for _ in range(3):
        with open_memory(path) as memory:
            answers.append([(hit.passage_id, hit.score) for hit in memory.search("Who met Ada Byron?")])
        if len(answers) == 1:
            (name,) = generations(path)
            DAMAGES[damage](Path(f"{path}-arrays") / name)
    assert answers[0] == answers[1] == answers[2]
    assert len(generations(path)) == 1
    assert counter.builds == (1 if damage == "another name" else 2)


def test_files_of_another_store_are_not_taken(tmp_path: Path, counter: Counter) -> None:
    """Put beside it by a careless copy, at the same number of changes."""
    one, other = filled(tmp_path / "a.hippo"), tmp_path / "b.hippo"
    with open_memory(other) as memory:
        memory.add_many(fact(number) for number in range(100, 130))
    for path in (one, other):
        with open_memory(path) as memory:
            assert is_right(memory)
    shutil.rmtree(f"{one}-arrays")
    shutil.copytree(f"{other}-arrays", f"{one}-arrays")
    with open_memory(one) as memory:
        assert is_right(memory)
    assert counter.builds == 3


def test_a_restored_backup_does_not_take_the_files_of_what_came_after(tmp_path: Path, counter: Counter) -> None:
    """Same store, same numbers of changes, another history: the token of the change tells them apart."""
    path = filled(tmp_path / "a.hippo")
    with Store.open(path) as store:
        store.backup(tmp_path / "backup.hippo")
    with open_memory(path) as memory:
        memory.add("Zora Quist keeps bees in Lower Marsh.")
        assert is_right(memory)
    (name,) = generations(path)
    shutil.copyfile(tmp_path / "backup.hippo", path)
    with open_memory(path) as memory:
        memory.add("Yuri Quist keeps cats in Upper Marsh.")
        while picture(memory).sequence < int(name.partition(".")[2]):
            memory.add(f"Yuri Quist keeps {picture(memory).sequence} cats.")
        assert is_right(memory)
    with open_memory(path) as memory:
        assert is_right(memory)
        assert all("Zora" not in hit.text for hit in memory.search("Who keeps bees?", k=100))


def test_files_deleted_under_an_open_memory(tmp_path: Path, counter: Counter) -> None:
    """What is mapped stays mapped: searches and changes go on, and a merge writes files again."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        before = picture(memory)
        shutil.rmtree(f"{path}-arrays")
        memory.add("Zora Quist keeps bees in Lower Marsh.")
        assert "Zora" in memory.search("Who keeps bees?", k=1)[0].text
        assert picture(memory) is before
        assert is_right(memory)
    with open_memory(path) as memory:
        assert is_right(memory)
    assert len(generations(path)) == 1


def test_files_that_are_replaced_while_they_are_opened(
    tmp_path: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process merges between the look into the folder and the opening: what it wrote is taken."""
    path = filled(tmp_path / "a.hippo")
    with open_memory(path) as memory:
        picture(memory)
        (old,) = generations(path)
        memory.add_many(fact(number) for number in range(100, 110))
    with Store.open(path) as store, store.reading():
        sequence = changes.newest_sequence(store.db)
    real = keeping.files.read

    def late(folder: Path) -> object:
        if folder.name == old:
            shutil.copytree(folder, folder.with_name(f"1.{sequence}"))
            shutil.rmtree(folder)
        return real(folder)

    # A copy under the newer name stands for what the other wrote.
    with monkeypatch.context() as patch, open_memory(path) as memory:
        patch.setattr(keeping.files, "read", late)
        assert is_right(memory)
    assert counter.builds == 1


def test_where_no_folder_can_be_made(tmp_path: Path, counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    """A file in its place: the arrays are made for this process alone, and the log says so."""
    path = filled(tmp_path / "a.hippo")
    Path(f"{path}-arrays").write_text("in the way")
    with open_memory(path) as memory:
        assert "Ada Byron" in memory.search("Who met Ada Byron?", k=1)[0].text
        memory.add("Zora Quist keeps bees in Lower Marsh.")
        assert is_right(memory)
        kept = Path(memory._searching._open._keeper._temporary.name)  # type: ignore[union-attr]
        assert any(kept.iterdir())
    assert not kept.exists()
    assert "made for this process alone" in caplog.text
    assert Path(f"{path}-arrays").read_text() == "in the way"


def test_a_merge_that_cannot_write_is_tried_again(
    tmp_path: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its failure is logged, searches go on, and the next change writes."""
    monkeypatch.setattr(keeping, "MERGE_AT", 1)
    path = filled(tmp_path / "a.hippo")
    folder, aside = Path(f"{path}-arrays"), tmp_path / "aside"
    with open_memory(path) as memory:
        before = picture(memory)
        folder.rename(aside)
        folder.write_text("in the way")
        memory.add("Zora Quist keeps bees in Lower Marsh.")
        assert picture(memory) is before
        merged(memory)
        assert "no new files could be written" in caplog.text
        folder.unlink()
        aside.rename(folder)
        memory.add("Zora Quist keeps cats as well.")
        picture(memory)
        picture(memory)
        merged(memory)
        assert is_right(memory)
        assert generations(path) == [f"1.{picture(memory).sequence}"]


class Mirrored(HashEmbedder):
    """Another model of the same dimension: every vector is turned round."""

    def _vector(self, text: str) -> NDArray[np.float64]:
        return -super()._vector(text)


@pytest.mark.parametrize("large", [False, True])
def test_another_model_gives_another_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    """After reembed, vectors are those of the new model: in the process that did it and in the next."""
    monkeypatch.setattr(keeping, "FILES_FROM", 1 if large else 1000)
    path = filled(tmp_path / "a.hippo", facts=5)
    with open_memory(path) as memory:
        before = picture(memory).arrays.passage_vector[:5].copy()
        memory.reembed(Mirrored(dimension=32, name="mirrored"))
        assert (picture(memory).arrays.passage_vector[:5] == -before).all()
        assert is_right(memory)
    with Memory(path, embedder=Mirrored(dimension=32, name="mirrored")) as memory:
        assert (picture(memory).arrays.passage_vector[:5] == -before).all()
        memory.reembed(HashEmbedder(dimension=48))
        assert picture(memory).arrays.passage_vector.shape[1] == 48
        assert "Ada Byron" in memory.search("Who met Ada Byron?", k=1)[0].text


def test_searches_and_changes_from_several_threads(tmp_path: Path, counter: Counter) -> None:
    """One is let in at a time; afterwards the picture is right."""
    path = filled(tmp_path / "a.hippo")
    errors: list[BaseException] = []
    with open_memory(path) as memory:

        def work(number: int) -> None:
            try:
                for turn in range(5):
                    added = memory.add(f"Zora{number} Quist{number} keeps {turn} bees.")
                    assert memory.search(f"How many bees has Zora{number} Quist{number}?", k=5)
                    if turn % 2:
                        memory.forget(added)
            except BaseException as error:  # handed to the main thread
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert is_right(memory)
