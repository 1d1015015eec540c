"""The stand-in embedder keeps the seam's promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.models.embedder import Embedder
from hippomem.testing import HashEmbedder


@given(texts=st.lists(st.text(st.characters(), max_size=40), max_size=6), dimension=st.integers(1, 100))
def test_any_text_has_a_unit_vector_with_the_same_bits_in_every_batch(texts: list[str], dimension: int) -> None:
    """Rows are float32, unit length, and byte-equal alone and together."""
    vectors = HashEmbedder(dimension).embed(texts)
    assert (vectors.shape, vectors.dtype) == ((len(texts), dimension), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    for text, vector in zip(texts, vectors, strict=True):
        assert HashEmbedder(dimension).embed([text])[0].tobytes() == vector.tobytes()


def test_shared_words_are_near() -> None:
    """Cosine falls as fewer words are shared; case and width of letters do not count."""
    a, b, c, d = HashEmbedder(256).embed(["Rome is in Italy", "Rome is old", "engine oil", "ＲＯＭＥ is in italy"])
    assert a @ d > 0.999
    assert a @ b > 0.3 > abs(a @ c)


def test_it_is_an_embedder_that_counts_its_work() -> None:
    """It fulfils the seam, remembers what was embedded, and refuses a bare string."""
    embedder, seen = HashEmbedder(), []
    assert isinstance(embedder, Embedder)
    embedder.embed(["a", "b"], progress=seen.append)
    assert (embedder.calls, seen) == ([("a", "b")], [1, 1])
    with pytest.raises(TypeError):
        embedder.embed("ab")
    with pytest.raises(ValueError, match="dimension=0"):
        HashEmbedder(0)


def test_identity_tells_models_apart() -> None:
    """Another name or dimension is another fingerprint."""
    made = [HashEmbedder(), HashEmbedder(32), HashEmbedder(name="other")]
    assert len({embedder.identity.fingerprint for embedder in made}) == 3


def test_another_process_makes_the_same_bytes() -> None:
    """Vectors do not depend on the hash seed."""
    code = "from hippomem.testing import HashEmbedder; print(HashEmbedder().embed(['Rome 北京']).tobytes().hex())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "99"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == HashEmbedder().embed(["Rome 北京"]).tobytes().hex()
