"""What is made of a model's answers: forms of facts, places in the list of entities, parts of several passages."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.errors import ModelOutputError
from hippomem.models.llm import Completion, Usage
from hippomem.types import Extraction, Triple
from indexing.extract import PassageText
from indexing.extract.llm import MAX_TRIPLES, Scheme, dump_answer, load_answer
from indexing.extract.llm.answers import is_cut

ONE = [PassageText("p1", "Lake Orrin", "Lake Orrin lies north of Velden.")]
SEVERAL = [PassageText(f"p{n}", name, f"{name} is a town.") for n, name in enumerate(["Arn", "Bex", "Chur"], start=1)]


def said(text: object, finish_reason: str = "stop") -> Completion:
    """A completion of that text, or of that JSON."""
    return Completion(text if isinstance(text, str) else json.dumps(text), finish_reason, Usage())


def one(answer: object, finish_reason: str = "stop", scheme: Scheme | None = None) -> Extraction | ModelOutputError:
    """What an answer about one passage is read as."""
    (outcome,) = (scheme or Scheme()).answers(ONE, said(answer, finish_reason))
    return outcome


def triples(answer: object, scheme: Scheme | None = None) -> list[tuple[str, str, str]]:
    """The triples of a usable answer."""
    outcome = one(answer, scheme=scheme)
    assert isinstance(outcome, Extraction), outcome
    return [(t.subject, t.predicate, t.object) for t in outcome.triples]


def wrong(answer: object, finish_reason: str = "stop") -> str:
    """Why an answer is of no use."""
    outcome = one(answer, finish_reason)
    assert isinstance(outcome, ModelOutputError), outcome
    return str(outcome)


@pytest.mark.parametrize(
    "answer",
    [
        {"entities": ["Orrin", "Velden"], "triples": [[0, "north of", 1]]},
        {"entities": ["Orrin", "Velden"], "triples": [["Orrin", "north of", "Velden"]]},
        {"entities": ["Orrin", "Velden"], "triples": [[0, "north of", "Velden"]]},
        {"named_entities": ["Orrin", "Velden"], "triples": [[0, "north of", 1]]},
        {
            "entities": ["Orrin", "Velden"],
            "triples": [{"subject": "Orrin", "predicate": "north of", "object": "Velden"}],
        },
        {"entities": ["Orrin", "Velden"], "triples": [{"head": 0, "relation": "north of", "tail": 1}]},
        {"entities": ["Orrin", "Velden"], "triples": [["0", "north of", "1"]]},
        {"entities": ["Orrin", "Velden"], "triples": [[0, "north of", 1], [0, "two"], None, "x", [0, "of", {}]]},
        {"passages": [{"passage": 1, "entities": ["Orrin", "Velden"], "triples": [[0, "north of", 1]]}]},
        'Sure:\n```json\n{"entities":["Orrin","Velden"],"triples":[[0,"north of",1]]}\n```',
        '<think>{"entities":["x"]}</think>{"entities":["Orrin","Velden"],"triples":[[0,"north of",1]],}',
    ],
)
def test_one_fact_in_many_forms(answer: object) -> None:
    """Places, names, objects, fences, thinking: what clearly says a fact is read as that fact."""
    assert triples(answer) == [("Orrin", "north of", "Velden")]


def test_a_place_that_names_nothing_makes_its_triple_invalid() -> None:
    """Beyond the list and below 0 there is no entity, and a year is not one by chance; the other triples stay."""
    answer = {
        "entities": ["Orrin", "Alma"],
        "triples": [
            [0, "has", 1],
            [1, "built in", 1931],
            [1, "near", -1],
            [2, "is", 0],
            [1, "is", "old"],
            [True, "is", 0],
        ],
    }
    assert triples(answer) == [("Orrin", "has", "Alma"), ("Alma", "is", "old"), ("True", "is", "Orrin")]


def test_a_number_with_a_fraction_is_a_number() -> None:
    """No place has a fraction, and digits in quotes are a name where other subjects are places."""
    answer = {"entities": ["Orrin", "Alma"], "triples": [[0, "depth", 40.5], [0, "islands", "1"]]}
    assert triples(answer) == [("Orrin", "depth", "40.5"), ("Orrin", "islands", "1")]


def test_entities_that_are_digits_are_names() -> None:
    """A list that holds "1" is meant when a triple says "1"."""
    assert triples({"entities": ["1", "0"], "triples": [["1", "before", "0"]]}) == [("1", "before", "0")]


def test_places_are_counted_in_the_list_as_it_came() -> None:
    """An entity of another type is no name, but it holds its place."""
    answer = {"entities": [None, "Orrin", "Velden"], "triples": [[1, "north of", 2], [0, "is", 1]]}
    assert triples(answer) == [("Orrin", "north of", "Velden")]


def test_counting_from_one_is_found_out() -> None:
    """Where the last place is one too many and 0 never occurs, each name would be its neighbour's: no fact is taken."""
    assert "from 1" in wrong({"entities": ["Orrin", "Velden"], "triples": [[1, "north of", 2]]})


