"""From a setting's word to an embedder."""

from __future__ import annotations

import re

from hippomem.errors import ConfigError
from hippomem.models.embedder import Embedder

#: "openai:MODEL" or "openai:MODEL@BASE_URL"; a model's own name may hold an "@".
_ENDPOINT = re.compile(r"openai:(?P<model>.+?)(?:@(?P<url>https?://.+))?")


def load_embedder(spec: str | Embedder | None = None, *, threads: int | None = None) -> Embedder:
    """The embedder that *spec* names; an embedder is handed back as it is.

    None, "minilm", "all-MiniLM-L6-v2"     the embedded default
    "minilm-int8", "all-MiniLM-L6-v2-int8" the same weights in 8 bits: over twice as fast, another model for a store
    "openai:MODEL", "openai:MODEL@URL"     an OpenAI-compatible endpoint (default: OPENAI_BASE_URL)
    "st:NAME", or any other NAME           a sentence-transformers model, by name or folder

    threads: of the embedded models; None takes all cores. Others have settings of their own.
    Raises ConfigError for an empty or unusable spec, ModelFilesError when the embedded model is not installed.
    """
    if spec is None or spec in ("minilm", "all-MiniLM-L6-v2"):
        from hippomem.models.minilm import MiniLM

        return MiniLM(threads=threads)
    if spec in ("minilm-int8", "all-MiniLM-L6-v2-int8"):
        from hippomem.models.minilm import MiniLM

        return MiniLM(precision="int8", threads=threads)
    if not isinstance(spec, str):
        if isinstance(spec, Embedder):
            return spec
        raise ConfigError(f"embedder {spec!r} is neither a name nor an object with `identity` and `embed`")
    endpoint = _ENDPOINT.fullmatch(spec)
    if endpoint is not None:
        from hippomem.models.endpoint import EndpointEmbedder

        return EndpointEmbedder(endpoint["model"], endpoint["url"])
    name = spec.removeprefix("st:").strip()
    if not name or spec == "openai:":
        raise ConfigError(
            f"embedder {spec!r} names no model; use minilm, minilm-int8, st:NAME, openai:MODEL or openai:MODEL@URL"
        )
    from hippomem.models.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name)
