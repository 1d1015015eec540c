"""One real Ray on this machine, for all tests of the folder; it takes some seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from indexing.engines.ray.cluster import Cluster, connect


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """A local Ray with two cores, or a skip where the extra is not installed."""
    if find_spec("ray") is None:  # importorskip would import it, before it is told to be quiet
        pytest.skip("ray is not installed (the extra 'ray')")
    with connect("local", workers=2) as connected:
        yield connected
