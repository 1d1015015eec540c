"""Any sentence-transformers model by name or folder; needs torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ConfigError, ModelFilesError
from hippomem.models.embedder import EmbedderIdentity, Role

#: Texts handed to the model between two calls of ``progress``.
PROGRESS_TEXTS = 512


class SentenceTransformerEmbedder:
    """A sentence-transformers model; an ``Embedder``. Loaded at the first use of ``identity`` or ``embed``.

    Its batches are padded, so a vector's last bits may depend on its neighbours: no promise of equal bytes here.
    """

    def __init__(
        self,
        name_or_path: str | Path,
        *,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        device: str | None = None,
        batch_size: int = 32,
    ) -> None:
        """query_prompt, passage_prompt: put before queries, and before everything else; default: the model's own
        ("query", and "document" or "passage"), "" for none.    device: default, torch's best.

        Raises ConfigError when sentence-transformers is not installed.
        """
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ConfigError(
                f"embedder {str(name_or_path)!r} needs sentence-transformers; run: pip install sentence-transformers "
                "(or use the embedded default, minilm)"
            )
        self.name = str(name_or_path)
        self._given_prompts = (query_prompt, passage_prompt)
        self._device = device
        self._batch_size = batch_size
        self._lock = threading.RLock()
        self._model: Any = None
        self._identity: EmbedderIdentity | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        """The fingerprint is over the weights in memory, so a model has the same one by name and by folder."""
        with self._lock:
            if self._identity is None:
                model = self._load()
                dimension = int(model.encode([""], show_progress_bar=False).shape[1])
                self._identity = EmbedderIdentity(_short_name(self.name), dimension, self._fingerprint(model))
            return self._identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed *texts*: (len(texts), dimension) float32, unit rows; equal texts once. Raises ModelFilesError."""
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts, not one text; pass [text]")
        if not texts:
            return np.empty((0, self.identity.dimension), dtype=np.float32)
        model = self._load()
        prompt = self._prompts(model)[role != "query"]
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            rows.setdefault(text, []).append(row)
        # Longest first over the whole call, as the library itself sorts within each of its calls: less padding.
        order = sorted(rows, key=lambda text: (-len(text), text))
        vectors: NDArray[np.float32] | None = None
        for start in range(0, len(order), PROGRESS_TEXTS):
            batch = order[start : start + PROGRESS_TEXTS]
            answer = self._encode(model, batch, prompt)
            if vectors is None:
                vectors = np.empty((len(texts), answer.shape[1]), dtype=np.float32)
            for text, vector in zip(batch, answer, strict=True):
                vectors[rows[text]] = vector
            if progress is not None:
                progress(sum(len(rows[text]) for text in batch))
        assert vectors is not None  # there is a text, so there was a batch
        return vectors

    def _encode(self, model: Any, batch: list[str], prompt: str) -> NDArray[np.float32]:
        # Half a surrogate pair is legal in a Python string and in no encoding; it becomes "?".
        clean = [text.encode("utf-8", "replace").decode() for text in batch]
        # One call at a time: the library changes the model's state while it runs.
        with self._lock:
            answer = model.encode(
                clean,
                prompt=prompt,
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        vectors: NDArray[np.float32] = np.array(answer, dtype=np.float32)
        # A model in half precision is normalised in half precision; the seam promises unit rows.
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        return vectors

    def _load(self) -> Any:
        with self._lock:
            if self._model is None:
                from sentence_transformers import SentenceTransformer

                try:
                    self._model = SentenceTransformer(self.name, device=self._device)
                except (OSError, ValueError) as error:
                    raise ModelFilesError(
                        f"sentence-transformers cannot load {self.name!r} ({error}); check the name or folder"
                    ) from error
            return self._model

    def _prompts(self, model: Any) -> tuple[str, str]:
        """What is put before a query, and before anything else."""
        own = {name: prompt for name, prompt in (model.prompts or {}).items() if prompt}
        query, passage = self._given_prompts
        return (
            own.get("query", "") if query is None else query,
            own.get("document", own.get("passage", "")) if passage is None else passage,
        )

    def _fingerprint(self, model: Any) -> str:
        """SHA-256 over weights with their names and types, tokenizer, modules, token limit, prompts, normalisation."""
        import torch

        digest = hashlib.sha256()
        for name, tensor in sorted(model.state_dict().items()):
            value = tensor.detach().cpu().contiguous()
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            # As bytes, since numpy has no bfloat16.
            digest.update(value.flatten().view(torch.uint8).numpy().tobytes() if value.numel() else b"")
        tokenizer = model.tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        words = tokenizer.get_vocab() if backend is None else json.loads(backend.to_str())
        if backend is not None:
            # These two are set by each call, not by the model.
            words["padding"] = words["truncation"] = None
        recipe = {
            "modules": [[type(module).__name__, _settings(module)] for module in model],
            "normalisation": "l2",
            "prompts": self._prompts(model),
            "token_limit": model.max_seq_length,
            "tokenizer": words,
        }
        digest.update(json.dumps(recipe, sort_keys=True, default=str).encode())
        return digest.hexdigest()


def _settings(module: Any) -> object:
    """A module's own configuration, if it has one (pooling mode, dense layer sizes)."""
    read = getattr(module, "get_config_dict", None)
    return None if read is None else read()


def _short_name(name: str) -> str:
    """The name as a store shows it: a folder's last part, so that a moved folder is no other model."""
    return Path(name).name if Path(name).exists() else name
