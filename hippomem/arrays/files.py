"""The arrays of a namespace as files beside the store: a folder a generation, one .npy file an array, and a manifest.

A generation is written under a temporary name, synchronised, and renamed into place: it is there whole or not at all, and
never changes. It is a cache: what is missing, cut off, made from another store or on another kind of machine is passed over,
and made anew from the store. The files hold numbers only, no text.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from hippomem.arrays.picture import Arrays

_log = logging.getLogger("hippomem.arrays")
#: Of the files' layout: another number is another hippomem's.
FORMAT = 1
MANIFEST = "manifest.json"
#: What the manifest says of each array.
_TOLD = {"type", "shape", "bytes", "blocks"}
#: Bytes that one checksum covers.
BLOCK = 16 * 2**20


@dataclass(frozen=True)
class Origin:
    """What a generation was made from. token: see `hippomem.store.changes.token`."""

    store_id: str
    namespace_key: int
    sequence: int
    token: int


class UnusableError(Exception):
    """Files that cannot be used; the message says why."""


class Generations:
    """The generations of one namespace in the folder beside a store."""

    def __init__(self, folder: Path, namespace_key: int) -> None:
        self.folder, self.namespace_key = folder, namespace_key

    def newest_first(self) -> list[Path]:
        """Folders of all generations."""
        found = []
        for path in self.folder.glob(f"{self.namespace_key}.*"):
            number = path.name.partition(".")[2]
            if number.isdecimal():
                found.append((int(number), path))
        return [path for _, path in sorted(found, reverse=True)]

    def write(self, fill: Callable[[Writer], Origin]) -> Path:
        """Make a generation: *fill* makes its arrays, and says what they were made from.

        Older generations are removed; who has them open may read on. Raises OSError, and then nothing has changed.
        """
        self.folder.mkdir(exist_ok=True)
        self._sweep()
        # A thread of its own may be merging meanwhile.
        temporary = self.folder / f".{self.namespace_key}-{threading.get_ident()}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            origin = fill(Writer(temporary))
            _seal(temporary, origin)
            place = self.folder / f"{self.namespace_key}.{origin.sequence}"
            if place.exists():  # another process was faster, or what was there could not be used
                shutil.rmtree(place, ignore_errors=True)
            temporary.rename(place)
            _synchronise(self.folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        for old in self.newest_first():
            if old != place:
                shutil.rmtree(old, ignore_errors=True)
        return place

    def _sweep(self) -> None:
        """Remove what killed processes left behind."""
        for path in self.folder.glob(".*.*"):
            process = path.name.rpartition(".")[2]
            if process.isdecimal() and not _runs(int(process)):
                shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Writer:
    """Makes arrays in the files of a folder."""

    folder: Path

    def make(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array of zeros in a file; what is never written to takes no disk."""
        if 0 in shape:  # cannot be mapped
            empty: NDArray[Any] = np.zeros(shape, dtype=dtype)
            np.save(self.folder / f"{name}.npy", empty)
            return empty
        return open_memmap(self.folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)

    def copy(self, arrays: Arrays) -> None:
        """Write arrays as they are."""
        for name, array in arrays.items():
            self.make(name, array.shape, array.dtype)[...] = array


def read(folder: Path) -> tuple[Arrays, Origin]:
    """Map a generation copy-on-write; reads nothing but its manifest and headers. Raises UnusableError."""
    manifest = _manifest(folder)
    found = {}
    for name, told in manifest["arrays"].items():
        path = folder / f"{name}.npy"
        try:
            if path.stat().st_size != told["bytes"]:
                raise UnusableError(f"{path} has {path.stat().st_size} bytes, not {told['bytes']}")
            mapped = np.load(path, mmap_mode=None if 0 in told["shape"] else "c", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UnusableError(f"{path} cannot be read ({error})") from error
        if [mapped.dtype.str, list(mapped.shape)] != [told["type"], told["shape"]]:
            raise UnusableError(f"{path} holds {mapped.dtype} {mapped.shape}, not {told['type']} {told['shape']}")
        # A plain view: numpy's own memmap class makes every slice of it slow.
        found[name] = np.asarray(mapped).view(np.ndarray)
    if set(found) != {field.name for field in fields(Arrays)}:
        raise UnusableError(f"{folder} lacks arrays or has others")
    return Arrays(**found), Origin(**manifest["origin"])


def damaged(folder: Path) -> Iterator[str]:
    """Read every block of a generation, and say what is not as it was written."""
    try:
        manifest = _manifest(folder)
    except UnusableError as error:
        yield str(error)
        return
    for name, told in manifest["arrays"].items():
        path = folder / f"{name}.npy"
        try:
            sums = list(_checksums(path))
        except OSError as error:
            yield f"{path} cannot be read ({error})"
            continue
        wrong = sum(a != b for a, b in zip(sums, told["blocks"], strict=False)) + abs(len(sums) - len(told["blocks"]))
        if wrong:
            yield f"{path}: {wrong} of {len(told['blocks'])} blocks are not as they were written"


def _manifest(folder: Path) -> Any:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        format_, order = manifest["format"], manifest["byteorder"]
        if (format_, order) != (FORMAT, sys.byteorder):
            raise UnusableError(
                f"{folder} has format {format_}, {order}-endian; this hippomem reads {FORMAT}, {sys.byteorder}"
            )
        Origin(**manifest["origin"])
        lacking = [name for name, told in manifest["arrays"].items() if not set(told) >= _TOLD]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableError(f"{folder / MANIFEST} cannot be read ({type(error).__name__}: {error})") from error
    if lacking:
        raise UnusableError(f"{folder / MANIFEST} does not say enough of {', '.join(lacking)}")
    return manifest


def _seal(folder: Path, origin: Origin) -> None:
    """Write the manifest, and have the disk keep everything."""
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        header = np.load(path, mmap_mode="r" if path.stat().st_size > 4096 else None, allow_pickle=False)
        arrays[path.stem] = {
            "type": header.dtype.str,
            "shape": list(header.shape),
            "bytes": path.stat().st_size,
            "blocks": list(_checksums(path)),
        }
    manifest = {"format": FORMAT, "byteorder": sys.byteorder, "origin": asdict(origin), "arrays": arrays}
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _synchronise(folder)


def _checksums(path: Path) -> Iterator[int]:
    """CRC-32 of each block of a file."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield zlib.crc32(block)


def _synchronise(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
