"""Whether a store and the files beside it are as they were written."""

from __future__ import annotations

import shutil

from hippomem.arrays import files
from hippomem.arrays.files import Generations, Unusable
from hippomem.arrays.keeping import origin_of
from hippomem.store import Store
from hippomem.store.checking import damage
from hippomem.types import CheckReport


def check(store: Store) -> CheckReport:
    """Read all of a store and the files beside it. Files that cannot be used are removed; the next search makes them anew.

    Raises StoreBusyError.
    """
    found = damage(store)
    sound, removed, left = 0, [], []
    folder = store.arrays_folder
    # In a damaged store nothing says which files are its own.
    for path in [] if found or folder is None or not folder.is_dir() else sorted(folder.iterdir()):
        key, _, sequence = path.name.partition(".")
        if not (key.isdecimal() and sequence.isdecimal()):
            continue
        generations = Generations(folder, int(key))
        wrong = _unusable(store, generations, path.name)
        if not wrong:
            sound += 1
            continue
        shutil.rmtree(path, ignore_errors=True)
        (left if path.exists() else removed).append(f"{path}: {'; '.join(wrong)}")
    return CheckReport(store.path, store.schema_version, tuple(found), sound, tuple(removed), tuple(left))


def _unusable(store: Store, generations: Generations, name: str) -> list[str]:
    """Why a generation cannot be used; nothing when it can."""
    path = generations.folder / name
    wrong = list(files.damaged(path))
    if wrong:
        return wrong
    try:
        _, origin = files.read(path)
    except Unusable as error:
        return [str(error)]
    with store.reading():
        if origin != origin_of(store, generations.namespace_key, origin.sequence):
            return ["it was not made from this store as it is now"]
    return []
