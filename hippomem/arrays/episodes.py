"""Sessions and documents of a picture: which passages stand next to each other, and what they lend each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays import kinds
from hippomem.arrays import picture as at
from hippomem.arrays.spread import Surroundings, session_pairs
from hippomem.graph.rows import NoRoomError

if TYPE_CHECKING:
    from hippomem.arrays.update import StoredPassage, Updating

Ints = NDArray[np.int64]
#: A session's name, or the row of a memory that is in none.
Group = tuple[str, str] | tuple[str, int]


class Episodes:
    """Keeps the sessions and documents up to date that a change touches; costs their length."""

    def __init__(self, updating: Updating) -> None:
        self.updating, self.picture, self.a = updating, updating.picture, updating.picture.arrays

    def around(self, passages: Iterable[int]) -> set[int]:
        """Places of passages, of all that stand in one context with them, and of those up to two steps from them."""
        picture, region = self.picture, set(passages)
        near = np.array(sorted(region), dtype=np.int64) + picture.passages_from
        for context in sorted({int(self.a.context[place]) for place in region} - {-1}):
            region.update(self._members(context))
        for _ in range(2):
            near, _ = picture.gather(near, kinds.NEXT, kinds.PREVIOUS)
            region.update((near - picture.passages_from).tolist())
        return region

    def update(self, region: set[int], gone: set[int], stored: Mapping[int, StoredPassage]) -> None:
        """Set neighbours, contexts and lengths. region: `around` before the change.    stored: what came or changed."""
        self._contexts(gone, stored)
        # A passage may stand in more sessions than the one that is its context: all of their turns may have new neighbours.
        turns, pieces = self._sequences(set(stored))
        beside = set(self.picture.passage_places(row[-1] for row in (*turns, *pieces)).values())
        region = (region | self.around(stored) | beside) - gone
        turns, pieces = self._sequences(region)
        self._neighbours(region, gone, turns, pieces)
        self._lengths((region | self.around(region)) - gone, gone)

    # -- contexts -----------------------------------------------------------------------------------------------------

    def _members(self, context: int) -> list[int]:
        members, place = [], int(self.a.context_first[context])
        while place >= 0:
            members.append(place)
            place = int(self.a.next_member[place])
        return members

    def _contexts(self, gone: set[int], stored: Mapping[int, StoredPassage]) -> None:
        a = self.a
        for place in sorted(gone | set(stored)):
            if a.context[place] >= 0:
                self._leave(place)
        found: dict[Group, int] = {}
        for place, row in sorted(stored.items()):
            group: Group = ("session", row.session) if row.session is not None else ("memory", row.memory_key)
            if group not in found:
                found[group] = self._context_of(group)
            self._join(place, found[group])

    def _leave(self, place: int) -> None:
        a, context = self.a, int(self.a.context[place])
        others = [member for member in self._members(context) if member != place]
        self._chain(context, others)
        a.context_length[context] -= a.length[place]
        a.context[place] = a.next_member[place] = -1

    def _join(self, place: int, context: int) -> None:
        a = self.a
        a.next_member[place] = a.context_first[context]
        a.context_first[context] = place
        a.context_size[context] += 1
        a.context_length[context] += a.length[place]
        a.context[place] = context

    def _chain(self, context: int, members: list[int]) -> None:
        a = self.a
        a.context_first[context] = members[0] if members else -1
        a.context_size[context] = len(members)
        for place, following in zip_longest(members, members[1:], fillvalue=-1):
            a.next_member[place] = following

    def _context_of(self, group: Group) -> int:
        """The context that other passages of the group have; a new one when there is none."""
        if group[0] == "session":
            rows = self.updating.db.execute(
                "SELECT passage_key FROM passages p JOIN sources s USING (memory_key) WHERE s.session_id = ?"
                " AND NOT EXISTS (SELECT 1 FROM sources o"
                " WHERE o.memory_key = s.memory_key AND o.session_id < s.session_id)",
                (group[1],),
            )
        else:
            rows = self.updating.db.execute("SELECT passage_key FROM passages WHERE memory_key = ?", (group[1],))
        for place in self.picture.passage_places(row[0] for row in rows).values():
            if self.a.context[place] >= 0:
                return int(self.a.context[place])
        context = int(self.a.counts[at.CONTEXTS])
        if context >= len(self.a.context_first):
            raise NoRoomError
        self.a.counts[at.CONTEXTS] = context + 1
        self.a.context_first[context], self.a.context_size[context], self.a.context_length[context] = -1, 0, 0
        return context

    # -- neighbours ---------------------------------------------------------------------------------------------------

    def _sequences(self, region: set[int]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Of the sessions and memories that these passages are in: (session, position, ordinal, row of the passage) of every
        turn, (row of the memory, ordinal, row of the passage) of every piece; stored ones of the region among them.
        """
        select, a = self.updating.select, self.a
        keys = [int(a.passage_key[place]) for place in sorted(region)]
        memories = {row[0] for row in select("SELECT memory_key FROM passages WHERE passage_key IN ?", keys)}
        sessions = {
            row[0]
            for row in select(
                "SELECT session_id FROM sources WHERE memory_key IN ? AND session_id IS NOT NULL AND position IS NOT NULL",
                memories,
            )
        }
        turns = select(
            "SELECT session_id, position, ordinal, passage_key FROM sources JOIN passages USING (memory_key)"
            " WHERE session_id IN ? AND position IS NOT NULL",
            sessions,
        )
        pieces = select("SELECT memory_key, ordinal, passage_key FROM passages WHERE memory_key IN ?", memories)
        return turns, pieces

    def _neighbours(
        self,
        region: set[int],
        gone: set[int],
        turns: list[tuple[Any, ...]],
        pieces: list[tuple[Any, ...]],
    ) -> None:
        picture, order = self.picture, self.a.passage_order
        places = picture.passage_places([row[-1] for row in (*turns, *pieces)])
        wanted = session_pairs(
            (session, position, ordinal, int(order[places[key]]), places[key])
            for session, position, ordinal, key in turns
            if key in places
        )
        wanted |= session_pairs(
            (str(memory), 0, ordinal, 0, places[key]) for memory, ordinal, key in pieces if key in places
        )
        inside = region | gone
        wanted = {(a, b) for a, b in wanted if a in inside or b in inside}
        present = set()
        for place in sorted(inside):
            node = np.array([place + picture.passages_from], dtype=np.int64)
            present |= {(place, int(b) - picture.passages_from) for b in picture.gather(node, kinds.NEXT)[0]}
            present |= {(int(b) - picture.passages_from, place) for b in picture.gather(node, kinds.PREVIOUS)[0]}
        for a, b in sorted(present - wanted):
            picture.edges.remove(a + picture.passages_from, b + picture.passages_from, kinds.NEXT)
            picture.edges.remove(b + picture.passages_from, a + picture.passages_from, kinds.PREVIOUS)
        for a, b in sorted(wanted - present):
            picture.edges.add(a + picture.passages_from, b + picture.passages_from, kinds.NEXT)
            picture.edges.add(b + picture.passages_from, a + picture.passages_from, kinds.PREVIOUS)

    # -- lengths ------------------------------------------------------------------------------------------------------

    def _lengths(self, region: set[int], gone: set[int]) -> None:
        a = self.a
        for place in gone:
            a.counts[at.SPREAD] -= a.spread_length[place]
            a.spread_length[place] = a.length[place] = a.in_episode[place] = 0
        places = np.array(sorted(region), dtype=np.int64)
        around = Surroundings(
            self.picture.edges, self.picture.passages_from, a.length, a.context, a.context_size, a.context_length
        )
        lengths = around.spread_lengths(places)
        a.counts[at.SPREAD] += int(lengths.sum()) - int(a.spread_length[places].sum())
        a.spread_length[places] = lengths
        a.in_episode[places] = around.in_episode(places)
