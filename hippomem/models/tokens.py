"""Texts as token ids, and these in batches that need no padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: Texts tokenised at once; bounds the tokenizer's own memory.
TOKENIZE_TEXTS = 1024


def tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> list[NDArray[np.int32]]:
    """The token ids of each text."""
    tokens: list[NDArray[np.int32]] = []
    for start in range(0, len(texts), TOKENIZE_TEXTS):
        clean = [clean_text(text) for text in texts[start : start + TOKENIZE_TEXTS]]
        tokens += [np.array(encoding.ids, dtype=np.int32) for encoding in tokenizer.encode_batch_fast(clean)]
    return tokens


def clean_text(text: str) -> str:
    """Half a surrogate pair is legal in a Python string and in no encoding; it becomes "?"."""
    return text.encode("utf-8", "replace").decode()


def batches_of(tokens: Sequence[NDArray[np.int32]], budget: int) -> list[list[int]]:
    """Indexes of texts with the same number of tokens, at most *budget* tokens (or one text) a batch; longest first."""
    by_length: dict[int, list[int]] = {}
    for index, ids in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(index)
    batches = []
    for length, group in sorted(by_length.items(), reverse=True):
        size = max(1, budget // length)
        batches += [group[start : start + size] for start in range(0, len(group), size)]
    return batches
