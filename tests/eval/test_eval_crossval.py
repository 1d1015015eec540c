"""Leave-one-set-out: the draw, the choice by hand-worked numbers, and the command over the real package."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.__main__ import main
from eval.counting import counting
from eval.crossval import command
from eval.crossval.choose import choose, leave_one_out
from eval.crossval.draw import FIXED, PROBABILITIES, draw
from eval.crossval.figures import figures
from eval.crossval.remember import RememberingTokenEmbedder, remembering
from eval.systems import Engine
from hippomem.errors import ModelUnavailableError
from hippomem.models.embedder import Embedder, embed_query, token_embedder
from hippomem.retrieve.weights import Weights
from hippomem.testing.embedder import HashEmbedder

WriteSet = Callable[..., Path]


def numbers(weights: Weights) -> dict[str, float]:
    """The constants by name."""
    return {field.name: getattr(weights, field.name) for field in fields(weights)}


def test_constants_are_drawn_around_their_defaults() -> None:
    """Within a factor of two, on both sides; whole ones whole and at least 1, switched off ones off, fixed ones fixed."""
    default = replace(Weights(), seed_facts=1, synonym_edge=0.0)
    drawn = [numbers(weights) for weights in draw(200, seed=0, default=default)]
    for name, value in numbers(default).items():
        values = np.array([row[name] for row in drawn])
        assert {type(row[name]) for row in drawn} == {type(value)}
        if name in FIXED or value == 0:
            assert set(values) == {value}
        elif name in PROBABILITIES:
            odds = values / (1 - values) / (value / (1 - value))
            assert ((odds >= 0.5) & (odds <= 2.0)).all()
        elif isinstance(value, int):
            assert values.min() == max(1, round(value / 2))
            assert values.max() == value * 2
        else:
            assert ((values >= value / 2) & (values <= value * 2)).all()
            assert np.mean(values < value) == pytest.approx(0.5, abs=0.15)  # log-uniform: as often below as above


def test_a_draw_is_settled_by_its_seed() -> None:
    """The same seed gives the same settings, another gives others, and more of them begin with the first."""
    assert draw(5, seed=1) == draw(9, seed=1)[:5] != draw(5, seed=2)
    assert len(set(map(str, draw(9, seed=1)))) == 9


def test_the_exceptions_are_constants() -> None:
    """What the draw treats by name is there: a constant that was renamed would be drawn as any other."""
    assert numbers(Weights()).keys() >= FIXED | PROBABILITIES


def test_the_choice_by_hand() -> None:
    """Three settings on three sets: the mean decides, then recall@2, then who comes first."""
    recall_5 = np.array([[60.0, 60.0, 60.0], [90.0, 50.0, 50.0], [50.0, 50.0, 80.0]])  # means 60, 63.3, 60
    even = np.full((3, 3), 40.0)
    assert choose(recall_5, even) == 1
    # Without set 0 the means are 60, 50, 65; without set 1: 60, 70, 65; without set 2: 60, 70, 50.
    assert leave_one_out(recall_5, even) == [2, 1, 1]
    tied = np.array([[60.0], [70.0], [70.0], [70.0]])
    assert choose(tied, np.array([[99.0], [10.0], [30.0], [30.0]])) == 2
    assert choose(tied[1:], np.zeros((3, 1))) == 0


def test_a_difference_of_rounding_is_a_tie() -> None:
    """0.1 + 0.2 and 0.3 are equal means: the default keeps its place."""
    assert choose(np.array([[0.3, 0.0], [0.1 + 0.2, 0.0]]), np.zeros((2, 2))) == 0


def scores(recall_5: list[float], recall_2: list[float] | None = None) -> dict[str, Any]:
    """Scores of a setting, question by question."""
    by_5 = np.array(recall_5)
    by_2 = by_5 / 2 if recall_2 is None else np.array(recall_2)
    return {"recall@5": by_5, "recall@2": by_2, "all_recall@5": by_5}


def test_figures_by_hand() -> None:
    """One setting is better on a and b, one on c alone; each set chooses among means of the two others."""
    trials = {
        "a": {"default": scores([50.0, 50.0]), "good": scores([70.0, 90.0]), "lucky": scores([50.0, 50.0])},
        "b": {"default": scores([60.0]), "good": scores([70.0]), "lucky": scores([50.0])},
        "c": {"default": scores([60.0]), "good": scores([50.0]), "lucky": scores([100.0])},
    }
    report = figures(trials, seed=0)
    assert report["scores"]["a"] == {
        "questions": 2,
        "recall@5": {"default": 50.0, "good": 80.0, "lucky": 50.0},
        "recall@2": {"default": 25.0, "good": 40.0, "lucky": 25.0},
    }
    # On b and c: 60, 60, 75; on a and c: 55, 65, 75; on a and b: 55, 75, 50.
    assert {name: fold["setting"] for name, fold in report["folds"].items()} == {
        "a": "lucky",
        "b": "lucky",
        "c": "good",
    }
    fold = report["folds"]["c"]
    assert fold["on_others"] == {"recall@5": 75.0, "recall@2": 37.5}
    assert (fold["default"]["recall@5"], fold["chosen"]["recall@5"]) == (60.0, 50.0)
    assert [(row["metric"], row["difference"], row["p"]) for row in fold["comparisons"]] == [
        ("recall@5", -10.0, 1.0),
        ("recall@2", -5.0, 1.0),
    ]
    # Held out: a 50 -> 50, b 60 -> 50, c 60 -> 50.
    mean = report["mean"]
    assert mean["default"]["recall@5"] == pytest.approx(170 / 3, abs=1e-4)
    assert mean["chosen"]["recall@5"] == 50.0
    assert mean["comparisons"][0]["difference"] == pytest.approx(-20 / 3, abs=1e-4)
    # On all three: 56.7, 66.7, 66.7; both at recall@2 33.3; "good" comes first.
    assert report["all_sets"]["setting"] == "good"
    assert report["all_sets"]["default_loses"] == {"recall@5": 10.0, "recall@2": 5.0}
    assert (report["spread"]["min"], report["spread"]["max"], report["spread"]["rank"]) == (66.6667, 66.6667, 3)
    json.dumps(report, allow_nan=False)


def test_one_set_has_no_fold() -> None:
    """What stands after the first set is its scores; nothing was held out yet."""
    report = figures({"a": {"default": scores([50.0]), "other": scores([70.0])}}, seed=0)
    assert (report["folds"], report["mean"]) == ({}, {})
    assert report["all_sets"]["setting"] == "other"


class Plain:
    """An embedder that shows no tokens."""

    def __init__(self) -> None:
        self.behind = HashEmbedder()
        self.identity = self.behind.identity
        self.embed = self.behind.embed


@pytest.mark.parametrize("kind", [HashEmbedder, Plain])
def test_a_query_is_encoded_once(kind: Callable[[], Any]) -> None:
    """Asked again it gives the same vectors without the model, which nobody can change; passages go through each time."""
    behind: Embedder = kind()
    calls = (behind.behind if isinstance(behind, Plain) else behind).calls  # type: ignore[attr-defined]
    remembered = remembering(behind)
    assert (token_embedder(remembered) is None) == (token_embedder(behind) is None)
    first, again = embed_query(counting(remembered), "owls hoot"), embed_query(counting(remembered), "owls hoot")
    assert calls == [("owls hoot",)]
    expected = embed_query(kind(), "owls hoot")
    for shown in (first, again):
        assert shown.words == expected.words
        np.testing.assert_array_equal(shown.vector, expected.vector)
        np.testing.assert_array_equal(shown.tokens, expected.tokens)
    with pytest.raises(ValueError, match="read-only"):
        first.vector[0] = 1.0
    for _ in range(2):
        remembered.embed(["owls hoot"], role="passage")
        remembered.embed(["owls", "hoot"], role="query")
    assert len(calls) == 5
    if isinstance(remembered, RememberingTokenEmbedder):
        assert len(remembered.embed_with_signs(["owls hoot"])[1]) == 1


@pytest.fixture
def other(write_set: WriteSet) -> Path:
    """A set of one passage that every setting finds."""
    return write_set("other", {"p": "cats purr", "r": "dogs bark"}, {"q": "cats"}, [("q", "p", 1)])


def test_the_command_reports_every_fold(
    bridge: Path,
    other: Path,
    small: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Settings, scores, folds, the best on all and the spread are in the JSON; every query was encoded once a set."""
    embedders: list[HashEmbedder] = []

    def embedder(name: str | None) -> HashEmbedder:
        embedders.append(HashEmbedder())
        return embedders[-1]

    monkeypatch.setattr(command, "hippomem_engine", lambda: replace(small, embedder=embedder))
    out = tmp_path / "out.json"
    words = [str(bridge), str(other), "--trials", "3", "--seed", "2", "--json", str(out)]
    assert main(["crossval", *words]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert list(report["settings"]) == ["default", "trial 1", "trial 2", "trial 3"]
    assert report["settings"]["default"] == numbers(Weights())
    assert report["settings"]["trial 2"] == numbers(draw(3, seed=2)[1])
    assert list(report["scores"]) == list(report["folds"]) == ["bridge", "other"]
    assert report["scores"]["bridge"]["recall@2"]["default"] == 100.0
    assert (
        report["folds"]["bridge"]["setting"] == "trial 1"
    )  # all are equal on the other set; the default takes no part
    assert report["spread"]["settings"] == 4
    assert report["provenance"]["arguments"] == ["crossval", "bridge", "other", "--trials", "3", "--seed", "2"]
    shown = capsys.readouterr()
    assert "the defaults lose" in shown.out
    assert "bridge: trial 3 answers 1 questions" in shown.err
    queries = [call for call in embedders[0].calls if call == ("Which pet lives where Comet Sorrel was discovered?",)]
    assert (len(embedders), len(queries)) == (2, 1)


def test_a_killed_cross_validation_leaves_what_it_had(
    bridge: Path, other: Path, small: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores of the first set are in the JSON when the second fails."""

    def documents(folder: Path) -> Any:
        if folder.name == "other":
            raise ModelUnavailableError("gone")
        return small.documents(folder)

    monkeypatch.setattr(command, "hippomem_engine", lambda: replace(small, documents=documents))
    out = tmp_path / "out.json"
    assert main(["crossval", str(bridge), str(other), "--trials", "1", "--json", str(out)]) == 7
    report = json.loads(out.read_text(encoding="utf-8"))
    assert (list(report["scores"]), report["folds"]) == (["bridge"], {})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "crossval holds out one set at a time, and 1 was given; give at least 2"),
        (["--trials", "0"], "--trials is 0; give at least 1 random setting"),
    ],
)
def test_mistakes_are_told_in_a_line(
    bridge: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read or indexed."""
    assert main(["crossval", str(bridge), *words]) == 2
    assert message in capsys.readouterr().err
