"""The two seams to models: ``Embedder`` (text to vectors) and ``LLM`` (messages to text).

Names are imported when first used, so that opening a store does not load onnxruntime, openai or torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hippomem.models.async_chat import AsyncLLM, AsyncOpenAIChat, InThreads
    from hippomem.models.embedder import Embedder, EmbedderIdentity, Role
    from hippomem.models.endpoint import EndpointEmbedder
    from hippomem.models.llm import LLM, Completion, OpenAIChat, Usage
    from hippomem.models.load import load_embedder
    from hippomem.models.minilm import MiniLM
    from hippomem.models.parse import parse_json
    from hippomem.models.sentence_transformer import SentenceTransformerEmbedder

_HOME = {
    "AsyncLLM": "async_chat",
    "AsyncOpenAIChat": "async_chat",
    "Completion": "llm",
    "Embedder": "embedder",
    "EmbedderIdentity": "embedder",
    "EndpointEmbedder": "endpoint",
    "InThreads": "async_chat",
    "LLM": "llm",
    "MiniLM": "minilm",
    "OpenAIChat": "llm",
    "Role": "embedder",
    "SentenceTransformerEmbedder": "sentence_transformer",
    "Usage": "llm",
    "load_embedder": "load",
    "parse_json": "parse",
}

__all__ = [
    "LLM",
    "AsyncLLM",
    "AsyncOpenAIChat",
    "Completion",
    "Embedder",
    "EmbedderIdentity",
    "EndpointEmbedder",
    "InThreads",
    "MiniLM",
    "OpenAIChat",
    "Role",
    "SentenceTransformerEmbedder",
    "Usage",
    "load_embedder",
    "parse_json",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
