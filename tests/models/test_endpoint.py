"""Embeddings over real HTTP: right vectors, checked answers, errors that say what to do."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np
import pytest

from hippomem.errors import (
    ConfigError,
    ModelAuthError,
    ModelError,
    ModelOutputError,
    ModelRateLimitError,
    ModelUnavailableError,
)
from hippomem.models.embedder import Embedder
from hippomem.models.endpoint import PROBE_TEXT, EndpointEmbedder
from hippomem.testing import Fault, HashEmbedder, LoopbackServer


def open_embedder(server: LoopbackServer, **options: Any) -> EndpointEmbedder:
    """An embedder on that server that never really sleeps."""
    return EndpointEmbedder("loopback", server.base_url, **{"sleep": lambda seconds: None, "max_retries": 2, **options})


def test_vectors_are_the_servers() -> None:
    """Vectors come back in the order of the texts, as float32 unit rows, over base64."""
    texts = ["Rome is in Italy", "Paris is in France", "São Paulo 北京"]
    with LoopbackServer() as server, open_embedder(server) as embedder:
        assert isinstance(embedder, Embedder)
        np.testing.assert_allclose(embedder.embed(texts), HashEmbedder().embed(texts), atol=1e-7)
        assert embedder.embed(texts).dtype == np.float32
        assert server.requests[0].body["encoding_format"] == "base64"


def test_lists_of_floats_are_understood_too() -> None:
    """A server that ignores the base64 wish and sends plain numbers gives the same vectors."""

    def as_lists(answer: dict[str, Any]) -> dict[str, Any]:
        for item, vector in zip(answer["data"], HashEmbedder().embed(["a b", "c"]), strict=True):
            item["embedding"] = vector.tolist()
        return answer

    with LoopbackServer(faults=[Fault(answer=as_lists)]) as server, open_embedder(server) as embedder:
        np.testing.assert_allclose(embedder.embed(["a b", "c"]), HashEmbedder().embed(["a b", "c"]), atol=1e-7)


def test_requests_are_bounded_in_texts_and_letters() -> None:
    """No request carries more texts or letters than allowed, save a single long text; nothing is lost."""
    texts = [f"text {n} " + "x" * (40 if n % 3 else 5) for n in range(20)] + ["y" * 500]
    with LoopbackServer() as server, open_embedder(server, batch_texts=4, batch_chars=120) as embedder:
        seen: list[int] = []
        vectors = embedder.embed(texts, progress=seen.append)
        sent = [request.body["input"] for request in server.requests]
    assert list(chain.from_iterable(sent)) == texts
    assert all(len(batch) <= 4 for batch in sent)
    assert all(sum(map(len, batch)) <= 120 or len(batch) == 1 for batch in sent)
    assert sum(seen) == len(texts)
    np.testing.assert_allclose(vectors, HashEmbedder().embed(texts), atol=1e-7)


def test_equal_texts_are_sent_once() -> None:
    """Duplicates cost nothing and get the same row; progress counts them."""
    seen: list[int] = []
    with LoopbackServer() as server, open_embedder(server) as embedder:
        vectors = embedder.embed(["a", "b", "a"], progress=seen.append)
        assert server.requests[0].body["input"] == ["a", "b"]
    assert vectors[0].tobytes() == vectors[2].tobytes()
    assert sum(seen) == 3


def test_empty_text_and_half_a_surrogate_can_be_embedded() -> None:
    """What an endpoint would refuse is replaced before it is sent."""
    with LoopbackServer() as server, open_embedder(server) as embedder:
        assert embedder.embed(["", "\ud800"]).shape == (2, 64)
        assert server.requests[0].body["input"] == [" ", "?"]


def test_no_texts_give_no_rows_of_the_right_width() -> None:
    """An empty call has shape (0, dimension)."""
    with LoopbackServer(embedder=HashEmbedder(32)) as server, open_embedder(server) as embedder:
        assert embedder.embed([]).shape == (0, 32)


def test_identity_is_a_probe_vector_asked_for_once() -> None:
    """The identity is name, dimension and the vector of a fixed text; it costs one request."""
    with LoopbackServer() as server, open_embedder(server) as embedder:
        identity = embedder.identity
        assert embedder.identity is identity
        assert len(server.requests) == 1
    assert (identity.name, identity.dimension, identity.fingerprint) == ("loopback", 64, "")
    assert math.isclose(float(np.dot(identity.probe, HashEmbedder().embed([PROBE_TEXT])[0])), 1, abs_tol=1e-6)


def test_prompts_go_before_the_text_by_role() -> None:
    """Queries get the query prompt, everything else the passage prompt."""
    options = {"query_prompt": "query: ", "passage_prompt": "passage: "}
    with LoopbackServer() as server, open_embedder(server, **options) as embedder:
        embedder.embed(["x"], role="query")
        embedder.embed(["x"], role="fact")
        assert [request.body["input"] for request in server.requests] == [["query: x"], ["passage: x"]]


def test_fewer_dimensions_can_be_asked_for() -> None:
    """``dimensions`` is sent along, and shortened vectors are unit length again."""
    with LoopbackServer() as server, open_embedder(server, dimensions=16) as embedder:
        vectors = embedder.embed(["the hippocampus keeps an index of what the neocortex stores"])
    assert vectors.shape == (1, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors), 1, rtol=1e-6)


def answered(**changes: Any) -> Fault:
    """An answer with one vector, changed."""
    item = {"object": "embedding", "index": 0, "embedding": [3.0, 4.0]} | changes
    return Fault.raw({"object": "list", "model": "m", "data": [item], "usage": {"prompt_tokens": 1, "total_tokens": 1}})


def test_vectors_are_normalised() -> None:
    """(3, 4) has length 5, so it comes back as (0.6, 0.8)."""
    with LoopbackServer(faults=[answered()]) as server, open_embedder(server) as embedder:
        np.testing.assert_allclose(embedder.embed(["x"]), [[0.6, 0.8]], rtol=1e-6)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answered(embedding=[0.0, 0.0]), "zero or not finite"),
        (answered(embedding=[math.nan, 1.0]), "zero or not finite"),
        (answered(embedding=[math.inf, 1.0]), "zero or not finite"),
        (answered(embedding=[]), "not lists of numbers"),
        (answered(embedding=[[1.0]]), "not lists of numbers"),
        (answered(embedding=["a"]), "not of numbers"),
        (answered(embedding=None), "not lists of numbers"),
        (answered(embedding="%%%"), r"not of numbers|not lists of numbers"),
        (answered(index=7), "numbered"),
        (answered(index=[0]), "numbered"),
        (Fault.raw({"object": "list", "data": []}), "0 vectors for 1 texts"),
        (Fault.raw({"unrelated": True}), "no vectors for 1 texts"),
        (Fault.raw("<html>hello</html>"), "no vectors for 1 texts"),
        (Fault.raw({"data": "none"}), "no vectors for 1 texts"),
    ],
)
def test_bad_vectors_are_model_output_errors(fault: Fault, words: str) -> None:
    """An answer that is not one finite vector a text never gets through."""
    with (
        LoopbackServer(faults=[fault]) as server,
        open_embedder(server) as embedder,
        pytest.raises(ModelOutputError, match=words),
    ):
        embedder.embed(["x"])


def test_a_missing_vector_is_noticed() -> None:
    """Two texts and one vector is an error with both numbers."""
    with (
        LoopbackServer(faults=[answered()]) as server,
        open_embedder(server) as embedder,
        pytest.raises(ModelOutputError, match="1 vectors for 2 texts"),
    ):
        embedder.embed(["x", "y"])


def test_order_is_by_index() -> None:
    """A server may answer in any order; the index decides."""
    swapped = Fault(answer=lambda answer: {**answer, "data": answer["data"][::-1]})
    with LoopbackServer(faults=[swapped]) as server, open_embedder(server) as embedder:
        np.testing.assert_allclose(embedder.embed(["a", "b"]), HashEmbedder().embed(["a", "b"]), atol=1e-7)


def test_a_change_of_dimension_is_noticed() -> None:
    """Vectors of another length than before are refused: the model behind the URL was changed."""
    with LoopbackServer(faults=[None, answered()]) as server, open_embedder(server) as embedder:
        embedder.embed(["x"])
        with pytest.raises(ModelOutputError, match="2 dimensions where 64 were expected"):
            embedder.embed(["x"])


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault.refused_key(), ModelAuthError, "OPENAI_API_KEY"),
        (Fault.rate_limited(), ModelRateLimitError, "after 3 tries"),
        (Fault.failed(503), ModelUnavailableError, "after 3 tries"),
        (Fault.disconnected(), ModelUnavailableError, "cannot be reached after 3 tries"),
        (Fault.raw({"error": {"message": "no model m"}}, status=404), ModelUnavailableError, "check the model's name"),
        (Fault.bad_request("input is too long"), ModelError, "input is too long"),
    ],
)
def test_failures_name_endpoint_model_and_remedy(fault: Fault, error: type[ModelError], words: str) -> None:
    """Each failure is its own error; every message has the model, the URL and what to do."""
    with LoopbackServer(faults=lambda request: fault) as server, open_embedder(server) as embedder:
        with pytest.raises(error, match=words) as caught:
            embedder.embed(["x"])
        assert type(caught.value) is error
        assert "'loopback'" in str(caught.value)
        assert server.base_url in str(caught.value)
        assert caught.value.__cause__ is not None


def test_a_failure_that_passes_is_not_seen() -> None:
    """After a 503 and a 429 the third try gives the vectors."""
    with (
        LoopbackServer(faults=[Fault.failed(503), Fault.rate_limited(1)]) as server,
        open_embedder(server) as embedder,
    ):
        assert embedder.embed(["x"]).shape == (1, 64)
        assert len(server.requests) == 3


def test_environment_gives_url_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_BASE_URL and OPENAI_API_KEY are the defaults; a server without keys gets "none"."""
    with LoopbackServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        with EndpointEmbedder("m") as embedder:
            embedder.embed(["x"])
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        with EndpointEmbedder("m") as embedder:
            embedder.embed(["x"])
        assert [r.headers["authorization"] for r in server.requests] == ["Bearer none", "Bearer secret"]


def test_no_key_and_no_url_is_a_config_error() -> None:
    """Without a key and a URL nothing is sent anywhere; the message names both variables."""
    with pytest.raises(ConfigError, match="OPENAI_API_KEY, or OPENAI_BASE_URL"):
        EndpointEmbedder("m")


def test_no_model_is_a_config_error() -> None:
    """A model must be named."""
    with pytest.raises(ConfigError, match="no model"):
        EndpointEmbedder("", "http://127.0.0.1:9/v1")
