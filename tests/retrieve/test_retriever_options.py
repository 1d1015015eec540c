"""An LLM on the query path, over real HTTP: through `Memory(options=…)`, what it says is what the walk starts from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from hippomem.errors import ConfigError, ModelError, ModelOutputError, ModelUnavailableError
from hippomem.memory import Memory
from hippomem.models.llm import OpenAIChat
from hippomem.retrieve import RETRIEVERS
from hippomem.retrieve.options import USED_BY, OptionName, RetrieverOptions, model_options
from hippomem.retrieve.query_entities import LlmQueryEntities
from hippomem.retrieve.recognition import LlmFactFilter
from hippomem.testing import Fault, HashEmbedder, LoopbackServer
from hippomem.testing.loopback import Chat
from hippomem.testing.toy import TOY_DOCUMENTS, TOY_QUESTION
from hippomem.types import SearchResult

#: Names nothing that the toy memory knows.
NAMELESS = "where did she who built it keep bees?"

Options = Callable[[OpenAIChat], RetrieverOptions]


def filtering(llm: OpenAIChat) -> RetrieverOptions:
    """Options with a fact filter."""
    return RetrieverOptions(fact_filter=LlmFactFilter(llm))


def naming(llm: OpenAIChat) -> RetrieverOptions:
    """Options with names by the LLM."""
    return RetrieverOptions(query_entities=LlmQueryEntities(llm))


def search(
    query: str, chat: Chat, options: Options, retriever: str = "hippomem", faults: Any = ()
) -> tuple[SearchResult, int]:
    """What the toy memory answers when the LLM answers so, and the number of requests that it took."""
    with (
        LoopbackServer(chat, faults=faults) as server,
        OpenAIChat("loopback", server.base_url, sleep=lambda seconds: None, max_retries=1) as llm,
        Memory(embedder=HashEmbedder(dimension=256), options=options(llm)) as memory,
    ):
        memory.add_many(TOY_DOCUMENTS)
        return memory.search(query, retriever=retriever), len(server.requests)


def plain(query: str, retriever: str = "hippomem") -> SearchResult:
    """The same without an LLM."""
    with Memory(embedder=HashEmbedder(dimension=256)) as memory:
        memory.add_many(TOY_DOCUMENTS)
        return memory.search(query, retriever=retriever)


def seeds(result: SearchResult) -> dict[str, float]:
    """The entities that the walk started from, with their share."""
    assert result[0].why is not None
    return {seed.name: seed.weight for seed in result[0].why.seeds if seed.kind == "entity"}


def keeping(word: str) -> Chat:
    """An LLM that keeps the listed facts that hold *word*."""

    def chat(messages: list[dict[str, Any]]) -> str:
        listed = [line for line in str(messages[-1]["content"]).splitlines() if line.startswith("[")]
        return json.dumps({"fact": [json.loads(line) for line in listed if word in line]})

    return chat


def said(*names: str) -> Chat:
    """An LLM that finds these names."""
    return lambda messages: json.dumps({"entities": names})


def ranking(result: SearchResult) -> list[tuple[str, float]]:
    """Hits as ids and scores."""
    return [(hit.passage_id, hit.score) for hit in result]


def test_the_walk_starts_from_the_facts_that_the_llm_keeps() -> None:
    """hippomem seeds the names of the one fact kept, and no name of another fact."""
    assert "Harrowmere" in seeds(plain(NAMELESS))
    result, calls = search(NAMELESS, keeping("Quillmoth"), filtering)
    assert set(seeds(result)) == {"Tessaly Vorn", "Quillmoth Island"}
    assert (result.note, calls) == ("", 1)


def test_hippomem_steps_back_to_names_and_passages_when_no_fact_is_kept() -> None:
    """The only entity left is the one that the query names; the note says why, and there are hits."""
    result, _ = search(TOY_QUESTION, keeping("nothing has this"), filtering)
    assert result.note == "the LLM kept no fact: seeds are names and passages"
    assert set(seeds(result)) == {"Ombra Clock"}
    assert len(result) == len(TOY_DOCUMENTS)
    assert result[0].why is not None
    assert result[0].why.note == result.note
    assert any(seed.kind == "passage" for seed in result[0].why.seeds)


def test_a_query_without_names_and_facts_is_left_with_its_passages() -> None:
    """Neither the LLM nor the query gives an entity: passages alone are seeds, and nothing breaks."""
    result, _ = search(NAMELESS, keeping("nothing has this"), filtering)
    assert seeds(result) == {}
    assert len(result) == len(TOY_DOCUMENTS)


def test_a_name_that_the_graph_knows_becomes_a_seed() -> None:
    """However the LLM writes it; its weight is what a name in the query itself would have."""
    assert "Sorrel Tower" not in seeds(plain(NAMELESS))
    result, calls = search(NAMELESS, said("the", "SORREL  tower"), naming)
    assert "Sorrel Tower" in seeds(result)
    assert calls == 1


def test_a_name_that_the_graph_does_not_know_does_nothing() -> None:
    """hippomem ranks as without the LLM, bit for bit; so does a list without names."""
    for chat in (said("Kubla Khan", "***", ""), said()):
        result, _ = search(TOY_QUESTION, chat, naming)
        assert (ranking(result), seeds(result)) == (ranking(plain(TOY_QUESTION)), seeds(plain(TOY_QUESTION)))


def test_hipporag1_takes_the_llm_s_names_in_place_of_its_own() -> None:
    """The names are linked to their nearest phrases; without any, the ranking is dense and says so."""
    result, _ = search(TOY_QUESTION, said("Sorrel Tower"), naming, "hipporag1")
    assert seeds(result) == {"Sorrel Tower": 1.0}
    nothing, _ = search(TOY_QUESTION, said(), naming, "hipporag1")
    assert nothing.note == "the query names no entity: dense ranking"


@pytest.mark.parametrize("options", [filtering, naming])
@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (lambda request: Fault.failed(), ModelUnavailableError),
        (lambda request: Fault.wrong_types('{"fact": "none", "entities": 3}'), ModelOutputError),
        (lambda request: Fault.wrong_types("I would rather not."), ModelOutputError),
    ],
)
def test_a_search_whose_llm_breaks_is_an_error(options: Options, faults: Any, error: type[ModelError]) -> None:
    """A failure is raised through `Memory.search`; it never becomes a ranking of lower quality."""
    with pytest.raises(error):
        search(TOY_QUESTION, said(), options, faults=faults)


def both(llm: OpenAIChat) -> RetrieverOptions:
    """Options with both parts, as a command line makes them."""
    return model_options(llm, llm_filter=True, llm_entities=True)


def test_both_parts_work_together_and_read_through_prose() -> None:
    """Two calls; the names are seeds beside the facts kept."""

    def chat(messages: list[dict[str, Any]]) -> str:
        about_facts = "\nFacts:\n" in str(messages[-1]["content"])
        return (keeping("Quillmoth") if about_facts else said("Sorrel Tower"))(messages) or ""

    result, calls = search(NAMELESS, chat, both, faults=lambda request: Fault.prose_around_json())
    assert set(seeds(result)) == {"Tessaly Vorn", "Quillmoth Island", "Sorrel Tower"}
    assert calls == 2


@pytest.mark.parametrize("retriever", RETRIEVERS)
@pytest.mark.parametrize("part", ["fact_filter", "query_entities"])
def test_a_part_is_used_or_refused(retriever: str, part: OptionName) -> None:
    """An option is never left out without a word: it asks the LLM, or is an error that names who can use it."""
    options = filtering if part == "fact_filter" else naming
    chat = keeping("Quillmoth") if part == "fact_filter" else said("Ombra Clock")
    if retriever in USED_BY[part]:
        assert search(TOY_QUESTION, chat, options, retriever)[1] == 1
    else:
        usable = " or ".join(USED_BY[part])
        with pytest.raises(ConfigError, match=f"retriever '{retriever}' has no place for .* use it with {usable}, or"):
            search(TOY_QUESTION, chat, options, retriever)


def test_every_option_is_in_the_table() -> None:
    """The table of who uses what has each field of the options."""
    assert set(USED_BY) == set(get_args(OptionName)) == set(RetrieverOptions.__slots__)


def test_asking_an_llm_needs_one() -> None:
    """What is asked for without a model to ask is an error that says what to give."""
    with pytest.raises(ConfigError, match="--llm-model NAME"):
        model_options(None, llm_filter=True)
    assert model_options(None) == RetrieverOptions()
