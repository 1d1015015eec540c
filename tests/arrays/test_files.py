"""Files beside the store: whole or not there, read as they were written, and passed over when they are anything else."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippomem.arrays import files
from hippomem.arrays.build import build
from hippomem.arrays.files import MANIFEST, Generations, Origin, UnusableError, Writer, damaged, read
from hippomem.arrays.picture import Arrays, Picture
from hippomem.store import Store, changes
from tests.arrays.describe import describe
from tests.arrays.made import filled, nothing, write_generation

ORIGIN = Origin("some store", 1, 5, 77)


def arrays_of(path: Path) -> Arrays:
    """The arrays of a store's first namespace, in memory."""
    with Store.open(path) as store, store.reading() as db:
        return build(db, 1, 32, changes.newest_sequence(db))


@pytest.fixture
def generation(tmp_path: Path) -> Path:
    """The folder of a generation of thirty memories."""
    return write_generation(filled(tmp_path / "a.hippo"))


def edit(folder: Path, change: Callable[[Any], None]) -> None:
    """Change the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def test_what_is_written_is_read(tmp_path: Path, generation: Path) -> None:
    """Every array, byte by byte, and what they were made from; reading changes no file, and neither does editing."""
    arrays, origin = read(generation)
    made = arrays_of(tmp_path / "a.hippo")
    assert {n: a.tobytes() for n, a in arrays.items()} == {n: a.tobytes() for n, a in made.items()}
    assert (origin.namespace_key, generation.name) == (1, f"1.{origin.sequence}")
    before = {file.name: file.read_bytes() for file in generation.iterdir()}
    arrays.passage_alive[:] = 0
    arrays.edge_target[:] = 3
    assert {file.name: file.read_bytes() for file in generation.iterdir()} == before
    assert describe(Picture(read(generation)[0])) == describe(Picture(made))


def test_files_hold_no_text(generation: Path) -> None:
    """Names and words are hashes."""
    content = b"".join(file.read_bytes() for file in generation.iterdir())
    for word in ("Tessaly", "tessali", "Quillmoth", "quillmoth", "北京"):
        assert word.encode() not in content


@pytest.mark.parametrize("left", [0, 100, -1])
def test_a_file_that_is_cut_off_is_seen(generation: Path, left: int) -> None:
    """A short file is not read."""
    path = generation / "edge_target.npy"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(UnusableError, match=r"edge_target\.npy has \d+ bytes"):
        read(generation)
    assert any("edge_target" in line for line in damaged(generation))


def test_a_missing_file_is_seen(generation: Path) -> None:
    """One array less is none at all."""
    (generation / "home.npy").unlink()
    with pytest.raises(UnusableError, match=r"home\.npy cannot be read"):
        read(generation)
    assert any("home.npy cannot be read" in line for line in damaged(generation))


def test_an_array_that_the_manifest_does_not_know(generation: Path) -> None:
    """Arrays of another version of the layout."""
    edit(generation, lambda manifest: manifest["arrays"].pop("hub"))
    with pytest.raises(UnusableError, match="lacks arrays"):
        read(generation)


#: The right format and byte order, and then too little.
MANIFESTS = [
    json.dumps({"format": files.FORMAT, "byteorder": sys.byteorder} | rest)
    for rest in ({"arrays": {}}, {"arrays": {"hub": {}}, "origin": vars(ORIGIN)})
]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "byteorder": "little"}', MANIFESTS[0], MANIFESTS[1]]
)
def test_a_manifest_that_is_none(generation: Path, text: str) -> None:
    """Whatever stands there, it is unusable, and said to be so."""
    (generation / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(UnusableError):
        read(generation)
    assert list(damaged(generation))


def test_without_a_manifest(generation: Path) -> None:
    """A folder of arrays alone is nothing."""
    (generation / MANIFEST).unlink()
    with pytest.raises(UnusableError, match=r"manifest\.json cannot be read"):
        read(generation)


@pytest.mark.parametrize(("what", "value"), [("format", 99), ("byteorder", "middle")])
def test_another_format_or_byte_order(generation: Path, what: str, value: object) -> None:
    """Files of another hippomem or another kind of machine are named as such."""
    edit(generation, lambda manifest: manifest.update({what: value}))
    with pytest.raises(UnusableError, match=f"{value}"):
        read(generation)


def test_another_type_of_the_same_size(generation: Path) -> None:
    """The header counts as well as the size."""
    path = generation / "frequency.npy"
    np.save(path, np.load(path).view(np.uint32))
    with pytest.raises(UnusableError, match="holds uint32"):
        read(generation)


def test_a_flipped_bit_is_found(generation: Path) -> None:
    """Opening looks at headers only; reading every block finds one bit, wherever it is."""
    assert list(damaged(generation)) == []
    path = generation / "fact_vector.npy"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    read(generation)
    (line,) = damaged(generation)
    assert "fact_vector.npy: 1 of 1 blocks" in line


def test_each_block_has_its_sum(generation: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a file of many blocks only the changed ones are told."""
    monkeypatch.setattr(files, "BLOCK", 256)
    arrays = read(generation)[0]

    def fill(writer: Writer) -> Origin:
        writer.copy(arrays)
        return ORIGIN

    folder = tmp_path / "other-arrays"
    written = Generations(folder, 1).write(fill)
    path = written / "edge_target.npy"
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    content[800] ^= 1
    path.write_bytes(content)
    (line,) = damaged(written)
    assert "edge_target.npy: 2 of " in line


