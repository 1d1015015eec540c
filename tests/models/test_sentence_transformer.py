"""Any sentence-transformers model as an embedder; needs torch, so all of it is marked slow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hippomem.errors import ModelFilesError
from hippomem.models.embedder import Embedder
from hippomem.models.minilm import MiniLM
from hippomem.models.minilm_files import package_folder
from hippomem.models.sentence_transformer import SentenceTransformerEmbedder

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    """The embedded model's files through sentence-transformers."""
    return SentenceTransformerEmbedder(package_folder(), device="cpu")


def test_it_agrees_with_the_embedded_model(embedder: SentenceTransformerEmbedder) -> None:
    """Same files, same vectors: cosine at least 0.9999, in the order of the texts, duplicates included."""
    assert isinstance(embedder, Embedder)
    texts = ["Rome", "a much longer sentence about the hippocampus", "", "北京", "Rome", "\ud800"]
    seen: list[int] = []
    vectors = embedder.embed(texts, progress=seen.append)
    assert (vectors.shape, vectors.dtype, sum(seen)) == ((6, 384), np.float32, 6)
    assert (vectors * MiniLM().embed(texts)).sum(axis=1).min() >= 0.9999


def test_no_texts_give_no_rows(embedder: SentenceTransformerEmbedder) -> None:
    """An empty call has shape (0, dimension)."""
    assert embedder.embed([]).shape == (0, 384)


def test_the_fingerprint_is_the_models(embedder: SentenceTransformerEmbedder) -> None:
    """Two objects of one model agree, before and after use; another prompt is another fingerprint."""
    identity = embedder.identity
    embedder.embed(["x", "a longer one"])
    again = SentenceTransformerEmbedder(str(package_folder()), device="cpu")
    again.embed(["something else entirely"])
    assert again.identity == identity
    assert (identity.name, identity.dimension, len(identity.fingerprint)) == ("model", 384, 64)
    prompted = SentenceTransformerEmbedder(package_folder(), device="cpu", query_prompt="query: ")
    assert prompted.identity.fingerprint != identity.fingerprint


def test_queries_get_the_query_prompt() -> None:
    """A given prompt goes before queries only; the model's own is used when none is given."""
    prompted = SentenceTransformerEmbedder(package_folder(), device="cpu", query_prompt="query: ")
    plain, asked = prompted.embed(["query: x"]), prompted.embed(["x"], role="query")
    np.testing.assert_allclose(plain, asked, atol=1e-6)
    own = SentenceTransformerEmbedder(package_folder(), device="cpu")
    own._load().prompts["query"] = "query: "
    np.testing.assert_allclose(own.embed(["x"], role="query"), plain, atol=1e-6)


def test_a_folder_without_a_model_is_a_model_files_error(tmp_path: Path) -> None:
    """An empty folder is an error that names it."""
    with pytest.raises(ModelFilesError, match="check the name or folder"):
        SentenceTransformerEmbedder(tmp_path).embed(["x"])
