"""A question asked again is not encoded again, and nothing else is kept."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from eval.counting import CountingEmbedder, counting
from hippomem.errors import ConfigError, ModelUnavailableError
from hippomem.memory import Memory
from hippomem.models.embedder import QueryVectors, TokenEmbedder, embed_query
from hippomem.models.minilm import MiniLM
from hippomem.models.query_cache import LONGEST, QueryCache, with_query_cache
from hippomem.testing import HashEmbedder


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    """One model for all tests: loading it is slow, sharing it is safe."""
    return MiniLM()


def test_a_query_is_encoded_once(minilm: MiniLM) -> None:
    """Asked again, as a whole or with its tokens, it costs no call, and has the same bytes."""
    encoder = counting(minilm)
    cached = with_query_cache(encoder, 4)
    assert isinstance(cached, TokenEmbedder)
    first = embed_query(cached, "Where is it?")
    again = embed_query(cached, "Where is it?")
    vector = cached.embed(["Where is it?"], role="query")[0]
    assert encoder.done.calls == 1
    assert again.words == first.words
    assert again.tokens.tobytes() == first.tokens.tobytes() == minilm.embed_query("Where is it?").tokens.tobytes()
    assert vector.tobytes() == first.vector.tobytes()


def test_the_vector_alone_is_kept_with_its_tokens(minilm: MiniLM) -> None:
    """The other way round: ``embed`` first, then the tokens."""
    encoder = counting(minilm)
    cached = with_query_cache(encoder, 4)
    cached.embed(["Where is it?"], role="query")
    assert len(embed_query(cached, "Where is it?").tokens) == 4
    assert encoder.done.calls == 1


def test_passages_facts_and_names_are_not_kept() -> None:
    """Each call of another role reaches the encoder, and so do several queries at once."""
    encoder = counting(HashEmbedder())
    cached = with_query_cache(encoder, 4)
    for _ in range(2):
        for role in ("passage", "fact", "entity"):
            cached.embed(["text"], role=role)  # type: ignore[arg-type]
        cached.embed(["text", "other"], role="query")
        cached.embed(["text"])
    assert encoder.done.calls == 10


def test_an_encoder_without_tokens_is_cached_too() -> None:
    """The narrow seam stays narrow."""
    encoder = CountingEmbedder(HashEmbedder())
    cached = with_query_cache(encoder, 4)
    assert not isinstance(cached, TokenEmbedder)
    assert embed_query(cached, "q").vector.tobytes() == embed_query(cached, "q").vector.tobytes()
    assert encoder.done.calls == 1
    assert cached.identity == encoder.identity


def test_the_query_asked_longest_ago_goes_first() -> None:
    """Of three, two are kept: those asked last."""
    encoder = CountingEmbedder(HashEmbedder())
    cached = with_query_cache(encoder, 2)
    for query, calls in (("a", 1), ("b", 2), ("a", 2), ("c", 3), ("a", 3), ("b", 4)):
        embed_query(cached, query)
        assert encoder.done.calls == calls, query


def test_a_long_query_is_not_kept(minilm: MiniLM) -> None:
    """A pasted page would take as much memory as ten questions."""
    encoder = counting(minilm)
    cached = with_query_cache(encoder, 4)
    for _ in range(2):
        embed_query(cached, "word " * (LONGEST + 1))
    assert encoder.done.calls == 2


def test_kept_vectors_cannot_be_changed() -> None:
    """A caller that writes into a vector would change the next one's."""
    cached = with_query_cache(HashEmbedder(), 4)
    with pytest.raises(ValueError, match="read-only"):
        embed_query(cached, "q").vector[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        cached.embed(["q"], role="query")[0, 0] = 1.0


def test_progress_is_reported_from_the_cache() -> None:
    """One text is one text, encoded or not."""
    cached, seen = with_query_cache(HashEmbedder(), 4), []
    for _ in range(2):
        cached.embed(["q"], role="query", progress=seen.append)
    assert seen == [1, 1]


def test_no_cache_is_the_embedder_itself() -> None:
    """Zero keeps nothing; a negative number is a mistake."""
    embedder = HashEmbedder()
    assert with_query_cache(embedder, 0) is embedder
    with pytest.raises(ConfigError, match="query_cache=-1"):
        with_query_cache(embedder, -1)


def test_threads_may_share_it() -> None:
    """Eight threads over more queries than are kept: each gets the vector of its query."""
    plain = HashEmbedder()
    cached = with_query_cache(plain, 3)
    wrong: list[str] = []

    def ask(seed: int) -> None:
        for number in np.random.default_rng(seed).integers(0, 9, 200):
            query = f"query {number}"
            if not np.array_equal(embed_query(cached, query).vector, plain.embed([query], role="query")[0]):
                wrong.append(query)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(("query_cache", "calls"), [(256, 1), (0, 2)])
def test_a_memory_encodes_a_question_once(query_cache: int, calls: int) -> None:
    """Also when the memory has changed in between, which does not change the question."""
    encoder = counting(HashEmbedder())
    with Memory(":memory:", embedder=encoder, query_cache=query_cache) as memory:
        memory.add("Ada Lovelace wrote the first program.")
        before = encoder.done
        first = memory.search("Who wrote the first program?")
        assert memory.search("Who wrote the first program?").hits == first.hits
        assert (encoder.done - before).calls == calls
        memory.add("Charles Babbage built no engine.")
        before = encoder.done
        memory.search("Who wrote the first program?")
        assert (encoder.done - before).calls == calls - 1


def test_another_model_starts_with_no_questions() -> None:
    """After `reembed` a question has the new model's vector."""
    old, new = counting(HashEmbedder()), counting(HashEmbedder(dimension=48))
    with Memory(":memory:", embedder=old) as memory:
        memory.add("Ada Lovelace wrote the first program.")
        memory.search("Who wrote the first program?")
        memory.reembed(new)
        before = new.done
        memory.search("Who wrote the first program?")
        assert (new.done - before).calls == 1


def test_the_harness_measures_encodings_not_the_cache() -> None:
    """Memories that `eval` opens keep no questions."""
    from eval.systems import hippomem_engine

    encoder = counting(HashEmbedder())
    with hippomem_engine().open(":memory:", embedder=encoder) as memory:
        memory.add("Ada Lovelace wrote the first program.")
        before = encoder.done
        for _ in range(2):
            memory.search("Who wrote the first program?")
        assert (encoder.done - before).calls == 2


def test_a_query_asked_for_ahead_is_at_hand_until_all_who_wait_have_it() -> None:
    """A long one too, which is not kept otherwise; afterwards it is encoded again."""
    encoder = counting(HashEmbedder())
    cached = with_query_cache(encoder, 4)
    assert isinstance(cached, QueryCache)
    long = " ".join(f"word{number}" for number in range(LONGEST + 1))
    first, second = cached.ahead(long, "short"), cached.ahead(long)
    first.__enter__()
    second.__enter__()
    assert encoder.done.calls == 2
    found = embed_query(cached, long)
    first.__exit__(None, None, None)
    assert embed_query(cached, long) is found
    assert encoder.done.calls == 2
    second.__exit__(None, None, None)
    embed_query(cached, "short")
    assert encoder.done.calls == 2
    assert embed_query(cached, long).vector.tobytes() == found.vector.tobytes()
    assert encoder.done.calls == 3


def test_a_query_that_fails_ahead_leaves_nothing_behind() -> None:
    """The error is the encoder's; what was asked for before it is let go."""

    class Failing(HashEmbedder):
        def embed_query(self, text: str) -> QueryVectors:
            if text == "bad":
                raise ModelUnavailableError("the encoder is away.")
            return super().embed_query(text)

    cached = with_query_cache(Failing(), 4)
    assert isinstance(cached, QueryCache)
    with pytest.raises(ModelUnavailableError), cached.ahead("good", "bad"):
        pytest.fail("entered")
    assert not cached._ahead
