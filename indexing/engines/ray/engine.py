"""The engine that spreads work over a Ray cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hippomem
from hippomem.errors import ConfigError, EmbedderMismatchError
from hippomem.models.async_chat import AsyncLLM
from hippomem.models.embedder import Embedder, EmbedderIdentity
from hippomem.store.facts import Statement
from indexing.engines.ray.chat import RayChat
from indexing.engines.ray.cluster import Cluster, connect, import_ray
from indexing.engines.ray.crew import Crew
from indexing.engines.ray.embedder import spread
from indexing.engines.ray.workers import Asker, EmbedderSpec, Hello, Reader, make_embedder
from indexing.extract.builtin import all_statements

log = logging.getLogger("hippomem.ray")

#: Passages read by a worker in one call: some 0.2 s.
CHUNK_PASSAGES = 128
#: Up to so many are read here.
FEW = 32
#: Questions that one worker has under way at most. It only waits for answers; `Pace` sets the real limit.
QUESTIONS = 1000


class RayEngine:
    """An `Engine` over a cluster; see `open_ray`."""

    def __init__(self, cluster: Cluster, embedder: EmbedderSpec = None) -> None:
        """embedder: a name, for each worker to load, or what makes one there; it must pickle.

        Raises ConfigError, EmbedderMismatchError, ModelError.
        """
        here = make_embedder(embedder)
        self.cluster = cluster
        self._identity = here.identity
        self._probe = b""
        self._crews = [self._crew(Reader, embedder, greet=self._greet, num_cpus=1)]
        self.embedder: Embedder = spread(here, self._crews[0])

    def statements(self, texts: Sequence[tuple[str, str]]) -> list[list[Statement]]:
        """See `Engine.statements`.    Raises as `Crew.run`."""
        if len(texts) <= FEW:
            return all_statements(texts)
        starts = range(0, len(texts), CHUNK_PASSAGES)
        stated: list[list[list[Statement]]] = [[] for _ in starts]
        for index, made in self.readers.run(
            "statements", [(texts[start : start + CHUNK_PASSAGES],) for start in starts]
        ):
            stated[index] = made
        return [each for chunk in stated for each in chunk]

    def chat(self, make: Callable[[], AsyncLLM]) -> AsyncLLM:
        """See `Engine.chat`: one asker a worker, which takes no core."""
        crew = self._crew(Asker, make, greet=check_version, num_cpus=0, max_concurrency=QUESTIONS)
        try:
            chat = RayChat(crew)
        except BaseException:
            crew.close()
            raise
        self._crews.append(crew)
        return chat

    def close(self) -> None:
        """End the workers."""
        for crew in self._crews:
            crew.close()

    @property
    def readers(self) -> Crew:
        """Those who embed and read sentences."""
        return self._crews[0]

    @property
    def deaths(self) -> int:
        """How many workers died so far."""
        return sum(crew.deaths for crew in self._crews)

    @property
    def repeated(self) -> int:
        """How many texts were worked on by a worker that died, and then by another."""
        return sum(crew.repeated for crew in self._crews)

    def _crew(self, kind: type, argument: Any, *, greet: Callable[[Hello], None], **options: Any) -> Crew:
        # Spread: two askers on one machine have one way to the endpoint.
        remote = import_ray().remote(kind).options(max_restarts=-1, scheduling_strategy="SPREAD", **options)
        actors = [remote.remote(argument) for _ in range(self.cluster.workers)]
        return Crew(actors, greet=greet)

    def _greet(self, hello: Hello) -> None:
        check_version(hello)
        check_identity(hello, self._identity)
        self._probe = self._probe or hello.probe
        if hello.probe != self._probe:
            log.warning(
                "Ray worker %d on %s embeds with other last digits than the first (another processor?): "
                "the export will differ in vectors.",
                hello.pid,
                hello.node,
            )


def check_version(hello: Hello) -> None:
    """Raise ConfigError unless the worker runs this hippomem."""
    if hello.version != hippomem.__version__:
        raise ConfigError(
            f"the Ray worker {hello.pid} on {hello.node} runs hippomem {hello.version}, and this is "
            f"{hippomem.__version__}; install the same version on all machines of the cluster."
        )


def check_identity(hello: Hello, mine: EmbedderIdentity) -> None:
    """Raise EmbedderMismatchError unless the worker's embedder is the one that was asked for here."""
    theirs = hello.identity
    assert theirs is not None
    if not mine.is_model_of(theirs):
        raise EmbedderMismatchError(
            f"the Ray worker {hello.pid} on {hello.node} embeds with {theirs.described}, and {mine.described} was asked "
            "for; install the same model on all machines."
        )


@contextmanager
def open_ray(
    embedder: EmbedderSpec = None,
    *,
    address: str | None = None,
    workers: int | None = None,
) -> Iterator[RayEngine]:
    """A `RayEngine` on the cluster at *address*, or on one of its own; see `connect`. Its actors end with it."""
    with connect(address, workers) as cluster:
        engine = RayEngine(cluster, embedder)
        try:
            yield engine
        finally:
            engine.close()
