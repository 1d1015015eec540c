"""``python -m eval ablate``: what is compared with what, over the real package with a small encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval import ablate
from eval.__main__ import main
from eval.ablate import ablations
from eval.dataset import load_dataset
from eval.run import RunSettings, run_set
from eval.significance import holm
from eval.summary import summarise
from eval.systems import Engine, System
from hippomem.retrieve.weights import STAGES, Weights

WriteSet = Callable[..., Path]
Ablate = Callable[..., dict[str, Any]]


@pytest.fixture
def run(small: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ablate:
    """``run(...)`` is ``python -m eval ablate ... --json FILE``; returns the JSON."""
    monkeypatch.setattr(ablate, "hippomem_engine", lambda: small)

    def run(*words: object) -> dict[str, Any]:
        out = tmp_path / "out.json"
        assert main(["ablate", *map(str, words), "--json", str(out)]) == 0
        report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return report

    return run


def test_each_variant_lacks_one_stage() -> None:
    """The whole comes first, as it is; every stage gives a variant that differs from it in that stage's weights only."""
    whole, *variants = ablations(tuple(STAGES))
    assert whole == System("hippomem", "hippomem")
    assert [variant.label for variant in variants] == [f"without {stage}" for stage in STAGES]
    for stage, variant in zip(STAGES, variants, strict=True):
        changed = {name for name in Weights.__slots__ if getattr(variant.weights, name) != getattr(Weights(), name)}
        assert changed == set(STAGES[stage])


@pytest.mark.parametrize("stage", ["walk"])
def test_a_set_that_needs_a_stage_loses_by_it(bridge: Path, small: Engine, stage: str) -> None:
    """The second gold passage is reached by walking to the title that the first one names: whole 100, else 50."""
    dataset, settings = load_dataset(bridge), RunSettings(ablations([stage]))
    outcomes = run_set(dataset, settings, small)
    recall = {label: summarise(outcome, dataset, settings)["recall"]["2"] for label, outcome in outcomes.items()}
    assert recall == {"hippomem": 100.0, f"without {stage}": 50.0}


def test_variants_are_compared_with_the_whole_only(run: Ablate, bridge: Path) -> None:
    """All stages by default: results as of ``run``, and per metric one comparison a stage, Holm over the stages."""
    report = run(bridge)
    labels = [f"without {stage}" for stage in STAGES]
    assert list(report["results"]["bridge"]) == ["hippomem", *labels]
    comparisons = report["comparisons"]["bridge"]
    for metric in ("recall@5", "recall@2", "all_recall@5"):
        family = [row for row in comparisons if row["metric"] == metric]
        assert [(row["a"], row["b"]) for row in family] == [("hippomem", label) for label in labels]
        assert [row["p_holm"] for row in family] == pytest.approx(holm([row["p"] for row in family]))
    assert "mean_comparisons" not in report  # of one set there is no mean


def test_means_over_sets_are_compared_too(
    run: Ablate, bridge: Path, write_set: WriteSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a set that needs the walk recall@2 falls by 50, on one that does not by nothing: by 25 in the mean."""
    other = write_set("other", {"p": "cats purr", "r": "dogs bark", "s": "owls"}, {"q": "cats"}, [("q", "p", 1)])
    report = run(bridge, other, "--stage", "walk")
    found = {row["metric"]: (row["b"], row["difference"]) for row in report["mean_comparisons"]}
    assert found["recall@2"] == ("without walk", -25.0)
    shown = [line for line in capsys.readouterr().out.splitlines() if "without walk" in line]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown]
    assert [row[1:4] for row in cells] == [
        ["50.0", "-50.0", "1.0000"],
        ["100.0", "+0.0", "1.0000"],
        ["75.0", "-25.0", "1.0000"],
    ]


def test_the_report_of_an_ablation_is_rendered(run: Ablate, bridge: Path, write_set: WriteSet, tmp_path: Path) -> None:
    """Its JSON goes through ``report`` as a run's does, with the comparison of the means."""
    other = write_set("other", {"p": "cats purr", "r": "dogs bark"}, {"q": "cats"}, [("q", "p", 1)])
    run(bridge, other, "--stage", "walk", "--report", tmp_path / "document")
    assert main(["report", str(tmp_path / "out.json"), "--out", str(tmp_path / "again")]) == 0
    text = (tmp_path / "again" / "report.md").read_text(encoding="utf-8")
    assert text == (tmp_path / "document" / "report.md").read_text(encoding="utf-8")
    significance = text.partition("## Significance")[2].partition("## By kind")[0]
    assert "### Mean over 2 sets" in significance
    assert significance.count("without walk − hippomem") == 3 * 3


def test_arguments_repeat_the_ablation(run: Ablate, bridge: Path, tmp_path: Path) -> None:
    """The provenance's command line, given again, makes the same one."""
    given = ["--stage", "walk", "--stage", "titles", "--stage", "walk", "--untitled", "--limit", 1, "--seed", 3]
    first = run(bridge, *given)["provenance"]["arguments"]
    assert first[:6] == ["ablate", "bridge", "--stage", "walk", "--stage", "titles"]
    assert {"--untitled", "--limit", "--seed"} <= set(first)
    assert run(bridge, *first[2:])["provenance"]["arguments"] == first


def test_an_unknown_stage_is_told_with_those_there_are(bridge: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is indexed."""
    assert main(["ablate", str(bridge), "--stage", "wlak"]) == 2
    assert capsys.readouterr().err.startswith(f"error: --stage 'wlak' is unknown; choose from {', '.join(STAGES)}")
