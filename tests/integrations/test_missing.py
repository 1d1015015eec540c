"""Without its framework an adapter says what to install."""

from __future__ import annotations

import importlib
import sys

import pytest

from hippomem.errors import ConfigError


@pytest.mark.parametrize(
    ("adapter", "package", "extra"),
    [
        ("langgraph", "langgraph.store.base", "langgraph"),
        ("langchain", "langchain_core.retrievers", "langchain"),
        ("llama_index", "llama_index.core.retrievers", "llama-index"),
    ],
)
def test_a_missing_framework_names_its_extra(
    adapter: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import of the adapter, and of nothing else, fails with the command that mends it."""
    monkeypatch.setitem(sys.modules, package, None)  # how Python itself marks what is not there
    monkeypatch.delitem(sys.modules, f"hippomem.integrations.{adapter}", raising=False)
    with pytest.raises(ConfigError, match=rf'pip install "hippomem\[{extra}\]"'):
        importlib.import_module(f"hippomem.integrations.{adapter}")
    importlib.import_module("hippomem.integrations.openai_tools")
