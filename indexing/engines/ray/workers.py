"""What runs on the workers: classes that become Ray actors. Nothing here imports ray, or knows of a store.

Errors of ours are handed back as a `Failure`; anything else is a bug, and Ray shows where it happened.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import hippomem
from hippomem.errors import HippomemError
from hippomem.models.async_chat import AsyncLLM
from hippomem.models.completion import Completion, Message
from hippomem.models.embedder import Embedder, EmbedderIdentity, Role, token_embedder
from hippomem.models.endpoint import PROBE_TEXT
from hippomem.models.load import load_embedder
from hippomem.store.facts import Statement
from indexing.engines.ray.failures import Failure
from indexing.extract.builtin import all_statements

Answer = TypeVar("Answer")

#: A name for `load_embedder`, or what makes the embedder on the worker.
EmbedderSpec = str | None | Callable[[], Embedder]


def make_embedder(spec: EmbedderSpec, *, threads: int | None = None) -> Embedder:
    """What *spec* names or makes. threads: see `load_embedder`. Raises ConfigError, ModelError."""
    return spec() if callable(spec) else load_embedder(spec, threads=threads)


@dataclass(frozen=True)
class Hello:
    """What a worker says of itself. identity, probe: of its embedder, the probe as the bytes of a vector."""

    pid: int
    node: str
    version: str = hippomem.__version__
    identity: EmbedderIdentity | None = None
    probe: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class PackedSigns:
    """Vectors and token signs of n passages. lengths: (n,), of the rows of *signs* that are each passage's.

    One array, since of many small ones each would hold the memory that Ray shares between processes.
    """

    vectors: NDArray[np.float32]
    lengths: list[int]
    signs: NDArray[np.uint8]


class Reader:
    """Embeds and reads sentences, on one core."""

    def __init__(self, spec: EmbedderSpec) -> None:
        # The model is loaded by `hello`: an error in here would come out as Ray's, not as ours.
        self._spec = spec

    @cached_property
    def _embedder(self) -> Embedder:
        return make_embedder(self._spec, threads=1)

    def hello(self) -> Hello | Failure:
        """Load the model and say which it is."""
        try:
            identity = self._embedder.identity
            # Equal weights and equal processors give equal bits.
            probe = self._embedder.embed([PROBE_TEXT])[0].tobytes()
        except HippomemError as error:
            return Failure.of(error)
        return Hello(os.getpid(), platform.node(), identity=identity, probe=probe)

    def embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32] | Failure:
        """See ``Embedder.embed``."""
        try:
            return self._embedder.embed(texts, role=role)
        except HippomemError as error:
            return Failure.of(error)

    def embed_with_signs(self, texts: Sequence[str]) -> PackedSigns | Failure:
        """See ``TokenEmbedder.embed_with_signs``."""
        with_tokens = token_embedder(self._embedder)
        assert with_tokens is not None  # its identity is that of the driver's, which shows its tokens
        try:
            vectors, signs = with_tokens.embed_with_signs(texts)
        except HippomemError as error:
            return Failure.of(error)
        return PackedSigns(vectors, [len(each) for each in signs], np.concatenate(signs))

    def statements(self, texts: Sequence[tuple[str, str]]) -> list[list[Statement]]:
        """See `all_statements`."""
        return all_statements(texts)


class Asker:
    """Asks an LLM, many questions at a time, on the event loop that Ray gives an actor with ``async`` methods."""

    def __init__(self, make: Callable[[], AsyncLLM]) -> None:
        self._make = make
        self._llm: AsyncLLM | None = None

    async def hello(self) -> Hello:
        """Say that the worker is there."""
        return Hello(os.getpid(), platform.node())

    async def complete(
        self, messages: list[Message], json_schema: Mapping[str, Any] | None, schema_name: str, max_tokens: int
    ) -> Completion | Failure:
        """See ``AsyncLLM.complete``."""
        return await self._answer(
            lambda llm: llm.complete(messages, json_schema=json_schema, schema_name=schema_name, max_tokens=max_tokens)
        )

    async def model(self) -> str | Failure:
        """See ``AsyncLLM.model``."""

        async def model(llm: AsyncLLM) -> str:
            return llm.model

        return await self._answer(model)

    async def check(self) -> Failure | None:
        """See ``AsyncLLM.check``."""
        return await self._answer(lambda llm: llm.check())

    async def aclose(self) -> None:
        """Close the connections."""
        if self._llm is not None:
            await self._llm.aclose()

    async def _answer(self, ask: Callable[[AsyncLLM], Awaitable[Answer]]) -> Answer | Failure:
        try:
            if self._llm is None:
                self._llm = self._make()
            return await ask(self._llm)
        except HippomemError as error:
            return Failure.of(error)
