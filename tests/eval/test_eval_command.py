"""``python -m eval run``: its JSON, its table, and its errors, with a fake engine in the package's place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval import commands
from eval.__main__ import main
from eval.provenance import anonymous
from hippomem.errors import ModelUnavailableError

ROOT = Path(__file__).parents[2]
WriteSet = Callable[..., Path]


@pytest.fixture
def run(fake: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """``run(...)`` is ``python -m eval run ...`` over the fake engine; returns the exit code."""
    monkeypatch.setattr(commands, "hippomem_engine", fake.engine)
    return lambda *words: main(["run", *map(str, words)])


def without_times(report: dict[str, Any]) -> str:
    """The report without what a clock decides."""
    for entries in report["results"].values():
        for entry in entries.values():
            for key in ("index_seconds", "query_ms", "query_ms_by_stage", "query_ms_beyond_encoder", "warm_up_seconds"):
                del entry[key]
    del report["provenance"]["date"]
    return json.dumps(report)


def test_json_has_the_promised_shape(
    run: Callable[..., int], animals: Path, write_set: WriteSet, tmp_path: Path
) -> None:
    """Results by set and retriever, in the order given, beside a provenance; sets go by folder name."""
    other = write_set("other", {"p": "x"}, {"q": "x"}, [("q", "p", 1)])
    out = tmp_path / "out.json"
    assert run(animals, other, "--retriever", "hippomem", "--retriever", "bm25", "--k", "5,1", "--json", out) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert [list(entries) for entries in report["results"].values()] == [["hippomem", "bm25"]] * 2
    entry = report["results"]["animals"]["bm25"]
    assert list(entry["recall"]) == ["1", "5"]
    assert {"all_recall@5", "mrr", "ndcg@10", "ci95", "questions", "index_seconds", "query_ms", "note"} <= set(entry)
    assert "per_question" not in entry
    assert "total" in entry["index_seconds"]
    assert set(entry["query_ms"]) == {"p50", "p95"}
    provenance = report["provenance"]
    assert set(provenance["sha256"]) == {"animals", "other"}
    assert {"python", "numpy", "hippomem"} <= set(provenance["versions"])
    assert provenance["arguments"][:3] == ["run", "animals", "other"]
    assert (provenance["seed"], provenance["k"], provenance["extractor"]) == (0, [1, 5], "builtin")


def test_report_names_no_machine(run: Callable[..., int], animals: Path, tmp_path: Path) -> None:
    """Neither paths nor endpoints nor the host's name get into the JSON."""
    out = tmp_path / "out.json"
    url = "http://secret.example:8000/v1"
    options = ("--extractor", "llm", "--llm-model", "m", "--llm-base-url", url, "--embedder", tmp_path, "--json", out)
    assert run(animals, "--retriever", "bm25", *options) == 0
    text = out.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "secret" not in text
    assert not re.search(r'"/', text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("/models/mine", "mine"),
        ("~/models/mine", "mine"),
        ("name@https://host:1/v1", "name@<url>"),
    ],
)
def test_names_stay_and_places_go(value: str, expected: str) -> None:
    """A model's public name is kept; a folder is cut to its name and an address is taken out."""
    assert anonymous(value) == expected


def test_same_run_gives_the_same_figures(run: Callable[..., int], animals: Path, tmp_path: Path) -> None:
    """Two runs differ in clock times only."""
    reports = []
    for name in ("one.json", "two.json"):
        run(animals, "--retriever", "bm25", "--per-question", "--seed", 3, "--json", tmp_path / name)
        report = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        for question in report["results"]["animals"]["bm25"]["per_question"]:
            del question["ms"]
        reports.append(without_times(report))
    assert reports[0] == reports[1]


def test_table_is_readable_in_a_pipe(
    run: Callable[..., int], animals: Path, write_set: WriteSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every column stands unfolded beside its retriever; several sets end with their mean."""
    other = write_set("other", {"p": "x"}, {"q": "x"}, [("q", "p", 1)])
    assert run(animals, other, "--retriever", "bm25", "--retriever", "hipporag2") == 0
    out = capsys.readouterr().out
    header = next(line for line in out.splitlines() if "retriever" in line)
    for column in ("R@1", "R@2", "R@5", "R@10", "R@20", "all@5", "MRR", "p50 ms", "index s", "R@5 95% CI"):
        assert column in header
    row = next(line for line in out.splitlines() if "│ bm25" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][:8] == [
        "bm25",
        "75.0",
        "75.0",
        "100.0",
        "100.0",
        "100.0",
        "100.0",
        "1.000",
    ]
    assert "animals: 2 questions, 4 passages" in out
    assert "hipporag2 against bm25: +0.0 recall@5, p = 1.0000 (paired)" in out
    assert "mean over 2 sets" in out


def test_figures_by_label_are_shown_on_demand(
    run: Callable[..., int], write_set: WriteSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--by`` adds a table, a row a label, and none for a set without such labels."""
    labels = {"q1": {"type": "bridge"}, "q2": {"type": "comparison"}}
    passages = {"p": "x", **{f"a{number}": "y" for number in range(6)}}
    folder = write_set("toy", passages, {"q1": "x", "q2": "y"}, [("q1", "p", 1), ("q2", "p", 1)], labels=labels)
    assert run(folder, "--retriever", "bm25", "--by", "type") == 0
    out = capsys.readouterr().out
    assert "toy by type: R@5 / all@5" in out
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines() if "│ " in line]
    assert cells[1:] == [["bridge", "1", "100.0 / 100.0"], ["comparison", "1", "0.0 / 0.0"]]
    assert run(folder, "--retriever", "bm25", "--by", "hops") == 0
    assert "by hops" not in capsys.readouterr().out


