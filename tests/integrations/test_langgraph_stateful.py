"""The store beside LangGraph's own ``InMemoryStore``: the same operations, the same answers."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from langgraph.store.base import GetOp, Item, ListNamespacesOp, MatchCondition, Op, PutOp, SearchItem, SearchOp
from langgraph.store.memory import InMemoryStore

from hippomem import Memory
from hippomem.integrations.langgraph import HippoStore
from hippomem.testing import HashEmbedder

ALL = 10_000
LABELS = st.sampled_from(["a", "b", "a b", "é", '"'])
NAMESPACES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
KEYS = st.sampled_from(["k", "l", "m/\x00"])
TEXTS = st.sampled_from(["Comet Sorrel is bright.", "Ada Brook was born in Gull Rock.", "The harbour is closed.", "x"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, width=32) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
VALUES = st.fixed_dictionaries(
    {"n": st.integers(-2, 2) | st.sampled_from([0.5, "1", True])},
    optional={
        "text": TEXTS,
        "more": st.lists(TEXTS, max_size=2, unique=True),
        "color": st.sampled_from(["red", "blue", ["red"], None]),
        "any": JSON,
    },
)
INDEXES = st.sampled_from([None, None, False, ["more[*]"], ["text", "color"]])
FILTERS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-2, 2)
        | st.dictionaries(
            st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]), st.integers(-2, 2), min_size=1, max_size=2
        ),
        "color": st.sampled_from(["red", ["red"], None, {"$ne": "red"}, {"$eq": "blue"}]),
        "any": JSON,
    },
)
PATHS = st.lists(LABELS | st.just("*"), min_size=1, max_size=3).map(tuple)
CONDITIONS = st.none() | st.lists(
    st.builds(MatchCondition, st.sampled_from(["prefix", "suffix"]), PATHS), max_size=2
).map(tuple)

PREFIXES = st.just(()) | NAMESPACES
PUTS = st.tuples(NAMESPACES, KEYS, VALUES, INDEXES).map(lambda given: PutOp(*given))
DELETES = st.tuples(NAMESPACES, KEYS, st.none()).map(lambda given: PutOp(*given))
GETS = st.tuples(NAMESPACES, KEYS).map(lambda given: GetOp(*given))
LISTINGS = st.tuples(PREFIXES, FILTERS, st.sampled_from([1, 2, 10]), st.integers(0, 2)).map(
    lambda given: SearchOp(*given)
)
QUERIES = st.tuples(PREFIXES, FILTERS, st.just(ALL), st.just(0), TEXTS).map(lambda given: SearchOp(*given))
TREES = st.tuples(CONDITIONS, st.none() | st.integers(1, 3), st.sampled_from([1, 100]), st.integers(0, 1)).map(
    lambda given: ListNamespacesOp(*given)
)


def told(item: Item | None) -> Any:
    """An item without its times."""
    return None if item is None else (item.namespace, item.key, item.value)


class SameAsInMemory(RuleBasedStateMachine):
    """Each rule does one batch in both stores, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(embedder=HashEmbedder(32))
        self.store = HippoStore(self.memory, fields=["text"])
        embedder = HashEmbedder(32)
        self.other = InMemoryStore(
            index={"dims": 32, "embed": lambda texts: embedder.embed(texts).tolist(), "fields": ["text"]}
        )
        self.made: list[tuple[tuple[str, ...], str]] = []

    @initialize(puts=st.lists(PUTS, min_size=2, max_size=6))
    def fill(self, puts: list[PutOp]) -> None:
        """Begin with something."""
        self.run([*puts])

    @rule(op=PUTS | DELETES)
    def write(self, op: PutOp) -> None:
        """One write."""
        self.run([op])

    @rule(ops=st.lists(GETS | LISTINGS | TREES | QUERIES, min_size=1, max_size=4))
    def read(self, ops: list[Op]) -> None:
        """Several reads."""
        self.run(ops)

    @rule(
        ops=st.lists(PUTS | DELETES | GETS | LISTINGS | TREES | QUERIES, min_size=2, max_size=5), awaited=st.booleans()
    )
    def mix(self, ops: list[Op], awaited: bool) -> None:
        """Reads and writes together, waited for either way."""
        self.run(ops, awaited=awaited)

    def run(self, ops: list[Op], *, awaited: bool = False) -> None:
        """The same operations in both."""
        expected = [self.expected(op) for op in ops]
        puts = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        for op in puts.values():  # one by one, since it cannot take equal texts in one batch; and without old vectors
            self.other._vectors[op.namespace].pop(op.key, None)
            self.other.batch([op])
        got = asyncio.run(self.store.abatch(ops)) if awaited else self.store.batch(ops)
        assert len(got) == len(ops)
        for op, wanted, result in zip(ops, expected, got, strict=True):
            self.compare(op, wanted, result)
        for place, op in puts.items():
            if op.value is None and place in self.made:
                self.made.remove(place)
            elif op.value is not None and place not in self.made:
                self.made.append(place)

    def expected(self, op: Op) -> Any:
        """What the other store answers; of a search everything, in the order of creation, to be cut afterwards."""
        # It lists namespaces that were only asked for as well.
        for namespace in [name for name, items in self.other._data.items() if not items]:
            del self.other._data[namespace]
        if isinstance(op, SearchOp):
            items = self.other.batch([op._replace(limit=ALL, offset=0)])[0]
            assert isinstance(items, list)
            if op.query:
                # It fills up with items that no query finds; these have no score.
                return {
                    (item.namespace, item.key)
                    for item in items
                    if isinstance(item, SearchItem) and item.score is not None
                }
            places: dict[tuple[str, ...], int] = {}
            for namespace, _ in self.made:
                places.setdefault(namespace, len(places))
            items = sorted(items, key=lambda item: places[item.namespace])
            return [told(item) for item in items[op.offset : op.offset + op.limit]]
        return self.other.batch([op])[0] if not isinstance(op, PutOp) else None

    def compare(self, op: Op, wanted: Any, got: Any) -> None:
        """Values exactly, times in their order, queries by what is found."""
        if isinstance(op, GetOp):
            assert told(got) == told(wanted)
            assert got is None or got.created_at <= got.updated_at
        elif isinstance(op, SearchOp) and op.query:
            assert {(item.namespace, item.key) for item in got} == wanted
            assert len(got) == len(wanted)
            scores = [item.score for item in got]
            assert scores == sorted(scores, reverse=True)
        elif isinstance(op, SearchOp):
            assert [told(item) for item in got] == wanted
        else:
            assert got == wanted

    @invariant()
    def one_memory_an_item(self) -> None:
        """Nothing is left over."""
        assert self.memory.count() == len(self.made)

    def teardown(self) -> None:
        """Close."""
        self.memory.close()


def test_answers_are_those_of_in_memory_store() -> None:
    """Whatever is put, deleted, read, filtered, listed and asked, in batches and alone."""
    run_state_machine_as_test(
        SameAsInMemory,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate],  # shrinking such runs takes minutes
        ),
    )
