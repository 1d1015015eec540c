"""Stores that outlive their run: a folder each, ``store.hippo`` with ``store.json``, which says what building it took.

A folder is made under a temporary name and moved to its own when everything in it is written, so that what is there is
complete. Its name holds a digest of all that the store depends on: when any of it changes, another store is built, and
the old one stays until somebody deletes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import hippomem
import indexing
from eval.index_cost import IndexCost
from eval.report.files import write_json
from hippomem.errors import StoreError

STORE, RECORD = "store.hippo", "store.json"
#: Parts of hippomem that only read a store: changing these leaves kept stores as good as they were.
READING = frozenset({"retrieve", "answer", "cli", "testing", "demo.py", "ARCHITECTURE.md"})


def folder_name(names: Iterable[str], depends_on: Mapping[str, object]) -> str:
    """``set-corpus-digest``. depends_on: plain JSON types.

    The digest covers hippomem's version, its schema and the code that writes a store besides: a checkout changes without
    changing its version.
    """
    text = json.dumps([depends_on, writing_code()], sort_keys=True)
    return "-".join([*names, hashlib.sha256(text.encode()).hexdigest()[:16]])


@cache
def writing_code() -> str:
    """Digest of the sources that turn passages into a store, version and migrations among them."""
    package, pipeline = (Path(str(module.__file__)).parent for module in (hippomem, indexing))
    return source_digest(package, leave_out=READING) + source_digest(pipeline)


def source_digest(folder: Path, *, leave_out: Collection[str] = ()) -> str:
    """SHA-256 over names and bytes of all files below *folder*, in name order; caches are none of them.

    leave_out: files and folders directly in *folder*.
    """
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        inner = file.relative_to(folder)
        if inner.parts[0] not in leave_out and "__pycache__" not in inner.parts:
            digest.update(f"{inner.as_posix()}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def keep(folder: Path, home: Path, cost: IndexCost) -> None:
    """Record the *cost* beside the closed store in *folder*, and move both to *home*. Raises StoreError.

    When another run has put the same store there meanwhile, that one stays.
    """
    try:
        write_json(folder / RECORD, {"store_sha256": _sha256(folder / STORE), "cost": asdict(cost)})
        folder.rename(home)
    except OSError as error:
        if not home.is_dir():
            raise StoreError(f"'{home}' cannot be written: {error.strerror or error}; give another --stores") from error


def read_record(home: Path) -> IndexCost:
    """What building the store in *home* took, marked as reused. Raises StoreError unless both files are as written."""
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        cost = replace(IndexCost(**record["cost"]), reused=1)
        same = record["store_sha256"] == _sha256(home / STORE)
    except OSError as error:
        raise StoreError(f"{_unusable(home)}: '{error.filename}': {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{_unusable(home)}: '{home / RECORD}' is no record of a kept store") from error
    if not same:
        raise StoreError(f"{_unusable(home)}: '{home / STORE}' is not the file that was written")
    return cost


def _unusable(home: Path) -> str:
    return f"the kept store '{home}' cannot be used; delete that folder, and the store is built anew"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
