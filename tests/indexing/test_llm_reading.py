"""The calls that a group takes: again, alone, in halves; and what is never asked twice."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from eval.tokens.render import facts_answer, several_answer
from hippomem.errors import (
    ContextOverflowError,
    ExtractionError,
    ModelAuthError,
    ModelError,
    ModelOutputError,
    ModelUnavailableError,
)
from hippomem.models.llm import Completion, Usage
from hippomem.types import Extraction, Triple
from indexing.extract import PassageText
from indexing.extract.llm import MAX_TRIPLES, Request, Scheme

NAMES = ["Arn", "Bex", "Chur", "Dorn", "Egg", "Flims", "Gais", "Horn"]
Fault = Callable[[Request, list[str]], "Completion | Exception | None"]


def passages(count: int) -> list[PassageText]:
    """Towns with one fact each."""
    return [PassageText(f"p-{name}", name, f"{name} is a town.") for name in NAMES[:count]]


def facts(name: str) -> Extraction:
    """What a good model reads about a town."""
    return Extraction((name, "town"), (Triple(name, "is a", "town"),))


def named(request: Request) -> list[str]:
    """The towns that a request asks about, in its order."""
    asked = request.messages[-1]["content"]
    return sorted((name for name in NAMES if f"{name} is a town." in asked), key=asked.index)


def stop(text: str) -> Completion:
    return Completion(text, "stop", Usage())


class Model:
    """Answers about the towns that it is asked about; *fault* may answer otherwise, or raise."""

    def __init__(self, fault: Fault = lambda request, names: None) -> None:
        self.fault = fault
        self.requests: list[Request] = []

    @property
    def asked(self) -> list[str]:
        """``Arn+Bex`` for a call about two."""
        return ["+".join(named(request)) for request in self.requests]

    async def __call__(self, request: Request) -> Completion:
        self.requests.append(request)
        names = named(request)
        wrong = self.fault(request, names)
        if isinstance(wrong, Exception):
            raise wrong
        return wrong or stop(good(request, names))


def good(request: Request, names: Sequence[str]) -> str:
    if request.schema_name == "entities":
        return json.dumps({"entities": list(facts(names[0]).entities)})
    if request.schema_name == "triples":
        return json.dumps({"triples": [[names[0], "is a", "town"]]})
    known = [facts(name) for name in names]
    if request.schema_name == "facts":
        return facts_answer(known[0], "compact" if "anyOf" in json.dumps(request.json_schema) else "plain")
    return several_answer(known)


def read(model: Model, group: Sequence[PassageText], scheme: Scheme | None = None) -> list[Any]:
    """The outcomes for a group."""
    return asyncio.run((scheme or Scheme(8)).read(group, model, model="llama"))


@pytest.mark.parametrize(("scheme", "calls"), [(Scheme(), 1), (Scheme(form="plain"), 1), (Scheme(calls=2), 2)])
def test_one_passage_takes_the_calls_of_its_scheme(scheme: Scheme, calls: int) -> None:
    """Together, or entities first."""
    model = Model()
    assert read(model, passages(1), scheme) == [facts("Arn")]
    assert len(model.requests) == calls


def test_eight_passages_take_one_call() -> None:
    """Each gets its own facts."""
    model = Model()
    assert read(model, passages(8)) == [facts(name) for name in NAMES]
    assert len(model.requests) == 1


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_answers_do_not_leak(seed: int) -> None:
    """Parts in any order, one of them lost: what is lost is asked for alone, and no fact changes its passage."""

    def shuffle(request: Request, names: list[str]) -> Completion | None:
        if len(names) == 1:
            return None
        rows = json.loads(good(request, names))["passages"]
        rng = random.Random(seed)
        rng.shuffle(rows)
        return stop(json.dumps({"passages": rows[1:]}))

    model = Model(shuffle)
    assert read(model, passages(8)) == [facts(name) for name in NAMES]
    assert [len(asked.split("+")) for asked in model.asked] == [8, 1]


def test_an_unusable_part_is_asked_for_alone() -> None:
    """Only that passage is paid for again."""

    def spoil(request: Request, names: list[str]) -> Completion | None:
        text = good(request, names)
        return stop(text.replace('["Bex","town"]', '"Bex"')) if len(names) > 1 else None

    model = Model(spoil)
    assert read(model, passages(4)) == [facts(name) for name in NAMES[:4]]
    assert model.asked == ["Arn+Bex+Chur+Dorn", "Bex"]


@pytest.mark.parametrize(
    "trouble",
    [stop("Sorry, no."), ContextOverflowError("too long"), ModelError("400: filtered"), ModelOutputError("no text")],
)
def test_what_fails_as_a_whole_goes_in_halves(trouble: Completion | Exception) -> None:
    """Prose, a refusal or an overflow about four: two calls about two."""
    model = Model(lambda request, names: trouble if len(names) > 2 else None)
    assert read(model, passages(4)) == [facts(name) for name in NAMES[:4]]
    assert model.asked == ["Arn+Bex+Chur+Dorn", "Arn+Bex", "Chur+Dorn"]


def test_what_a_cut_answer_holds_is_not_asked_again() -> None:
    """Of six, the two whole parts count; the four others go in halves."""

    def cut(request: Request, names: list[str]) -> Completion | None:
        if len(names) < 6:
            return None
        text = good(request, names)
        return Completion(text[: text.index("Chur") + 12], "length", Usage())

    model = Model(cut)
    assert read(model, passages(6)) == [facts(name) for name in NAMES[:6]]
    assert model.asked[1:] == ["Chur+Dorn", "Egg+Flims"]


def test_a_refused_passage_fails_alone() -> None:
    """The others of its group have their facts: what was paid for them is not lost."""
    model = Model(lambda request, names: ModelError("400: content filter") if "Bex" in names else None)
    outcomes = read(model, passages(4))
    assert [type(outcome) for outcome in outcomes] == [Extraction, ExtractionError, Extraction, Extraction]
    assert "content filter" in str(outcomes[1])


@pytest.mark.parametrize("trouble", [ModelAuthError("401"), ModelUnavailableError("gone")])
@pytest.mark.parametrize("count", [1, 4])
def test_what_is_not_about_the_passages_is_raised(trouble: ModelError, count: int) -> None:
    """After one call."""
    model = Model(lambda request, names: trouble)
    with pytest.raises(type(trouble)):
        read(model, passages(count))
    assert len(model.requests) == 1


def test_a_refusal_of_a_single_passage_is_raised() -> None:
    """The caller decides whether it is this passage or every request."""
    with pytest.raises(ModelError, match="400"):
        read(Model(lambda request, names: ModelError("400")), passages(1))


@pytest.mark.parametrize("calls", [1, 2])
def test_never_any_json_fails_after_three_tries(calls: Any) -> None:
    """With model, tries, what was wrong, and a short quote."""
    model = Model(lambda request, names: stop("As a language model I like towns. " * 50))
    (outcome,) = read(model, passages(1), Scheme(calls=calls))
    assert isinstance(outcome, ExtractionError)
    for words in ("llama", "3 times", "no JSON object", "As a language model"):
        assert words in str(outcome)
    assert len(str(outcome)) < 700
    assert len(model.requests) == 3


def test_a_model_that_never_answers_in_json_costs_a_bounded_number_of_calls() -> None:
    """A group of eight: its halves, and three tries for each passage."""
    model = Model(lambda request, names: stop("no"))
    assert all(isinstance(outcome, ExtractionError) for outcome in read(model, passages(8)))
    assert Counter(len(asked.split("+")) for asked in model.asked) == {8: 1, 4: 2, 2: 4, 1: 24}


def test_a_second_try_says_what_was_wrong() -> None:
    """At temperature 0 the same words would get the same answer."""
    answers = iter(["Sorry.", None])
    model = Model(lambda request, names: None if (text := next(answers)) is None else stop(text))
    assert read(model, passages(1)) == [facts("Arn")]
    first, second = model.requests
    assert first.messages[0] != second.messages[0]
    assert "holds no JSON object" in second.messages[0]["content"]
    assert "Sorry" not in second.messages[0]["content"]
    assert first.max_tokens == second.max_tokens


def test_a_cut_answer_gets_twice_the_room() -> None:
    """And then twice that, and then it fails as cut."""
    model = Model(lambda request, names: Completion('{"entities":["Ar', "length", Usage()))
    (outcome,) = read(model, passages(1))
    assert "cut off" in str(outcome)
    first, second, third = (request.max_tokens for request in model.requests)
    assert (second, third) == (2 * first, 4 * first)


def test_thinking_that_used_up_the_room_gets_more() -> None:
    """The client reports it as an answer without text."""
    answers = iter([ModelOutputError("used up max_tokens before its answer began"), None])
    model = Model(lambda request, names: next(answers))
    assert read(model, passages(1)) == [facts("Arn")]
    assert model.requests[1].max_tokens == 2 * model.requests[0].max_tokens


def long_passage(towns: Sequence[str]) -> PassageText:
    return PassageText("p", "Towns", " ".join(f"{name} is a town." for name in towns))


@pytest.mark.parametrize("fits", [1, 2, 4])
@pytest.mark.parametrize("calls", [1, 2])
def test_a_passage_that_overflows_is_read_in_halves(fits: int, calls: Any) -> None:
    """Down to what fits; cut at sentence ends; all facts in order, what two parts say is said once."""

    def overflow(request: Request, names: list[str]) -> Completion | Exception:
        if len(names) > fits:
            return ContextOverflowError("maximum context length")
        answer = {"entities": [*names, "town"], "triples": [[name, "is a", "town"] for name in [*names, "Zug"]]}
        return stop(json.dumps(answer))

    model = Model(overflow)
    (outcome,) = read(model, [long_passage(NAMES)], Scheme(calls=calls))
    assert isinstance(outcome, Extraction)
    assert sorted(t.subject for t in outcome.triples) == sorted([*NAMES, "Zug"])
    assert outcome.entities.count("town") == 1
    assert set(outcome.entities) == {*NAMES, "town"}
    assert all(request.messages[-1]["content"].startswith("Passage:\nTowns\n") for request in model.requests)


def test_halves_share_the_limit_of_triples() -> None:
    """A model that runs in circles in each part is cut as it is in one."""

    def answer(request: Request, names: list[str]) -> Completion | Exception:
        if len(names) > 4:
            return ContextOverflowError("too long")
        return stop(json.dumps({"entities": [], "triples": [[names[0], "n", str(n)] for n in range(MAX_TRIPLES)]}))

    (outcome,) = read(Model(answer), [long_passage(NAMES)])
    assert len(outcome.triples) == MAX_TRIPLES


def test_a_passage_that_never_fits_fails_with_the_reason() -> None:
    """One sentence cannot be cut; the parts before it are not taken for the whole."""
    model = Model(lambda request, names: ContextOverflowError("the context has 64 tokens") if "Horn" in names else None)
    (outcome,) = read(model, [long_passage(NAMES)])
    assert isinstance(outcome, ExtractionError)
    assert "64 tokens" in str(outcome)
