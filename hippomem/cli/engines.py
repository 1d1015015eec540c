"""From ``--engine`` and its options to an engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from hippomem.errors import ConfigError

if TYPE_CHECKING:
    from indexing.engines import Engine

EngineName = Literal["local", "ray"]


@contextmanager
def open_engine(
    name: EngineName = "local",
    *,
    embedder: str | None = None,
    ray_address: str | None = None,
    ray_workers: int | None = None,
) -> Iterator[Engine]:
    """The engine, with *embedder* in it. Raises ConfigError, EmbedderMismatchError, ModelError."""
    if name == "local":
        if ray_address or ray_workers is not None:
            raise ConfigError("--ray-address and --ray-workers go with --engine ray, not with local.")
        from hippomem.models.load import load_embedder
        from indexing.engines.local import LocalEngine

        yield LocalEngine(load_embedder(embedder))
        return
    from indexing.engines.ray.engine import open_ray

    with open_ray(embedder, address=ray_address, workers=ray_workers) as engine:
        yield engine