def test_with_names_in_full_a_number_is_its_text() -> None:
    """The plain form knows no places."""
    answer = {"entities": ["Orrin", "Velden"], "triples": [["Orrin", "built in", 1]]}
    assert triples(answer, Scheme(form="plain")) == [("Orrin", "built in", "1")]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I am afraid I cannot do that.", "no JSON object"),
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        ({"entities": "Rome", "triples": 3}, "entities and triples"),
        ({"entities": ["a"], "triples": "none"}, "wrong types"),
        ({"entities": ["a"], "triples": [["a", "b"]]}, "three parts"),
        ({"entities": ["a"], "triples": [[0, "b", 7]]}, "three parts"),
        ({"facts": []}, "entities and triples"),
        ('__import__("os").system("echo hi")', "no JSON object"),
        ({"passages": [{"passage": 1}]}, "entities and triples"),
    ],
)
def test_rubbish_is_an_error_with_a_short_quote(answer: object, reason: str) -> None:
    """Nothing that is not the asked shape is "no facts"."""
    why = wrong(answer)
    assert reason in why
    assert len(why) < 600


def test_no_facts_is_an_answer() -> None:
    """Two empty lists say that the passage states nothing."""
    assert one({"entities": [], "triples": []}) == Extraction()


@pytest.mark.parametrize("keep", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("finish_reason", ["length", "stop"])
def test_a_cut_answer_is_an_error_not_a_part(keep: float, finish_reason: str) -> None:
    """What is there before the cut is not taken for all there is, whatever the endpoint says of the end."""
    text = json.dumps({"entities": ["Orrin", "Velden"], "triples": [[0, "north of", 1], [1, "south of", 0]]})
    cut = said(text[: int(len(text) * keep)], finish_reason)
    assert is_cut(cut)
    assert isinstance(Scheme().answers(ONE, cut)[0], ModelOutputError)


@pytest.mark.parametrize("text", ['{"entities": ["a" "b"], "triples": []}', "{'entities': [], 'triples': []}", "no"])
def test_sloppy_is_not_cut(text: str) -> None:
    """What closes, or never was JSON, gains nothing from more room."""
    assert not is_cut(said(text))


@pytest.mark.parametrize("cut", [False, True])
def test_ten_thousand_triples_are_cut_to_a_limit(caplog: pytest.LogCaptureFixture, cut: bool) -> None:
    """A model that runs in circles costs one call and a warning, also where its answer never ends."""
    text = json.dumps({"entities": ["Orrin"], "triples": [[0, "has", f"wave {n}"] for n in range(10_000)]})
    with caplog.at_level(logging.WARNING, logger="indexing.extract"):
        outcome = one(text[: len(text) // 2] if cut else text, "length" if cut else "stop")
    assert isinstance(outcome, Extraction)
    assert len(outcome.triples) == MAX_TRIPLES
    assert outcome.triples[-1] == Triple("Orrin", "has", f"wave {MAX_TRIPLES - 1}")
    (record,) = caplog.records
    assert "p1" in record.getMessage()


def part(number: Any, name: str) -> dict[str, Any]:
    """One passage's part of an answer about several."""
    return {"passage": number, "entities": [name, "town"], "triples": [[0, "is a", 1]]}


def subjects(answer: object, finish_reason: str = "stop") -> list[str | None]:
    """The subject read for each of three passages, None where its part is of no use."""
    outcomes = Scheme(3).answers(SEVERAL, said(answer, finish_reason))
    return [outcome.triples[0].subject if isinstance(outcome, Extraction) else None for outcome in outcomes]


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ([(1, "Arn"), (2, "Bex"), (3, "Chur")], ["Arn", "Bex", "Chur"]),
        ([(3, "Chur"), (1, "Arn"), (2, "Bex")], ["Arn", "Bex", "Chur"]),
        ([("3", "Chur"), (1, "Arn"), (2, "Bex")], ["Arn", "Bex", "Chur"]),
        ([(1, "Arn"), (3, "Chur")], ["Arn", None, "Chur"]),
        ([(1, "Arn"), (2, "Bex"), (2, "Chur")], ["Arn", None, None]),
        ([(0, "Arn"), (1, "Bex"), (7, "Chur")], ["Bex", None, None]),
        ([(None, "Arn"), (True, "Bex"), (3, "Chur")], [None, None, "Chur"]),
        ([(1, "Arn"), ("2" * 5000, "Bex"), (3, "Chur")], ["Arn", None, "Chur"]),
    ],
)
def test_parts_are_found_by_number_never_by_place(parts: list[tuple[Any, str]], read: list[str | None]) -> None:
    """Shuffled, missing, doubled and numberless parts: no passage gets the facts of another."""
    rows = [part(number, name) for number, name in parts]
    assert subjects({"passages": rows}) == read
    assert subjects(rows) == read, "a bare list is the same"


def test_one_unusable_part_is_its_own() -> None:
    """Wrong types in one part leave the others."""
    rows = [part(1, "Arn"), {"passage": 2, "entities": "Bex", "triples": 1}, part(3, "Chur")]
    assert subjects({"passages": rows}) == ["Arn", None, "Chur"]


def test_of_a_cut_answer_the_whole_parts_count() -> None:
    """They are paid for; the part in which it broke off is not trusted, even if it could be closed."""
    text = json.dumps({"passages": [part(2, "Bex"), part(1, "Arn"), part(3, "Chur")]})
    assert subjects(text[: text.index("Chur") + 15], "length") == ["Arn", "Bex", None]
    assert subjects(text[: text.index("Chur") + 15]) == ["Arn", "Bex", None]


@pytest.mark.parametrize("answer", ["Sorry.", {"passages": {}}, {"passages": []}, {"entities": [], "triples": []}])
def test_an_answer_without_parts_is_an_error_of_all(answer: object) -> None:
    """No passage gets "no facts" from it."""
    assert subjects(answer) == [None, None, None]


names = st.text(min_size=1, max_size=8)
extractions = st.builds(
    Extraction,
    st.lists(names, max_size=4).map(tuple),
    st.lists(st.builds(Triple, names, names, names), max_size=5).map(tuple),
)


@given(extractions)
def test_what_is_stored_comes_back(extraction: Extraction) -> None:
    """Any Unicode text, in order; the same extraction is the same bytes."""
    text = dump_answer(extraction)
    assert load_answer(text) == extraction
    assert dump_answer(load_answer(text)) == text


def test_half_a_surrogate_pair_is_stored_as_a_question_mark() -> None:
    """A model may write it, and no file can hold it."""
    assert load_answer(dump_answer(Extraction(("a\ud83d",)))) == Extraction(("a?",))
