"""What a picture says, in terms of content: equal for two pictures of equal stores, whatever their places."""

from __future__ import annotations

import numpy as np

from hippomem.arrays import kinds
from hippomem.arrays.picture import Picture


def describe(picture: Picture) -> dict[str, object]:
    """Every relation of the picture, with orders and hashes in place of places."""
    a = picture.arrays
    passages = picture.passages
    facts = np.flatnonzero(a.fact_alive[: int(a.counts[1])])
    entities = np.flatnonzero(a.entity_alive[: int(a.counts[2])])
    name = {}
    for kind, places, first, order in (
        ("e", entities, 0, a.entity_hash),
        ("f", facts, picture.facts_from, a.fact_order),
        ("p", passages, picture.passages_from, a.passage_order),
    ):
        for place in places.tolist():
            name[first + place] = kind, int(order[place])
    edges = {
        (name[node], kind, name[int(other)])
        for node in name
        for kind in range(1, 9)
        for other in picture.gather(np.array([node]), kind)[0]
    }
    many = sum(len(picture.gather(np.array([node]), kind)[0]) for node in name for kind in range(1, 9))
    strengths: dict[tuple[object, int, object], int] = {}
    for node in name:
        rows = picture.edges
        entries, entry = list(range(int(rows.start[node]), int(rows.start[node + 1]))), int(rows.head[node])
        while entry >= 0:
            entries.append(entry)
            entry = int(rows.following[entry - rows.base])
        for entry in entries:
            if kind := int(rows.label[entry]):
                strengths[name[node], kind, name[int(rows.target[entry])]] = int(a.edge_strength[entry])
    assert all(value == 255 for (_, kind, _), value in strengths.items() if kind != kinds.SYNONYM)
    assert set(strengths) == edges
    terms = {int(h): at for at, h in enumerate(a.term_hash[: int(a.counts[3])].tolist())}
    postings: dict[tuple[int, int], int] = {}
    for value, term in terms.items():
        rows = picture.postings
        entries = list(range(int(rows.start[term]), int(rows.start[term + 1])))
        entry = int(rows.head[term])
        while entry >= 0:
            entries.append(entry)
            entry = int(rows.following[entry - rows.base])
        for entry in entries:
            place = int(rows.target[entry])
            if rows.label[entry] and a.passage_alive[place]:
                assert (value, int(a.passage_order[place])) not in postings
                postings[value, int(a.passage_order[place])] = int(rows.label[entry])

    def texts(first: int, last: int) -> list[int]:
        return sorted(int(a.term_hash[t]) for t in a.term_pool[first:last])

    contexts: dict[int, set[int]] = {}
    for place in passages.tolist():
        contexts.setdefault(int(a.context[place]), set()).add(int(a.passage_order[place]))
    for context, members in contexts.items():
        linked, place = set(), int(a.context_first[context])
        while place >= 0:
            linked.add(int(a.passage_order[place]))
            place = int(a.next_member[place])
        assert linked == members
        assert len(members) == int(a.context_size[context])
    entity = {place: int(a.entity_hash[place]) for place in entities.tolist()}
    return {
        "edges": (edges, many),
        "strengths": strengths,
        "postings": postings,
        "term frequency": {h: int(a.term_frequency[t]) for h, t in terms.items() if a.term_frequency[t]},
        "contexts": {frozenset(members) for members in contexts.values()},
        "context lengths": {frozenset(m): int(a.context_length[c]) for c, m in contexts.items()},
        "totals": (int(a.counts[12]), int(a.counts[13])),
        "entities": {h: (int(a.frequency[p]), float(a.hub[p])) for p, h in entity.items()},
        "facts": {
            int(a.fact_order[p]): (
                int(a.is_triple[p]),
                a.fact_vector[p].tobytes(),
                float(a.fact_scale[p]),
                int(a.passage_order[a.home[p]]),
                texts(*a.fact_terms[p].tolist()),
            )
            for p in facts.tolist()
        },
        "passages": {
            int(a.passage_order[p]): (
                a.passage_vector[p].tobytes(),
                float(a.passage_scale[p]),
                int(a.episodic[p]),
                int(a.speaker[p]),
                entity.get(int(a.title_entity[p])),
                int(a.in_episode[p]),
                int(a.length[p]),
                int(a.spread_length[p]),
                texts(*a.title_terms[p, :2].tolist()),
                texts(*a.title_terms[p, 1:].tolist()),
            )
            for p in passages.tolist()
        },
    }
