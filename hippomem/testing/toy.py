"""A toy memory of ten passages, small enough to work its ranking out by hand.

The question names the Ombra Clock. Its passage says that Tessaly Vorn made it, and the passage about Tessaly Vorn, which
shares no word with the question, holds the answer. The others share words with the question and have nothing to do with it.
"""

from __future__ import annotations

from hippomem.memory import Memory
from hippomem.testing.embedder import HashEmbedder
from hippomem.types import Document

#: The question, and the source ids of the passages that answer it: first hop, second hop.
TOY_QUESTION = "Where was the maker of the Ombra Clock born?"
TOY_FIRST_HOP, TOY_SECOND_HOP = "clock", "maker"

TOY_DOCUMENTS: tuple[Document, ...] = tuple(
    Document(text, title=title, source_id=source_id)
    for source_id, title, text in (
        ("clock", "Ombra Clock", "The Ombra Clock in Harrowmere was built by Tessaly Vorn. It strikes thirteen."),
        ("maker", "Tessaly Vorn", "Tessaly Vorn grew up on Quillmoth Island, a salt trading port. She kept bees."),
        ("birth", "Halden Brisk", "Halden Brisk was born where the tram ends. He was the maker of kites."),
        ("watch", "Pocket watch", "The maker of a watch was the son of a clock maker."),
        ("market", "Clock Market", "At the Clock Market the stalls sell the wheels of every clock."),
        ("shade", "Umbrel", "Umbrel was the first dye of the valley where the weavers live."),
        ("tower", "Sorrel Tower", "The Sorrel Tower was the work of the mason Ilse Garrow."),
        ("mason", "Ilse Garrow", "Ilse Garrow was born in the hills of Venn."),
        ("river", "River Aske", "The River Aske runs where the mills of Venn were."),
        ("calendar", "Lantern calendar", "The day of the lantern was the day when the year was born."),
    )
)


def toy_memory() -> Memory:
    """The ten passages in a memory that lives in memory, embedded by word hashing. Close it when done."""
    memory = Memory(embedder=HashEmbedder(dimension=256))
    memory.add_many(TOY_DOCUMENTS)
    return memory
