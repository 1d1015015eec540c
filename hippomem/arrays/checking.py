"""Whether a store and the files beside it are as they were written."""

from __future__ import annotations

import shutil
from pathlib import Path

from hippomem.arrays import files
from hippomem.arrays.files import UnusableError
from hippomem.arrays.keeping import origin_of
from hippomem.store import Store
from hippomem.store.checking import damage
from hippomem.types import CheckReport


def check(store: Store) -> CheckReport:
    """Read all of a store and the files beside it. Files that cannot be used are removed; the next search makes them anew.

    Raises StoreBusyError.
    """
    found, sound = damage(store), 0
    removed: list[str] = []
    left: list[str] = []
    folder = store.arrays_folder
    # In a damaged store nothing says which files are its own.
    if folder is not None and folder.is_dir() and not found:
        for path in sorted(folder.iterdir()):
            key, _, sequence = path.name.partition(".")
            if not (key.isdecimal() and sequence.isdecimal()):
                continue
            wrong = _unusable(store, path, int(key))
            if not wrong:
                sound += 1
                continue
            shutil.rmtree(path, ignore_errors=True)
            (left if path.exists() else removed).append(f"{path}: {'; '.join(wrong)}")
    return CheckReport(store.path, store.schema_version, tuple(found), sound, tuple(removed), tuple(left))


def _unusable(store: Store, path: Path, namespace_key: int) -> list[str]:
    """Why a generation cannot be used; nothing when it can."""
    wrong = list(files.damaged(path))
    if wrong:
        return wrong
    try:
        _, origin = files.read(path)
    except UnusableError as error:
        return [str(error)]
    with store.reading():
        if origin != origin_of(store, namespace_key, origin.sequence):
            return ["it was not made from this store as it is now"]
    return []
