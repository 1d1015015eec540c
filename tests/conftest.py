"""A real cross-encoder small enough to make on the spot, for the slow tests that load one."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest

MakeCrossEncoder = Callable[..., Path]


@pytest.fixture
def make_cross_encoder(tmp_path: Path) -> MakeCrossEncoder:
    """``make_cross_encoder("name", labels=1, head=True)``: the folder of a two-layer BERT of random weights, saved.

    Skips where torch or sentence-transformers is absent.    head: False saves a plain encoder.
    """
    pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

    def make(name: str = "tiny", *, labels: int = 1, head: bool = True) -> Path:
        import torch
        from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

        folder = tmp_path / name
        folder.mkdir()
        letters = [*string.ascii_lowercase, *string.digits]
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "?", ".", *letters, *(f"##{c}" for c in letters)]
        (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            num_labels=labels,
            initializer_range=0.5,  # so that texts get scores that differ
        )
        (BertForSequenceClassification if head else BertModel)(config).save_pretrained(folder)
        BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
        return folder

    return make