def test_a_new_generation_takes_the_place_of_older_ones(tmp_path: Path, generation: Path) -> None:
    """Of its own namespace; who has an older one open reads on."""
    folder, arrays = generation.parent, read(generation)[0]
    other = Generations(folder, 11)
    other.write(lambda writer: (writer.copy(arrays), Origin("s", 11, 3, 0))[1])
    before = describe(Picture(arrays))
    newer = Generations(folder, 1).write(lambda writer: (writer.copy(arrays), Origin("s", 1, 10**9, 0))[1])
    assert sorted(path.name for path in folder.iterdir()) == ["1.1000000000", "11.3"]
    assert Generations(folder, 1).newest_first() == [newer]
    assert describe(Picture(arrays)) == before


def test_newest_is_by_number(tmp_path: Path) -> None:
    """1.10 is newer than 1.9; other names are none of ours."""
    for name in ("1.9", "1.10", "11.4", "1.x", ".1.77", "2.5"):
        (tmp_path / name).mkdir()
    assert [path.name for path in Generations(tmp_path, 1).newest_first()] == ["1.10", "1.9"]


def test_a_failed_writing_leaves_what_was_there(generation: Path) -> None:
    """Neither half a generation nor a temporary folder stays, and the old one is as it was."""
    folder = generation.parent
    before = {file.name: file.read_bytes() for file in generation.iterdir()}

    def fails(writer: Writer) -> Origin:
        nothing(writer)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Generations(folder, 1).write(fails)
    assert list(folder.iterdir()) == [generation]
    assert {file.name: file.read_bytes() for file in generation.iterdir()} == before


def _write_limited(folder: Path, limit: int) -> None:
    """In a process of its own: files may not grow beyond a size, as on a disk that is full."""
    import resource  # not everywhere

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    def fill(writer: Writer) -> Origin:
        writer.make("large", (1 << 20,), "uint8")[:] = 1
        return ORIGIN

    try:
        Generations(folder, 1).write(fill)
    except OSError:
        os._exit(7)
    os._exit(0)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are POSIX")
@pytest.mark.parametrize(("limit", "status"), [(1000, 7), (1 << 19, 7), (1 << 22, 0)])
def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path, limit: int, status: int) -> None:
    """A file that cannot grow raises OSError and leaves nothing."""
    folder = tmp_path / "x-arrays"
    process = multiprocessing.get_context("fork").Process(target=_write_limited, args=(folder, limit))
    process.start()
    process.join()
    assert process.exitcode == status
    assert [path.name for path in folder.iterdir()] == ([] if status else ["1.5"])


KILLED = """
import os, signal, sys
from pathlib import Path
from hippomem.arrays.files import Generations
from tests.arrays.made import nothing

def fill(writer):
    nothing(writer)
    print(os.getpid(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

Generations(Path(sys.argv[1]), 1).write(fill)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_killed_writer_leaves_nothing_that_is_read(tmp_path: Path, generation: Path) -> None:
    """What it had begun is no generation, and the next one to write removes it."""
    folder = generation.parent
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = folder.glob(f".1-*.{done.stdout.strip()}")
    assert Generations(folder, 1).newest_first() == [generation]
    arrays = read(generation)[0]
    Generations(folder, 2).write(lambda writer: (writer.copy(arrays), ORIGIN)[1])
    assert not left.exists()


def test_two_that_write_the_same_generation(generation: Path) -> None:
    """The second replaces the first by the same content; neither fails."""
    arrays, origin = read(generation)

    def fill(writer: Writer) -> Origin:
        writer.copy(arrays)
        return origin

    assert Generations(generation.parent, 1).write(fill) == generation
    assert describe(Picture(read(generation)[0])) == describe(Picture(arrays))
    assert list(damaged(generation)) == []
