"""Counting tokens as OpenAI's models do, without a network where a package brings the vocabulary."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from hippomem.errors import ConfigError

ENCODING = "cl100k_base"


def counter() -> Callable[[str], int]:
    """Tokens of a text in `ENCODING`. Raises ConfigError without tiktoken. Without llama-index tiktoken asks the network."""
    if find_spec("tiktoken") is None:
        raise ConfigError('python -m eval tokens counts with tiktoken; run: pip install -e ".[llama-index]"')
    bundled = _bundled()
    if bundled is not None:
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(bundled))
    import tiktoken

    encoding = tiktoken.get_encoding(ENCODING)
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def _bundled() -> Path | None:
    """The vocabulary that llama-index-core ships, found without importing it."""
    package = find_spec("llama_index")
    for folder in [] if package is None else package.submodule_search_locations or []:
        cache = Path(folder) / "core" / "_static" / "tiktoken_cache"
        if cache.is_dir():
            return cache
    return None
