"""The embedded default encoder: all-MiniLM-L6-v2 (22M parameters, CPU), from a PyPI package, without torch.

A text's vector is bit-identical alone and in any batch, with other texts of any length and any number of threads: texts
are grouped by their exact token count, so that nothing is padded and no row depends on its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ModelFilesError
from hippomem.models.embedder import EmbedderIdentity, QueryVectors, Role, sign_bits
from hippomem.models.minilm_files import REMEDY, WEIGHTS_SHA256, check_size, package_folder, read, sha256
from hippomem.models.tokens import batches_of, clean_text, tokenize
from hippomem.models.turns import Turns

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from hippomem.models.bert_onnx import BertEncoder

DIMENSION = 384
#: ``max_seq_length`` of the model's sentence_bert_config.json, [CLS] and [SEP] included.
TOKEN_LIMIT = 256
Precision = Literal["fp32", "int8"]
#: The activations' ranges that int8 rounds by; ``int8_calibrate.py`` makes the file.
INT8_RANGES = Path(__file__).with_name("minilm_int8.json")
#: Everything else that decides the bits of a vector, but the precision; hashed into the fingerprint with it.
RECIPE: Mapping[str, Any] = {
    "dimension": DIMENSION,
    "normalisation": "l2",
    "pooling": "mean over all tokens",
    "token_limit": TOKEN_LIMIT,
}
#: The id of [UNK] in the model's vocabulary.
UNKNOWN_TOKEN = 100
#: Tokens run at once, for each thread that works on them. A token costs some 8 % more at 2048, where a layer no longer
#: fits a core's cache, and 6 % more at 128.
BATCH_TOKENS = 512
#: From so many tokens a call, batches run beside each other. Fewer would not win back the 0.1 s and 90 MB that it takes,
#: once, to prepare the model for that.
BULK_TOKENS = 4096


class MiniLM:
    """all-MiniLM-L6-v2 in ONNX Runtime; a ``TokenEmbedder``. Makes no difference between roles. Safe to share by threads.

    Opening it is cheap; the weights are checked and loaded (about 0.4 s) when the first text is embedded.

    A query, or another small call, is shared by all threads; when several come at once each runs on one, as many beside
    each other as there are threads (`Turns`). The batches of a bulk call run beside each other too, one thread each, so
    that no thread waits for another after every layer.

    precision "int8": another model in the eyes of a store, over twice as fast (`hippomem.models.bert_int8`).
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        precision: Precision = "fp32",
        threads: int | None = None,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        """folder: the model's files; default: those of the installed package.    threads: default all usable cores.

        Raises ModelFilesError when the files are missing or of the wrong size.
        """
        self.folder = package_folder() if folder is None else Path(folder)
        self.threads = usable_cores() if threads is None else threads
        self.batch_tokens = batch_tokens
        self._lock = threading.Lock()
        self._parts: tuple[Tokenizer, BertEncoder] | None = None
        self.precision = precision
        self._turns = Turns(self.threads)
        self._tokenizer_json = read(self.folder / "tokenizer.json")
        check_size(self.folder / "model.safetensors")
        recipe = json.dumps({**RECIPE, "precision": precision}, sort_keys=True).encode()
        digest = hashlib.sha256()
        for part in (bytes.fromhex(WEIGHTS_SHA256), hashlib.sha256(self._tokenizer_json).digest(), recipe):
            digest.update(part)
        name = "all-MiniLM-L6-v2"
        if precision == "int8":
            name = f"{name}-int8"
            digest.update(hashlib.sha256(read(INT8_RANGES)).digest())
        self._identity = EmbedderIdentity(name, DIMENSION, digest.hexdigest())

    @property
    def identity(self) -> EmbedderIdentity:
        """Name, dimension and fingerprint. No vector is made before the weights are found to be those it names."""
        return self._identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed *texts*, cut after 256 tokens: (len(texts), 384) float32, unit rows. Equal texts are embedded once.

        role: the model has no instructions; an entity's name with a character that its vocabulary lacks is a row of zeros.
        progress: called after each batch with its number of texts.
        Raises ModelFilesError when the weights are not the expected bytes.
        """
        return self._run(texts, role, progress, None)

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """Embed passages, and keep the signs of their at most 254 token vectors; see ``TokenEmbedder``."""
        signs: list[NDArray[np.uint8]] = [np.zeros((0, DIMENSION // 8), dtype=np.uint8)] * len(texts)
        return self._run(texts, "passage", progress, signs), signs

    def embed_query(self, text: str) -> QueryVectors:
        """Embed a query as a whole and token by token; see ``TokenEmbedder``."""
        tokenizer, encoder = self._load()
        clean = clean_text(text)
        encoding = tokenizer.encode(clean)
        with self._turns.take() as threads:
            hidden = encoder.encode(np.array([encoding.ids], dtype=np.int32), threads=threads)
        inner = hidden[0, 1:-1]
        tokens = inner / np.maximum(np.sqrt((inner * inner).sum(axis=1, keepdims=True)), np.float32(1e-12))
        # A token is a piece of a word: the text between the first and the last piece of it.
        spans: dict[int | None, tuple[int, int]] = {}
        for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
            first, last = spans.get(word, (start, end))
            spans[word] = min(first, start), max(last, end)
        words = tuple(clean[slice(*spans[word])] for word in encoding.word_ids[1:-1])
        return QueryVectors(pool(hidden)[0], words, tokens)

    def beside(self) -> AbstractContextManager[None]:
        """While others of this process compute too: no call inside spreads over cores that they need."""
        return self._turns.beside()

    def _run(
        self,
        texts: Sequence[str],
        role: Role,
        progress: Callable[[int], None] | None,
        signs: list[NDArray[np.uint8]] | None,
    ) -> NDArray[np.float32]:
        """Vectors of the texts. signs: a list with a place for each text, filled here; None when they are not wanted."""
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts, not one text; pass [text]")
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        if not texts:
            return vectors
        tokenizer, encoder = self._load()
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            rows.setdefault(text, []).append(row)
        places = list(rows.values())
        tokens = tokenize(tokenizer, list(rows))
        bulk = self.threads > 1 and sum(map(len, tokens)) >= BULK_TOKENS

        def run(batch: list[int]) -> NDArray[np.float32]:
            ids = np.stack([tokens[index] for index in batch])
            if bulk:
                hidden = encoder.encode(ids)
            else:
                with self._turns.take() as threads:
                    hidden = encoder.encode(ids, threads=threads)
            if signs is not None:
                for index, inner in zip(batch, hidden[:, 1:-1], strict=True):
                    bits = sign_bits(inner)
                    for place in places[index]:
                        signs[place] = bits
            return pool(hidden)

        batches = batches_of(tokens, self.batch_tokens * (1 if bulk else self.threads))
        with (
            self._turns.beside() if bulk else nullcontext(),
            closing(_in_order(run, batches, self.threads if bulk else 1)) as results,
        ):
            for batch, pooled in zip(batches, results, strict=True):
                for vector, index in zip(pooled, batch, strict=True):
                    # Names that differ only in unknown characters would have one vector, and pass for synonyms.
                    unknown = role == "entity" and UNKNOWN_TOKEN in tokens[index]
                    vectors[places[index]] = 0.0 if unknown else vector
                if progress is not None:
                    progress(sum(len(places[index]) for index in batch))
        return vectors

    def _load(self) -> tuple[Tokenizer, BertEncoder]:
        """The tokenizer and the encoder; loaded once, whichever thread comes first."""
        with self._lock:
            if self._parts is None:
                self._parts = self._open()
            return self._parts

    def _open(self) -> tuple[Tokenizer, BertEncoder]:
        path = self.folder / "model.safetensors"
        with ThreadPoolExecutor(1) as pool_:
            # Hashing 90 MB (about 0.1 s) needs no interpreter lock, so it runs beside the imports.
            digest = pool_.submit(sha256, path)
            import onnx  # noqa: F401
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer

            from hippomem.models.bert_int8 import Int8Ranges, build_bert_int8
            from hippomem.models.bert_onnx import BertEncoder, BertShape, build_bert
        if digest.result() != WEIGHTS_SHA256:
            raise ModelFilesError(
                f"{path} is not the all-MiniLM-L6-v2 weights: its SHA-256 is {digest.result()}, "
                f"expected {WEIGHTS_SHA256}; {REMEDY}"
            )
        try:
            shape = BertShape.from_config(json.loads(read(self.folder / "config.json")))
            tokenizer = Tokenizer.from_buffer(self._tokenizer_json)
        except Exception as error:  # tokenizers raises plain Exception
            raise ModelFilesError(f"a model file in {self.folder} cannot be read ({error}); {REMEDY}") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKEN_LIMIT)
        weights = load_file(path)
        if self.precision == "int8":
            return tokenizer, BertEncoder(build_bert_int8(weights, shape, Int8Ranges.load(INT8_RANGES)))
        return tokenizer, BertEncoder(build_bert(weights, shape))


def _in_order(
    run: Callable[[list[int]], NDArray[np.float32]], batches: Sequence[list[int]], threads: int
) -> Generator[NDArray[np.float32], None, None]:
    """``run`` of each batch, in order; on several threads when asked. Closing it drops what has not been started."""
    if threads == 1:
        yield from map(run, batches)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="minilm") as workers:
        try:
            yield from workers.map(run, batches)
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


def pool(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over all tokens, [CLS] and [SEP] included, to unit length: (batch, length, d) to (batch, d)."""
    mean = hidden.mean(axis=1, dtype=np.float32)
    norm = np.sqrt((mean * mean).sum(axis=1, keepdims=True, dtype=np.float32))
    unit: NDArray[np.float32] = mean / np.maximum(norm, np.float32(1e-12))
    return unit


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
