"""Any sentence-transformers cross-encoder by name or folder, as a reranker; needs torch."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ConfigError, ModelFilesError

#: How names of architectures without a scoring head end. The library would give such a model a head of random weights.
_HEADLESS = ("Model", "ForMaskedLM", "ForPreTraining")


class CrossEncoderReranker:
    """A cross-encoder; a `hippomem.retrieve.rerank.Reranker`. Loaded at the first use of `score`.

    Reads query and text together, cut at the model's own length. Safe to share by threads; one call at a time is let in.
    """

    def __init__(self, name_or_path: str | Path, *, device: str | None = None, batch_size: int = 32) -> None:
        """device: default, torch's best. Raises ConfigError when sentence-transformers is not installed."""
        if not str(name_or_path).strip():
            raise ConfigError("the reranker has no name; give the name or folder of a cross-encoder.")
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ConfigError(
                f"reranker {str(name_or_path)!r} needs sentence-transformers; run: pip install sentence-transformers "
                "(or search without a reranker)"
            )
        self.name = str(name_or_path)
        self._device = device
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._model: Any = None

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts),) scores as the model's authors define them: for most a probability in [0, 1], for some a logit.

        Raises ModelFilesError when the model cannot be loaded or is no cross-encoder with one score a pair.
        """
        if isinstance(texts, str):
            raise TypeError("score() takes a sequence of texts, not one text; pass [text]")
        if not texts:
            return np.empty(0, dtype=np.float64)
        # Half a surrogate pair is legal in a Python string and in no encoding; it becomes "?".
        asked, *read = (text.encode("utf-8", "replace").decode() for text in (query, *texts))
        with self._lock:
            model = self._load()
            scores = model.predict(
                [(asked, text) for text in read], batch_size=self._batch_size, show_progress_bar=False
            )
        return np.asarray(scores, dtype=np.float64)

    def _load(self) -> Any:
        if self._model is None:
            from safetensors import SafetensorError
            from sentence_transformers import CrossEncoder

            try:
                model = CrossEncoder(self.name, device=self._device)
            # RuntimeError: weights of other shapes than the configuration says.
            except (OSError, ValueError, RuntimeError, SafetensorError) as error:
                raise ModelFilesError(
                    f"sentence-transformers cannot load the cross-encoder {self.name!r} ({error}); "
                    "check the name or folder"
                ) from error
            self._check(model.config)
            self._model = model
        return self._model

    def _check(self, config: Any) -> None:
        """Raise ModelFilesError for a model whose scores would mean nothing."""
        architecture = " ".join(getattr(config, "architectures", None) or ())
        if architecture.endswith(_HEADLESS):
            raise ModelFilesError(
                f"{self.name!r} is a {architecture}, which has no scoring head, and no cross-encoder; "
                "name a model for re-ranking, such as cross-encoder/ms-marco-MiniLM-L6-v2"
            )
        # A model that writes its judgement as a word has no labels of its own, whatever its configuration says.
        labels = 1 if architecture.endswith("ForCausalLM") else int(getattr(config, "num_labels", 1))
        if labels != 1:
            raise ModelFilesError(
                f"{self.name!r} gives {labels} scores a pair, and a reranker needs one; "
                "name a model for re-ranking, such as cross-encoder/ms-marco-MiniLM-L6-v2"
            )
