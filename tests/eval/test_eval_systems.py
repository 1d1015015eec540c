"""Systems: a retriever under a label, as it is or with other constants, over one store."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.dataset import load_dataset
from eval.run import RunSettings, run_set
from eval.stores import StoreSettings
from eval.systems import Engine, System, systems
from hippomem.errors import ConfigError
from hippomem.retrieve.weights import Weights


def test_a_variant_has_its_own_answers_over_the_same_store(bridge: Path, small: Engine) -> None:
    """The defaults given as weights rank as the retriever does; others rank otherwise, and the first is not changed."""
    asked = (
        System("plain", "hippomem"),
        System("given", "hippomem", Weights()),
        System("other", "hippomem", Weights().without("walk")),
        System("again", "hippomem", Weights()),
    )
    outcomes = run_set(load_dataset(bridge), RunSettings(asked), small)
    ranked = {label: outcome.answers[0].ranked for label, outcome in outcomes.items()}
    assert list(ranked) == ["plain", "given", "other", "again"]
    assert ranked["plain"] == ranked["given"] == ranked["again"] != ranked["other"]
    assert len({id(outcome.cost.seconds) for outcome in outcomes.values()}) == 4
    assert len({outcome.cost.seconds["total"] for outcome in outcomes.values()}) == 1


def test_names_are_labels() -> None:
    """Retrievers go by their names, and one named twice is asked once."""
    assert systems("bm25", "hippomem", "bm25") == (System("bm25", "bm25"), System("hippomem", "hippomem"))


def test_weights_where_they_would_do_nothing_are_an_error(bridge: Path, small: Engine) -> None:
    """Another retriever than hippomem has no such constants, and the facade takes none."""
    with pytest.raises(ConfigError, match="'odd': bm25 takes no weights; only hippomem does"):
        System("odd", "bm25", Weights())
    settings = RunSettings((System("odd", "hippomem", Weights()),), stores=StoreSettings(via="memory"))
    with pytest.raises(ConfigError, match=r"'odd' has weights, and Memory\.search takes none"):
        run_set(load_dataset(bridge), settings, small)
