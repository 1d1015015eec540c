"""Compiled loops of retrieval along growing rows (`hippomem.graph.rows`): importing this module loads numba."""

from __future__ import annotations

import numpy as np
from numba import njit

from hippomem.arrays.kinds import NEXT, PREVIOUS
from hippomem.arrays.picture import PARTS
from hippomem.arrays.spread import LEAD, OWN, REPLY, WHOLE
from hippomem.graph.row_loops import next_entry
from hippomem.retrieve.lexical import K1, B


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def share(  # type: ignore[no-untyped-def]
    k, start, target, label, head, following, terms, weights, mean, spread_length, in_episode, alive,
    edge_start, edge_target, edge_kind, edge_head, edge_following, passages_from,
    context, context_first, next_member, scores, spread, own, of_context,
):  # fmt: skip
    """See `hippomem.retrieve.wording.Wording.share`."""
    base = start[-1]
    edge_base = edge_start[-1]
    touched = np.empty(1024, dtype=np.int64)
    reached = 0
    lent = np.empty(1024, dtype=np.int64)  # passages of sessions that got a part of this term's count
    contexts = np.empty(1024, dtype=np.int64)
    path = np.empty(64, dtype=np.int64)
    for t in range(len(terms)):
        term = terms[t]
        lenders = 0
        touched_contexts = 0
        entry = next_entry(start, head, following, base, term, start[term] - 1)
        while entry >= 0:
            p = target[entry]
            count = label[entry]
            entry = next_entry(start, head, following, base, term, entry)
            if not alive[p]:
                continue
            if not in_episode[p]:
                held = OWN * count
                saturation = PARTS * K1 * (1.0 - B + B * spread_length[p] / mean)
                if scores[p] == 0.0:
                    if reached == len(touched):
                        touched = np.append(touched, np.empty_like(touched))
                    touched[reached] = p
                    reached += 1
                scores[p] += weights[t] * (held / (held + saturation))
                continue
            # What it lends: to itself, to those behind it and before it, and to the whole session.
            own[p] = count
            c = context[p]
            if of_context[c] == 0:
                if touched_contexts == len(contexts):
                    contexts = np.append(contexts, np.empty_like(contexts))
                contexts[touched_contexts] = c
                touched_contexts += 1
            of_context[c] += count
            for direction in range(-1, 2):
                steps = 0 if direction == 0 else 2
                path[0] = p
                first, size = 0, 1
                for step in range(steps + 1):
                    if direction == 0:
                        part = OWN
                    elif step == 0:
                        part = 0
                    else:
                        part = REPLY[step - 1] if direction > 0 else LEAD[step - 1]
                    if part:
                        for i in range(first, size):
                            q = path[i]
                            if not alive[q]:
                                continue
                            if spread[q] == 0:
                                if lenders == len(lent):
                                    lent = np.append(lent, np.empty_like(lent))
                                lent[lenders] = q
                                lenders += 1
                            spread[q] += part * count
                    if step == steps:
                        break
                    kind = NEXT if direction > 0 else PREVIOUS
                    end = size
                    for i in range(first, size):
                        node = passages_from + path[i]
                        edge = next_entry(edge_start, edge_head, edge_following, edge_base, node, edge_start[node] - 1)
                        while edge >= 0:
                            if edge_kind[edge] == kind:
                                if end == len(path):
                                    path = np.append(path, np.empty_like(path))
                                path[end] = edge_target[edge] - passages_from
                                end += 1
                            edge = next_entry(edge_start, edge_head, edge_following, edge_base, node, edge)
                    first, size = size, end
        for i in range(touched_contexts):
            c = contexts[i]
            p = context_first[c]
            while p >= 0:
                part = WHOLE * (of_context[c] - own[p])
                if part and alive[p]:
                    if spread[p] == 0:
                        if lenders == len(lent):
                            lent = np.append(lent, np.empty_like(lent))
                        lent[lenders] = p
                        lenders += 1
                    spread[p] += part
                p = next_member[p]
            of_context[c] = 0
        for i in range(lenders):
            p = lent[i]
            held = np.int64(spread[p])
            saturation = PARTS * K1 * (1.0 - B + B * spread_length[p] / mean)
            if scores[p] == 0.0:
                if reached == len(touched):
                    touched = np.append(touched, np.empty_like(touched))
                touched[reached] = p
                reached += 1
            scores[p] += weights[t] * (held / (held + saturation))
            spread[p] = own[p] = 0
    if reached <= 4 * k:
        return touched[:reached]
    # A word of half of all passages touches them all: leave those behind that are clearly not among the best.
    bins = np.zeros(4096, dtype=np.int64)
    for i in range(reached):
        bins[int(scores[touched[i]] * 4095)] += 1
    lowest, above = 4095, bins[4095]
    while above < k:
        lowest -= 1
        above += bins[lowest]
    kept = 0
    for i in range(reached):
        if int(scores[touched[i]] * 4095) >= lowest:
            touched[kept] = touched[i]
            kept += 1
    return touched[:kept]


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def pairs(  # type: ignore[no-untyped-def]
    start, target, label, head, following, facts_from, firsts, frequency, is_triple, home, hub, labels
):
    """Pairs (number of the first, second) of sentences of different passages that share an entity that few mention."""
    base = start[-1]
    begin = np.empty(1024, dtype=np.int64)
    second = np.empty(1024, dtype=np.int64)
    found = 0
    for i in range(len(firsts)):
        if is_triple[firsts[i]]:
            continue
        before = found
        node = firsts[i] + facts_from
        entry = next_entry(start, head, following, base, node, start[node] - 1)
        while entry >= 0:
            kind = label[entry]
            entity = target[entry]
            entry = next_entry(start, head, following, base, node, entry)
            if not (kind and (labels >> kind) & 1 and 2 <= frequency[entity] <= hub):
                continue
            other = next_entry(start, head, following, base, entity, start[entity] - 1)
            while other >= 0:
                if label[other] and (labels >> label[other]) & 1:
                    fact = target[other] - facts_from
                    if not is_triple[fact] and 0 <= home[fact] != home[firsts[i]]:
                        if found == len(second):
                            begin = np.append(begin, np.empty_like(begin))
                            second = np.append(second, np.empty_like(second))
                        begin[found] = i
                        second[found] = fact
                        found += 1
                other = next_entry(start, head, following, base, entity, other)
        # Two sentences may share several names: each pair once.
        ordered = np.sort(second[before:found])
        kept = before
        for j in range(len(ordered)):
            if j == 0 or ordered[j] != ordered[j - 1]:
                second[kept] = ordered[j]
                kept += 1
        found = kept
    return begin[:found], second[:found]


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def named(  # type: ignore[no-untyped-def]
    start, target, label, head, following, facts_from, first, second, title_entity, home, labels
):
    """Whether one fact of each pair mentions the title of the other's passage."""
    base = start[-1]
    told = np.zeros(len(first), dtype=np.bool_)
    for i in range(len(first)):
        for turn in range(2):
            node = (first[i] if turn == 0 else second[i]) + facts_from
            title = title_entity[home[second[i] if turn == 0 else first[i]]]
            if title < 0:
                continue
            entry = next_entry(start, head, following, base, node, start[node] - 1)
            while entry >= 0:
                if target[entry] == title and label[entry] and (labels >> label[entry]) & 1:
                    told[i] = True
                entry = next_entry(start, head, following, base, node, entry)
    return told
