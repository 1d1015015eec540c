"""From a word to an embedder, and nothing heavy imported on the way."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import hippomem.models
from hippomem.errors import ConfigError
from hippomem.models.endpoint import EndpointEmbedder
from hippomem.models.load import load_embedder
from hippomem.models.minilm import MiniLM
from hippomem.models.sentence_transformer import SentenceTransformerEmbedder
from hippomem.testing import HashEmbedder


@pytest.mark.parametrize("spec", [None, "minilm", "all-MiniLM-L6-v2"])
def test_the_default_is_the_embedded_model(spec: str | None) -> None:
    """No spec, and the model's own names, give MiniLM."""
    assert isinstance(load_embedder(spec), MiniLM)


def test_an_embedder_is_handed_back() -> None:
    """Any object with the seam's two names is used as it is."""
    embedder = HashEmbedder()
    assert load_embedder(embedder) is embedder


@pytest.mark.parametrize(
    ("spec", "model", "url"),
    [
        ("openai:nomic-embed@http://127.0.0.1:11434/v1", "nomic-embed", "http://127.0.0.1:11434/v1/"),
        ("openai:text@001@https://127.0.0.1/v1", "text@001", "https://127.0.0.1/v1/"),
        ("openai:org/model:8b", "org/model:8b", "http://127.0.0.1:9/v1/"),
    ],
)
def test_an_endpoint_by_model_and_url(monkeypatch: pytest.MonkeyPatch, spec: str, model: str, url: str) -> None:
    """The URL comes after "@http"; without one, from the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    embedder = load_embedder(spec)
    assert isinstance(embedder, EndpointEmbedder)
    with embedder:
        assert (embedder.model, embedder.connection.endpoint) == (model, url)


@pytest.mark.parametrize("spec", ["st:intfloat/e5-small", "intfloat/e5-small"])
def test_other_names_are_sentence_transformers(monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    """With or without "st:", the name reaches sentence-transformers; nothing is loaded yet."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    embedder = load_embedder(spec)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    assert embedder.name == "intfloat/e5-small"


def test_a_missing_library_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sentence-transformers the error says which pip install brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install sentence-transformers"):
        load_embedder("some/model")


@pytest.mark.parametrize("spec", ["", "st:", "openai:", "  ", 5, object()])
def test_what_names_no_model_is_a_config_error(spec: object) -> None:
    """Empty names and other objects are refused, with the forms that would do."""
    with pytest.raises(ConfigError, match=r"names no model|neither a name"):
        load_embedder(spec)  # type: ignore[arg-type]


def test_every_exported_name_is_there() -> None:
    """Each name of ``__all__`` can be had, and no other."""
    for name in hippomem.models.__all__:
        assert getattr(hippomem.models, name) is not None
    assert set(hippomem.models._HOME) == set(hippomem.models.__all__)
    with pytest.raises(AttributeError):
        hippomem.models.nothing  # noqa: B018


def test_importing_loads_nothing_heavy() -> None:
    """Importing the seams, and opening the default embedder, loads no model library."""
    code = (
        "import sys, hippomem.models.load, hippomem.models.llm, hippomem.models.endpoint, hippomem.models.parse;"
        "hippomem.models.load_embedder().identity;"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'openai', 'tokenizers', 'sentence_transformers')"
        " if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
