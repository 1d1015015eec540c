"""What a filter leaves out is not there: for searches, lists, counts and forgetting alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippomem import Memory
from hippomem.errors import ConfigError, InputError, NotFoundError
from hippomem.testing import HashEmbedder
from hippomem.types import Document


def texts(memory: Memory, **where: Any) -> set[str]:
    return {record.text for record in memory.list(**where)}


@pytest.fixture
def filled(memory: Memory) -> Memory:
    memory.add(
        "Ada fixed the pump.",
        user="ada",
        session="s1",
        metadata={"project": "mill", "hours": 3, "tags": ["pump", "wet"]},
    )
    memory.add(
        "Bob fixed the pump.", user="bob", agent="robot", metadata={"project": "mine", "hours": 4.5, "done": True}
    )
    memory.add(
        "Cid fixed the roof.", user="cid", kind="procedural", occurred_at="2026-03-01", metadata={"a": {"b": "x"}}
    )
    return memory


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"user": "ada"}, "A"),
        ({"agent": "robot"}, "B"),
        ({"session": "s1"}, "A"),
        ({"kind": "procedural"}, "C"),
        ({"metadata": {"project": "mill"}}, "A"),
        ({"metadata": {"project": {"prefix": "mi"}}}, "AB"),
        ({"metadata": {"project": {"in": ["mine", "nowhere"]}}}, "B"),
        ({"metadata": {"project": {"ne": "mill"}}}, "BC"),
        ({"metadata": {"hours": {"gte": 3, "lt": 4.5}}}, "A"),
        ({"metadata": {"hours": {"$gt": 3}}}, "B"),
        ({"metadata": {"hours": 3.0}}, "A"),
        ({"metadata": {"hours": "3"}}, ""),
        ({"metadata": {"tags": "wet"}}, "A"),
        ({"metadata": {"tags": ["pump", "wet"]}}, "A"),
        ({"metadata": {"tags": ["wet"]}}, ""),
        ({"metadata": {"done": True}}, "B"),
        ({"metadata": {"done": 1}}, ""),
        ({"metadata": {"a.b": "x"}}, "C"),
        ({"metadata": {"a": {"b": "x"}}}, "C"),
        ({"metadata": {"missing": None}}, ""),
        ({"since": "2026-03-02"}, "AB"),
        ({"until": "2026-03-01"}, "C"),
        ({"since": "2026-03-01", "until": "2026-03-01"}, "C"),
        ({"as_of": "2026-02-28"}, ""),
        ({"user": "ada", "metadata": {"project": "mine"}}, ""),
    ],
)
def test_each_filter_lets_pass_what_it_says(filled: Memory, where: Any, found: str) -> None:
    """The same memories whether they are listed, counted or searched for."""
    names = {"A": "Ada fixed the pump.", "B": "Bob fixed the pump.", "C": "Cid fixed the roof."}
    expected = {names[letter] for letter in found}
    assert texts(filled, **where) == expected
    assert filled.count(**where) == len(expected)
    assert {hit.text for hit in filled.search("Who fixed the pump?", **where)} == expected


@pytest.mark.parametrize(
    "where",
    [
        {"metadata": {"a": {"gte": True}}},
        {"metadata": {"a": {"in": "text"}}},
        {"metadata": {"a": {"prefix": 3}}},
        {"metadata": {'a"b': 1}},
        {"metadata": {"a": float("nan")}},
        {"metadata": {"a": "\ud800"}},
        {"metadata": 3},
        {"user": 3},
        {"user": "a\x00b"},
        {"kind": "other"},
        {"since": "yesterday"},
        {"until": 5},
        {"colour": "red"},
    ],
)
def test_a_filter_that_nothing_can_meet_is_an_error(filled: Memory, where: Any) -> None:
    for call in (filled.count, filled.list, filled.forget):
        with pytest.raises(InputError):
            call(**where)
    with pytest.raises(InputError):
        filled.search("pump", **where)


def test_numbers_that_are_huge_are_compared(filled: Memory) -> None:
    assert filled.count(metadata={"hours": {"lt": 10**30}}) == 2
    assert filled.count(metadata={"hours": 10**30}) == 0


def test_long_lists_and_long_filters(filled: Memory) -> None:
    """However long a list is; a filter of very many conditions is refused before SQLite does."""
    many = [f"x{i}" for i in range(5000)]
    assert filled.count(metadata={"project": {"in": [*many, "mill"]}, "hours": {"in": [*range(4000), 2.5]}}) == 1
    assert filled.count(metadata={"project": {"in": []}}) == 0
    assert filled.count(metadata={"done": {"in": [None, True, ["a"], {"b": 1}]}}) == 1
    assert filled.count(metadata={f"k{i}": {"ne": 1} for i in range(100)}) == 3
    for where in ({f"k{i}": 1 for i in range(101)}, {"a": {"in": [[i] for i in range(101)]}}):
        with pytest.raises(InputError):
            filled.count(metadata=where)


def test_of_the_memories_named_a_filter_forgets_what_passes(memory: Memory) -> None:
    """One user of two forgets his own; what nothing passes of is not there for him."""
    shared = memory.add("The gate is shut.", user="ada")
    memory.add("The gate is shut.", user="bob")
    other = memory.add("Bob likes tea.", user="bob")
    with pytest.raises(NotFoundError, match="passes the filter"):
        memory.forget(shared, other, user="ada")
    assert memory.count(user="ada") == 1
    assert memory.forget(shared, user="ada") == 1
    assert [source.user for source in memory.get(shared).sources] == ["bob"]
    assert memory.forget(shared, other, user="bob") == 2
    assert memory.count() == 0


def test_other_retrievers_refuse_a_filter(filled: Memory) -> None:
    """They read the namespace whole; passing the filter over would leak."""
    with pytest.raises(ConfigError, match="takes no filter"):
        filled.search("pump", retriever="bm25", user="ada")


def test_a_memory_of_two_users_shows_each_his_own_source(memory: Memory) -> None:
    """One source must meet all of a filter, and only such sources are told."""
    memory.add("The gate is shut.", user="ada", source_id="ada-1", metadata={"n": 1})
    memory.add("The gate is shut.", user="bob", source_id="bob-1", metadata={"n": 2})
    assert memory.count(user="ada", metadata={"n": 2}) == 0
    (hit,) = memory.search("gate", user="ada")
    assert hit.source_ids == ("ada-1",)
    assert [source.user for source in hit.sources] == ["ada"]
    assert "bob" not in json.dumps(hit.to_dict())
    (record,) = memory.list(user="bob")
    assert [source.source_id for source in record.sources] == ["bob-1"]


def test_forgetting_by_filter_is_exact(memory: Memory) -> None:
    """What passes is as if it had never been there; a memory that others handed in too is theirs alone from then on."""
    shared = Document("New York lies near City Hall. Ada Byron met Bob in New York.", source_id="1")
    with Memory(embedder=HashEmbedder(dimension=32)) as never:
        for document in (shared, Document("Bob met Cid in York.", user="bob")):
            never.add_many([document])
        expected = never.export()
    memory.add_many(
        [
            Document("Ada Byron left York.", user="ada"),
            shared,
            Document("Bob met Cid in York.", user="bob"),
            Document(shared.text, user="ada", speaker="Ada", session="s"),
        ]
    )
    assert memory.forget(user="ada") == 2
    assert memory.export() == expected
    assert memory.forget(user="ada") == 0


def test_what_to_forget_must_be_said(filled: Memory) -> None:
    with pytest.raises(InputError, match="ids or a filter"):
        filled.forget()
    with pytest.raises(NotFoundError):
        filled.forget("m-1")
    assert filled.count() == 3


def test_a_namespace_is_forgotten_as_a_whole(tmp_path: Any) -> None:
    """Nothing of it is left in the file, not even its name, and it begins anew afterwards."""
    path = tmp_path / "a.hippo"
    with Memory(path, embedder=HashEmbedder(dimension=16), namespace="kept") as kept:
        kept.add("Ada lives in Rome.")
        expected = kept.export()
        with Memory(path, embedder=HashEmbedder(dimension=16), namespace="Zqtenant") as gone:
            gone.add_many(["Zqvortex lives in York.", "Zqvortex met Ada."])
            assert len(gone.search("Zqvortex")) == 2
            assert gone.forget_all() == 2
            assert len(gone.search("Zqvortex")) == 0
            assert kept.export() == expected
            gone.close()
        assert kept.namespaces() == ["kept"]
    assert not [file for file in tmp_path.iterdir() if b"zq" in file.read_bytes().lower()]
    with Memory(path, embedder=HashEmbedder(dimension=16), namespace="Zqtenant") as again:
        again.add("Bob lives in Oslo.")
        assert [hit.text for hit in again.search("Who lives in Rome?")] == ["Bob lives in Oslo."]
        assert again.forget_all() == 1
        assert again.export() == expected


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 2.0]), st.sampled_from(["", "a", "ab", "b"])
)
values = st.one_of(scalars, st.lists(scalars, max_size=2))


def passes(value: Any, operator: str, operand: Any) -> bool:
    """What the documentation of `Where` says, in Python."""

    def same(a: Any, b: Any) -> bool:
        return a == b and isinstance(a, bool) == isinstance(b, bool)

    if operator == "ne":
        return not passes(value, "eq", operand)
    if operator == "in":
        return any(passes(value, "eq", each) for each in operand)
    for each in value if isinstance(value, list) else [value]:
        if operator == "eq" and same(each, operand):
            return True
        if operator == "prefix" and isinstance(each, str) and each.startswith(operand):
            return True
        comparable = isinstance(each, int | float) and not isinstance(each, bool)
        if operator == "gte" and isinstance(operand, str) and isinstance(each, str) and each >= operand:
            return True
        if operator == "gte" and not isinstance(operand, str) and comparable and each >= operand:
            return True
    return False


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stored=st.lists(values, min_size=1, max_size=5),
    condition=st.one_of(
        st.tuples(st.just("eq"), scalars),
        st.tuples(st.just("ne"), scalars),
        st.tuples(st.just("in"), st.lists(scalars, min_size=1, max_size=3)),
        st.tuples(st.just("prefix"), st.sampled_from(["", "a", "b"])),
        st.tuples(st.just("gte"), st.one_of(st.integers(-3, 3), st.just(0.5), st.sampled_from(["", "a", "b"]))),
    ),
)
def test_metadata_conditions_mean_what_they_say(stored: list[Any], condition: tuple[str, Any]) -> None:
    operator, operand = condition
    with Memory(embedder=HashEmbedder(dimension=8), synonyms=False) as memory:
        memory.add_many(Document(f"Text {i}.", metadata={"key": value}) for i, value in enumerate(stored))
        expected = {f"Text {i}." for i, value in enumerate(stored) if passes(value, operator, operand)}
        assert texts(memory, metadata={"key": {operator: operand}}) == expected
