"""Cross-encoders through sentence-transformers' own loading; needs torch, so what loads one is marked slow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippomem.errors import ConfigError, ModelFilesError
from hippomem.models.cross_encoder import CrossEncoderReranker

MakeCrossEncoder = Callable[..., Path]
slow = pytest.mark.slow


@slow
def test_a_model_in_a_folder_scores_pairs(make_cross_encoder: MakeCrossEncoder) -> None:
    """One finite score a text, by query and text together, in the order of the texts; the same again; long texts are cut."""
    reranker = CrossEncoderReranker(make_cross_encoder(), device="cpu")
    texts = ["rome", "ada\n" + "rome " * 500, "", "北京", "\ud800"]
    scores = reranker.score("where is ada?", texts)
    assert (scores.shape, scores.dtype) == ((5,), np.float64)
    assert np.isfinite(scores).all()
    assert len(set(scores[:3].tolist())) == 3
    np.testing.assert_array_equal(reranker.score("where is ada?", texts), scores)
    np.testing.assert_allclose(reranker.score("where is ada?", texts[::-1]), scores[::-1], atol=1e-5)
    assert np.abs(reranker.score("who?", texts) - scores).max() > 1e-4
    assert reranker.score("who?", []).shape == (0,)


@slow
def test_it_gives_what_the_library_gives(make_cross_encoder: MakeCrossEncoder) -> None:
    """The scores are the model's own: nothing is added to query or text, and nothing done to the answer."""
    from sentence_transformers import CrossEncoder

    folder = make_cross_encoder()
    pairs = [("who?", "ada\nlives in rome."), ("who?", "bob")]
    expected = CrossEncoder(str(folder), device="cpu").predict(pairs, show_progress_bar=False)
    scores = CrossEncoderReranker(folder, device="cpu").score("who?", [text for _, text in pairs])
    np.testing.assert_allclose(scores, expected, atol=1e-6)


@slow
def test_a_folder_without_a_model_is_a_model_files_error(make_cross_encoder: MakeCrossEncoder, tmp_path: Path) -> None:
    """An empty folder, one that is not there and cut weights are errors that name what was asked for."""
    broken = make_cross_encoder("broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere", broken):
        with pytest.raises(ModelFilesError, match=f"{folder.name}.*check the name or folder"):
            CrossEncoderReranker(folder).score("who?", ["ada"])


@slow
@pytest.mark.parametrize(
    ("kind", "words"), [({"head": False}, "BertModel, which has no scoring head"), ({"labels": 3}, "gives 3 scores")]
)
def test_a_model_of_another_kind_is_refused(
    make_cross_encoder: MakeCrossEncoder, kind: dict[str, Any], words: str
) -> None:
    """The library would give an encoder a head of random weights, and rank by chance; a classifier has no one score."""
    with pytest.raises(ModelFilesError, match=words):
        CrossEncoderReranker(make_cross_encoder(**kind)).score("who?", ["ada"])


def test_a_reranker_needs_a_name() -> None:
    """An empty name is a mistake of the settings, known before anything is loaded."""
    with pytest.raises(ConfigError, match="no name"):
        CrossEncoderReranker(" ")


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain installation may lack it: known when the reranker is made, not at the first query."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install sentence-transformers"):
        CrossEncoderReranker("some/model")
