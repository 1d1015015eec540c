"""The nearest passages: all compared while they are few, clusters when they are many, and what may not be found is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.arrays import nearest as module
from hippomem.arrays.build import in_memory
from hippomem.arrays.nearest import closest, cluster, nearest
from hippomem.arrays.picture import LIVE, PASSAGES, PROBES, Arrays, Picture
from hippomem.graph.rows import fill_rows
from hippomem.graph.similarity import quantise
from hippomem.memory import Memory
from hippomem.testing import HashEmbedder

Ints = NDArray[np.int64]
D, GROUPS = 24, 40


def clustered(n: int, seed: int = 0) -> NDArray[np.float32]:
    """(n, D) unit rows around a few directions, the same for every seed, as texts of a few subjects are."""
    centres, rng = np.random.default_rng(99).normal(size=(GROUPS, D)), np.random.default_rng(seed)
    rows = centres[rng.integers(GROUPS, size=n)] + 0.6 * rng.normal(size=(n, D))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def picture_of(vectors: NDArray[np.float32], free: int = 50) -> Picture:
    """A picture of passages that are nothing but vectors; order against place, so that ties show."""
    n = len(vectors)
    quantised, scales = quantise(vectors)
    centroids, assigned, probes = cluster(quantised, scales)
    blocks = [(assigned.astype(np.int64), np.arange(n), 1)] if len(centroids) else []
    rows = fill_rows(len(centroids), list(blocks), room_rows=0, room=free)
    given = {
        "counts": np.zeros(17, dtype=np.int64),
        "passage_vector": np.concatenate([quantised, np.zeros((free, D), dtype=np.int8)]),
        "passage_scale": np.concatenate([scales, np.zeros(free, dtype=np.float32)]),
        "passage_alive": np.repeat(np.array([1, 0], dtype=np.uint8), [n, free]),
        "passage_order": np.arange(n + free, 0, -1).astype(np.uint64),
        "centroid": centroids,
        "cluster": np.concatenate([assigned, np.full(free, -1, dtype=np.int32)]),
        "cluster_start": rows.start,
        "cluster_target": rows.target,
        "cluster_label": rows.label,
        "cluster_head": rows.head,
        "cluster_following": rows.following,
        "cluster_used": rows.used,
    }
    given["counts"][[PASSAGES, LIVE, PROBES]] = n, n, probes
    empty = {each.name: in_memory(each.name, (1,), np.int64) for each in fields(Arrays) if each.name not in given}
    return Picture(Arrays(**given, **empty))


def by_hand(
    picture: Picture, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> list[int]:
    """Compare with all."""
    a = picture.arrays
    cosines = (a.passage_vector.astype(np.float64) * a.passage_scale[:, None]) @ query
    places = [p for p in np.flatnonzero(a.passage_alive).tolist() if allowed is None or allowed[p]]
    return sorted(places, key=lambda p: (-float(cosines[p]), int(a.passage_order[p])))[:k]


@dataclass(frozen=True)
class Recall:
    """How much of the true nearest is found, over questions."""

    mean: float

    @classmethod
    def of(cls, picture: Picture, queries: NDArray[np.float32], k: int = 50) -> Recall:
        """Against all compared."""
        shares = []
        for query in queries:
            exact = set(nearest(picture, query, k, exact=True).tolist())
            shares.append(len(exact & set(nearest(picture, query, k).tolist())) / len(exact))
        return cls(float(np.mean(shares)))


def test_few_are_all_compared() -> None:
    """Up to EXACT passages there are no clusters, and the best are the best."""
    picture = picture_of(clustered(500))
    assert picture.arrays.centroid.shape == (0, D)
    for query in clustered(5, seed=1):
        assert nearest(picture, query, 20).tolist() == by_hand(picture, query, 20)


def test_ties_are_in_order_of_id() -> None:
    """Equal vectors come by order, which is against place here, also at the cut."""
    vectors = np.repeat(clustered(1), 9, axis=0)
    picture = picture_of(vectors)
    assert nearest(picture, vectors[0], 4).tolist() == [8, 7, 6, 5]
    assert nearest(picture, vectors[0], 100).tolist() == list(range(8, -1, -1))


@pytest.fixture(scope="module")
def many() -> Iterator[Picture]:
    """Enough for clusters, by lowering what counts as enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EXACT", 1000)
        yield picture_of(clustered(6000))


