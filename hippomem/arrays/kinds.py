"""Kinds of edges between the nodes of a namespace."""

from __future__ import annotations

#: fact - entity that it names; fact - entity that is only its title.
MENTION, TITLED = 1, 2
#: passage - fact that it states.
STATES = 3
#: passage - entity that one of its facts names; passage - entity of its title.
NAMES, TITLE = 4, 5
#: passage - the one after it in a session or document; passage - the one before it.
NEXT, PREVIOUS = 6, 7
#: entity - one of its synonyms, where each is on the other's list; its strength is their cosine.
SYNONYM = 8


def any_of(*kinds: int) -> int:
    """The bit sum that `GrowingRows.gather` takes."""
    return sum(1 << kind for kind in kinds)
