"""``--engine``: which options go together, and a store that Ray's workers indexed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from hippomem.cli.engines import open_engine
from hippomem.cli.opening import open_memory
from hippomem.errors import ConfigError
from hippomem.types import Document

DOCUMENTS = [Document(f"Ada Lovelace wrote letter {n} in Rome.", title=f"Letter {n}") for n in range(40)]


@pytest.mark.parametrize("option", [{"ray_address": "auto"}, {"ray_workers": 2}])
def test_options_of_ray_are_refused_without_it(option: dict[str, str]) -> None:
    """Rather than passed over."""
    with pytest.raises(ConfigError, match="go with --engine ray"), open_engine("local", **option):  # type: ignore[arg-type]
        pass


@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed (the extra 'ray')")
def test_an_address_where_no_cluster_is_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds, as a ConfigError."""
    with (
        pytest.raises(ConfigError, match=r"no Ray cluster could be used at '127\.0\.0\.1:1'.*ray start --head"),
        open_engine("ray", ray_address="127.0.0.1:1"),
    ):
        pass


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed (the extra 'ray')")
def test_both_engines_open_the_same_store(tmp_path: Path) -> None:
    """Indexed by Ray's workers, searched and added to by a process alone."""
    store = tmp_path / "store.hippo"
    with (
        open_engine("ray", ray_workers=1) as engine,
        open_memory(store, "default", engine=engine, create=True) as memory,
    ):
        memory.add_many(DOCUMENTS)
        exported = memory.export()
    with open_engine() as engine, open_memory(store, "default", engine=engine) as memory:
        assert memory.add_many(DOCUMENTS).added == 0
        assert memory.export() == exported
        assert memory.search("Who wrote letter 7?")[0].title == "Letter 7"
