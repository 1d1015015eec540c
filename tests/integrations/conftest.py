"""A memory that costs nothing, with two tenants in one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hippomem import Memory
from hippomem.testing import HashEmbedder


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(embedder=HashEmbedder(64)) as opened:
        yield opened


@pytest.fixture
def comet(memory: Memory) -> Memory:
    """Three passages, two of which answer together where the comet's discoverer was born."""
    memory.add(
        "Comet Sorrel was discovered by Ada Brook.", title="Comet Sorrel", source_id="s1", metadata={"shelf": "sky"}
    )
    memory.add(
        "Ada Brook was born in Gull Rock.", title="Ada Brook", source_id="s2", user="anna", occurred_at="2021-05-04"
    )
    memory.add("The harbour of Port Ellery is closed in winter.", title="Port Ellery", metadata={"shelf": "sea"})
    return memory


@pytest.fixture
def tenants(tmp_path: Path) -> Iterator[tuple[Memory, Memory]]:
    """Two namespaces of one file."""
    path = tmp_path / "two.hippo"
    with (
        Memory(path, embedder=HashEmbedder(64), namespace="mine") as mine,
        Memory(path, embedder=HashEmbedder(64), namespace="theirs") as theirs,
    ):
        yield mine, theirs
