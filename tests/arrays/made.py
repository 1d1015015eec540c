"""A store that is worth files, and what is in them."""

from __future__ import annotations

from pathlib import Path

from hippomem.arrays.files import Generations, Origin, Writer
from hippomem.arrays.keeping import PictureKeeper
from hippomem.memory import Memory
from hippomem.store import Store
from hippomem.testing import HashEmbedder

NAMES = ["Ada Byron", "Tessaly Vorn", "Quillmoth Island", "New York", "São Paulo", "北京", "Owen Glass"]


def fact(number: int) -> str:
    """A sentence of two names; no two are equal."""
    return f"{NAMES[number % 7]} met {NAMES[number // 7 % 7]} on day {number} near Town{number % 11}."


def open_memory(path: Path, namespace: str = "default") -> Memory:
    """A memory with a small deterministic encoder."""
    return Memory(path, namespace=namespace, embedder=HashEmbedder(dimension=32))


def filled(path: Path, facts: int = 30, namespace: str = "default") -> Path:
    """A store of so many memories, closed."""
    with open_memory(path, namespace) as memory:
        memory.add_many(fact(number) for number in range(facts))
    return path


def write_generation(path: Path, namespace: str = "default") -> Path:
    """Files of a namespace as it is now; returns their folder."""
    with Store.open(path) as store:
        keeper = PictureKeeper(store, namespace)
        picture = keeper.current()
        with store.reading():
            keeper.write(picture)
        generations = Generations(store.arrays_folder or path, store.namespace_key(namespace) or 0)
        keeper.close()
        return generations.newest_first()[0]


def nothing(writer: Writer) -> Origin:
    """Fill a generation with too little."""
    writer.make("counts", (3,), "int64")[:] = 7
    return Origin("none", 1, 1, 0)
