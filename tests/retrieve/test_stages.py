"""Stages have names, and each can be switched off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest

from hippomem.errors import ConfigError
from hippomem.memory import Memory
from hippomem.retrieve.hippomem import HippoMem
from hippomem.retrieve.weights import STAGES, Weights
from hippomem.testing.toy import TOY_QUESTION, TOY_SECOND_HOP, toy_memory


@pytest.fixture(scope="module")
def toy() -> Iterator[HippoMem]:
    """The default retriever over the toy memory."""
    with toy_memory() as memory:
        yield default(memory)


def default(memory: Memory) -> HippoMem:
    """The default retriever of a memory."""
    retriever = memory.retriever("hippomem")
    assert isinstance(retriever, HippoMem)
    return retriever


def test_stages_name_weights_that_there_are() -> None:
    """A stage's switch sets fields of `Weights`, and changes at least one."""
    names = {field.name for field in fields(Weights)}
    for stage, values in STAGES.items():
        assert set(values) <= names
        assert Weights().without(stage) != Weights()


def test_an_unknown_stage_is_an_error() -> None:
    """The message lists the stages."""
    with pytest.raises(ConfigError, match=r"'telepathy' is no stage.*walk, chains"):
        Weights().without("walk", "telepathy")


@pytest.mark.parametrize("stage", list(STAGES))
def test_without_a_stage_there_is_still_a_sound_ranking(toy: HippoMem, stage: str) -> None:
    """Every passage is ranked once, best first, whatever is switched off."""
    result = toy.variant(Weights().without(stage)).search(TOY_QUESTION, k=20)
    assert len({hit.passage_id for hit in result}) == 10
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)


@pytest.mark.parametrize("stage", ["walk", "fact-seeds", "lexical", "chains", "titles"])
def test_a_stage_makes_a_difference(toy: HippoMem, stage: str) -> None:
    """Without it the scores of the toy question are others."""
    full = {hit.passage_id: hit.score for hit in toy.search(TOY_QUESTION, k=20)}
    without = {hit.passage_id: hit.score for hit in toy.variant(Weights().without(stage)).search(TOY_QUESTION, k=20)}
    assert full != without


def test_the_second_hop_needs_the_graph(toy: HippoMem) -> None:
    """The passage that shares no word with the question is second by the walk, and not without walk, chains and links."""
    assert toy.search(TOY_QUESTION, k=2)[1].source_ids == (TOY_SECOND_HOP,)
    likeness = toy.variant(Weights().without("walk", "chains", "links", "fact-seeds", "mention-seeds"))
    assert TOY_SECOND_HOP not in [hit.source_ids[0] for hit in likeness.search(TOY_QUESTION, k=2)]


def test_a_variant_with_the_same_weights_ranks_the_same(toy: HippoMem) -> None:
    """What a variant shares with its origin is what it would have made itself."""
    fresh = [(hit.passage_id, hit.score) for hit in toy.search(TOY_QUESTION, k=20)]
    assert [(hit.passage_id, hit.score) for hit in toy.variant(Weights()).search(TOY_QUESTION, k=20)] == fresh