def test_clusters_find_what_comparing_all_finds(many: Picture) -> None:
    """At least 0.97 of the true fifty, for questions that no passage is, and without looking into all clusters."""
    assert len(many.arrays.centroid) == int(4 * np.sqrt(6000))
    assert 4 <= many.probes < len(many.arrays.centroid)
    assert Recall.of(many, clustered(40, seed=2)).mean >= 0.97


def test_exact_compares_all_however_many(many: Picture) -> None:
    """As the check of the other."""
    for query in clustered(3, seed=3):
        assert nearest(many, query, 10, exact=True).tolist() == by_hand(many, query, 10)


def test_more_than_the_clusters_hold(many: Picture) -> None:
    """More are looked into until there are k, up to all."""
    found = nearest(many, clustered(1, seed=4)[0], 5999)
    assert len(found) == len(set(found.tolist())) == 5999
    assert len(nearest(many, clustered(1, seed=4)[0], 10_000)) == 6000


@pytest.mark.parametrize("share", [0.5, 0.01, 0.0])
def test_only_what_is_allowed_is_found(many: Picture, share: float) -> None:
    """However few are allowed, they are found, and nothing else."""
    allowed = np.random.default_rng(5).random(len(many.arrays.passage_alive)) < share
    left = Picture(replace(many.arrays, passage_alive=many.arrays.passage_alive * allowed))
    for query in clustered(3, seed=6):
        found = nearest(left, query, 20).tolist()
        assert all(allowed[place] and many.arrays.passage_alive[place] for place in found)
        truth = by_hand(many, query, 20, allowed)
        assert len(found) == len(truth)
        assert len(set(found) & set(truth)) >= 0.9 * len(truth)
        assert nearest(left, query, 20, exact=True).tolist() == truth


def test_the_same_rows_give_the_same_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, and every row is in the cluster of its nearest centroid."""
    monkeypatch.setattr(module, "EXACT", 1000)
    vectors, scales = quantise(clustered(3000))
    one, other = cluster(vectors, scales), cluster(vectors, scales)
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1].tobytes() == other[1].tobytes()
    assert one[2] == other[2]
    for row in range(0, 3000, 97):
        assert one[1][row] == closest(one[0], vectors[row])


def test_passages_join_and_leave_a_namespace_with_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a real memory: what is added is found by its own words at once, what is forgotten is not."""
    monkeypatch.setattr(module, "EXACT", 150)
    embedder = HashEmbedder(dimension=64)
    with Memory(embedder=embedder) as memory:
        memory.add_many(f"Person{n} Smith{n} met Town{n % 13} on day {n}." for n in range(200))
        before = memory._searching.picture
        assert len(before.arrays.centroid)
        added = [memory.add(f"Zora{n} Quist{n} keeps bees{n} in Marsh{n}.") for n in range(20)]
        for number in (3, 4):
            memory.forget(added[number])
        picture = memory._searching.picture
        assert picture is before
        for number in range(20):
            query = embedder.embed([f"Zora{number} Quist{number} keeps bees{number} in Marsh{number}."])[0]
            (place,) = nearest(picture, query, 1).tolist()
            cosine = picture.passage_cosines(query, np.array([place]))[0]
            assert (cosine > 0.98) == (number not in (3, 4)), number
        members, _ = picture.clusters.gather(np.arange(len(picture.arrays.centroid)), 1 << 1)
        assert sorted(members.tolist()) == picture.passages.tolist()