def test_arguments_repeat_the_run(run: Callable[..., int], animals: Path, tmp_path: Path) -> None:
    """What changes figures is in the provenance's command line: given again, it makes the same command line."""
    out = tmp_path / "out.json"
    given = ["--retriever", "bm25", "--untitled", "--failures", "2", "--limit", "1", "--via", "memory", "--k", "1,5"]
    assert run(animals, *given, "--json", out) == 0
    provenance = json.loads(out.read_text(encoding="utf-8"))["provenance"]
    assert provenance["untitled"] is True
    first = provenance["arguments"]
    assert {"--untitled", "--failures", "--limit", "--via"} <= set(first)
    assert run(animals, *first[2:], "--json", out) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["provenance"]["arguments"] == first


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--retriever", "bm26"], 2, "--retriever 'bm26' is unknown; choose from bm25, dense, hipporag1"),
        (["--extractor", "magic"], 2, "--extractor 'magic' is unknown; choose from builtin, llm, recorded"),
        (["--via", "air"], 2, "--via 'air' is unknown; choose from retriever, memory"),
        (["--k", "1,two"], 2, "--k '1,two': expected whole numbers with commas between"),
        (["--k", "0,5"], 2, "--k '0,5': 0 is no cut-off"),
        (["--k", ""], 2, "--k '': expected whole numbers"),
        (["--limit", "0"], 2, "--limit is 0"),
        (["--limit", "x"], 2, "'--limit'"),
        (["--seed", "-1"], 2, "--seed is -1"),
        (["--failures", "-1"], 2, "--failures is -1"),
        (["--by", "colour"], 2, "--by 'colour' is unknown; choose from type, hops, gold"),
        (["--report", "nowhere/out"], 2, "--report 'nowhere/out': no folder 'nowhere'"),
        (["--llm-filter"], 2, "name it with --llm-model NAME"),
        (["--llm-filter", "--llm-model", "m"], 2, "use it with hipporag2 or hippomem"),
        (["--llm-entities", "--llm-model", "m"], 2, "use it with hipporag1 or hippomem"),
        (["--llm-model", "m"], 2, "need --extractor llm, --llm-filter or --llm-entities"),
        (["--json", "nowhere/out.json"], 2, "no folder 'nowhere'"),
        (["--json", "."], 2, "is a folder"),
        (["--unknown"], 2, "--unknown"),
        (["--extractor", "recorded"], 3, "openie.jsonl: no such file"),
        (["nowhere"], 3, "nowhere: no such folder"),
    ],
)
def test_mistakes_are_told_in_a_line(
    run: Callable[..., int],
    animals: Path,
    capsys: pytest.CaptureFixture[str],
    fake: Any,
    words: list[str],
    code: int,
    message: str,
) -> None:
    """A mistake is one ``error:`` line and the exit code of its class, before anything is indexed."""
    assert run(animals, "--retriever", "bm25", *words) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert (captured.out, fake.opened) == ("", [])


def test_error_from_below_keeps_its_exit_code(
    run: Callable[..., int], animals: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the package's own classes ends the run with that class's code and no traceback."""

    def unreachable() -> None:
        raise ModelUnavailableError("the endpoint does not answer; start it or use --extractor builtin")

    monkeypatch.setattr(commands, "hippomem_engine", unreachable)
    assert run(animals, "--retriever", "bm25") == 7
    assert capsys.readouterr().err == "error: the endpoint does not answer; start it or use --extractor builtin\n"


def test_finished_sets_survive_a_later_failure(
    run: Callable[..., int],
    animals: Path,
    write_set: WriteSet,
    tmp_path: Path,
    fake: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The JSON is written after every set, so that what was measured is kept when the next set fails."""
    broken = write_set("broken", {"p": "x"}, {"q": "x"}, [("q", "p", 1)])
    documents = fake.documents

    def failing(folder: Path) -> Any:
        if folder.name == "broken":
            raise ModelUnavailableError("gone")
        return documents(folder)

    monkeypatch.setattr(fake, "documents", failing)
    out = tmp_path / "out.json"
    assert run(animals, broken, "--retriever", "bm25", "--json", out) == 7
    assert list(json.loads(out.read_text(encoding="utf-8"))["results"]) == ["animals"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_help_needs_no_model() -> None:
    """A fresh interpreter prints the help without importing the retrieval core, and also for no arguments at all."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = (
        "import sys; from eval.__main__ import main; status = main(['run', '--help']); assert main([]) == 0; "
        "sys.exit(status or 'hippomem.memory' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "--retriever" in done.stdout
    assert "run" in done.stdout
