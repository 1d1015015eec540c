"""Open a store as it was made: an option that the store has settled already need not be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hippomem.errors import ConfigError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hippomem.memory import Memory
    from hippomem.models.embedder import Embedder, EmbedderIdentity
    from hippomem.retrieve.options import RetrieverOptions
    from indexing.asking.extractor import LlmExtractor
    from indexing.engines import Engine
    from indexing.extract import TripleExtractor


class NoModel:
    """Stands for a store's own embedding model in commands that embed nothing: the model need not be installed."""

    def __init__(self, identity: EmbedderIdentity) -> None:
        self.identity = identity

    def embed(self, texts: Sequence[str], **_: Any) -> NDArray[np.float32]:
        """Refuse."""
        raise ConfigError(f"this command opened the store without its model, {self.identity.name}.")


def open_memory(
    store: Path,
    namespace: str,
    *,
    embedder: str | Embedder | None = None,
    extractor: str | TripleExtractor | LlmExtractor = "builtin",
    engine: Engine | None = None,
    chunk: bool | None = None,
    create: bool = False,
    options: RetrieverOptions | None = None,
) -> Memory:
    """The memory at *store*. chunk: None for as the store was made, and True for a new one.

    engine: embeds and reads sentences; *embedder* is not looked at then.
    """
    from hippomem.memory import Memory
    from hippomem.retrieve.options import NO_OPTIONS
    from indexing.extract.builtin import all_statements

    return Memory(
        store,
        embedder=embedder if engine is None else engine.embedder,
        namespace=namespace,
        extractor=extractor,
        sentences=all_statements if engine is None else engine.statements,
        chunk=chunk,
        create=create,
        options=NO_OPTIONS if options is None else options,
    )


def open_without_model(store: Path, namespace: str) -> Memory:
    """The memory at *store*, which must exist, for commands that embed nothing: quick, and no model is needed."""
    from hippomem.memory import Memory
    from hippomem.models.embedder import EmbedderIdentity
    from hippomem.store import Store

    with Store.open(store, create=False) as opened:
        stored = opened.setting("embedder")
    model = None if stored is None else NoModel(EmbedderIdentity(**{**stored, "probe": tuple(stored["probe"])}))
    return Memory(store, embedder=model, namespace=namespace, create=False)


def checked(text: str, what: str) -> str:
    """*text* from the command line. Raises InputError for bytes that were not in the terminal's encoding."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is not UTF-8 at character {error.start + 1}; convert it to UTF-8.") from error
    return text


def text_or_stdin(text: str) -> str:
    """The argument itself, or all of standard input for ``-``. Raises InputError for bytes that are not UTF-8."""
    import sys

    if text != "-":
        return checked(text, "the text")
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 at byte {error.start}; convert it to UTF-8.") from error
