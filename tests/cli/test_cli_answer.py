"""``hippomem answer``: a trail without a model, words with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.models.openai_client import OpenAIConnection
from hippomem.testing import Fault, LoopbackServer

Run = Callable[..., Any]
QUESTION = "Which instrument does the one who commands the RV Petrel play?"


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint of the developer's own, and waiting between attempts takes no time."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    defaults: Any = OpenAIConnection.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "sleep", lambda _: None)


def reads(server: LoopbackServer) -> list[str]:
    """The options of a model at *server*."""
    return ["--llm-model", "loopback", "--llm-base-url", server.base_url]


def test_without_a_model_it_draws_the_trail(run: Run, harbour: Path) -> None:
    """Ship, the name of its captain, captain: in this order, each with its sentence."""
    ran = run("answer", QUESTION, "--store", harbour)
    assert ran.code == 0
    said = [
        "RV Petrel",
        "“The RV Petrel is commanded by Ilse Varnholt.”",
        "↓ Ilse Varnholt",
        "bassoon in an orchestra.”",
    ]
    assert all(part in ran.out for part in said)
    assert [ran.out.index(part) for part in said] == sorted(ran.out.index(part) for part in said)


def test_a_retriever_that_stepped_back_says_so(run: Run, harbour: Path) -> None:
    """The note of the search stands above the trail."""
    ran = run("answer", "who plays?", "--store", harbour, "--retriever", "hipporag1")
    assert ran.out.startswith("note: the query names no entity: dense ranking")


def test_the_trail_as_json(run: Run, harbour: Path) -> None:
    """A program gets steps with ids, and the search they were found in, of k hits."""
    told = run("answer", QUESTION, "--store", harbour, "--k", "2", "--json").json
    assert told["kind"] == "trail"
    assert [step["source_ids"] for step in told["steps"]] == [["ship"], ["captain"]]
    assert len(told["retrieval"]["hits"]) == 2


def test_with_a_model_it_says_the_answer_and_what_it_cost(run: Run, harbour: Path) -> None:
    """The answer first, then reasoning, passages and tokens; the same as JSON."""
    with LoopbackServer(lambda _: "Thought: Ilse Varnholt commands it.\nAnswer: the bassoon") as server:
        ran = run("answer", QUESTION, "--store", harbour, *reads(server))
        told = run("answer", QUESTION, "--store", harbour, *reads(server), "--json").json
    assert ran.out.splitlines()[0] == "the bassoon"
    assert "Ilse Varnholt commands it." in ran.out
    assert "1 calls" not in ran.out
    assert "1 call, " in ran.out
    assert (told["kind"], told["text"], told["read"], told["usage"]["calls"]) == ("answer", "the bassoon", 3, 1)


def test_steps_show_the_thoughts(run: Run, harbour: Path) -> None:
    """--steps lets the model think between searches; its thoughts are numbered."""
    said = iter(["The RV Petrel is commanded by Ilse Varnholt.", "So the answer is: bassoon.", "Answer: bassoon"])
    with LoopbackServer(lambda _: next(said)) as server:
        ran = run("answer", QUESTION, "--store", harbour, *reads(server), "--steps", "3")
    assert ran.code == 0
    assert "thought 1  The RV Petrel is commanded by Ilse Varnholt." in ran.out
    assert "3 calls" in ran.out


def test_an_output_without_the_form_is_flagged(run: Run, harbour: Path) -> None:
    """A person sees that the words may hold more than the answer."""
    with LoopbackServer(lambda _: "It is the bassoon.") as server:
        ran = run("answer", QUESTION, "--store", harbour, *reads(server))
    assert ran.out.splitlines()[0] == "It is the bassoon."
    assert "note: it has no “Answer:”" in ran.out


def test_a_model_that_fails_is_code_7(run: Run, harbour: Path) -> None:
    """An error line and no answer."""
    with LoopbackServer(faults=lambda _: Fault.refused_key()) as server:
        ran = run("answer", QUESTION, "--store", harbour, *reads(server))
    assert (ran.code, ran.out, ran.err.startswith("error: ")) == (7, "", True)


@pytest.mark.parametrize("options", [["--steps", "2"], ["--llm-base-url", "http://127.0.0.1:9/v1"]])
def test_options_that_need_a_model_are_code_2(run: Run, harbour: Path, options: list[str]) -> None:
    """What would have no effect is refused."""
    ran = run("answer", QUESTION, "--store", harbour, *options)
    assert (ran.code, "--llm-model" in ran.err) == (2, True)


def test_an_empty_namespace_is_no_match(run: Run, harbour: Path) -> None:
    """Nothing stored, nothing found: said, and no error; with a model it is not even asked."""
    assert run("answer", QUESTION, "--store", harbour, "--namespace", "other").out == "no match.\n"
    with LoopbackServer() as server:
        ran = run("answer", QUESTION, "--store", harbour, "--namespace", "other", *reads(server))
        assert (ran.code, ran.out, server.requests) == (0, "no match.\n", [])
