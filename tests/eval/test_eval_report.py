"""The report document: what it says, that it stands alone, and that the same JSON gives the same bytes."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eval import commands
from eval.__main__ import main
from eval.report import plots, tables
from eval.report.document import PLOTS, draw, markdown, write_document
from eval.report.page import inline_svg, page

WriteSet = Callable[..., Path]
HOSTILE = "<script>alert(1)</script> | *bold* `code` $x$ [link](http://example.org) & more"
QUESTION = HOSTILE.upper().replace(" ", "·")  # shares no word with the passage, so that it fails


@pytest.fixture
def run(fake: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """``run(...)`` is ``python -m eval run ...`` over the fake engine; returns the exit code."""
    monkeypatch.setattr(commands, "hippomem_engine", fake.engine)
    return lambda *words: main(["run", *map(str, words)])


@pytest.fixture
def report(run: Callable[..., int], animals: Path, write_set: WriteSet, tmp_path: Path) -> dict[str, Any]:
    """The JSON of a run over two sets and two retrievers with failure cases, one question of them hostile."""
    passages = {f"p{number}": "same" for number in range(8)} | {"zz": HOSTILE}
    labels = {"q": {"type": "tricky|type", "answer": HOSTILE}}
    odd = write_set("odd set", passages, {"q": QUESTION}, [("q", "zz", 1)], labels=labels)
    out = tmp_path / "out.json"
    options = ("--retriever", "bm25", "--retriever", "dense", "--failures", "2", "--json", out)
    assert run(animals, odd, *options) == 0
    read: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return read


class Outline(HTMLParser):
    """Checks that tags close in order, and gathers what a page loads and what it shows."""

    VOID = frozenset({"meta", "br", "img", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href"):
                self.loads.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(text: str) -> Outline:
    """The parsed page; every tag of it is closed."""
    parser = Outline()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def test_page_stands_alone(report: dict[str, Any], tmp_path: Path) -> None:
    """The page loads nothing from elsewhere, closes its tags, has no id twice, and shows each plot that is a file."""
    written = write_document(report, tmp_path).read_text(encoding="utf-8")
    parsed = outline(written)
    assert [target for target in parsed.loads if not target.startswith("#")] == []
    assert len(parsed.ids) == len(set(parsed.ids))
    files = {path.name for path in tmp_path.glob("*.svg")}
    assert files == set(PLOTS) - {"quality-tokens.svg"}
    assert written.count('class="plot"') == len(files)


def test_text_of_the_data_stays_text(report: dict[str, Any]) -> None:
    """Markup in questions, answers, passages and types is shown, letter by letter, and does nothing."""
    drawn = draw(report)
    parsed = outline(page(markdown(report, drawn), drawn, title=HOSTILE))
    assert "script" not in parsed.tags
    assert not any("example.org" in target for target in parsed.loads)
    for shown in (HOSTILE, QUESTION, "tricky|type"):
        assert shown in parsed.text


def test_same_json_gives_the_same_bytes(report: dict[str, Any], tmp_path: Path) -> None:
    """Written twice, the second time by the ``report`` command from the JSON, every file is the same."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    write_document(report, tmp_path / "one")
    assert main(["report", str(tmp_path / "out.json"), "--out", str(tmp_path / "two")]) == 0
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert first == second
    assert len(first) == 2 + len(PLOTS) - 1


def test_run_writes_the_report_and_its_json(run: Callable[..., int], animals: Path, tmp_path: Path) -> None:
    """``--report`` makes its folder, with the JSON from which the rest can be made again."""
    folder = tmp_path / "report"
    assert run(animals, "--retriever", "bm25", "--report", folder) == 0
    assert {"report.md", "report.html", "results.json"} <= {path.name for path in folder.iterdir()}
    before = (folder / "report.html").read_bytes()
    assert main(["report", str(folder / "results.json"), "--out", str(folder)]) == 0
    assert (folder / "report.html").read_bytes() == before
    assert str(tmp_path).encode() not in before


def test_document_has_every_part(report: dict[str, Any]) -> None:
    """Quality, significance, kinds of question, cost, failures and provenance stand in the text, with the command."""
    text = markdown(report, {})
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert titles == ["Quality", "Significance", "By kind of question", "Cost", "Failure cases", "Provenance"]
    assert "python -m eval run animals 'odd set' --retriever bm25 --retriever dense" in text
    assert "| sha256: animals |" in text
    assert "### Mean over 2 sets, each counting once" in text
    assert text.count("<details>") == text.count("</details>")
    assert "softly → zz" not in text  # the path of the fake ends at what was found, never at the missed passage
    assert "softly → p0" in text


def test_headline_marks_the_best_and_gives_intervals() -> None:
    """The best of each column is bold, an interval stands beside its figure, and what is not known is a dash."""
    good = {"recall": {"5": 80.0}, "mrr": 0.5, "ci95": {"recall@5": [70.0, 90.0]}}
    poor = {"recall": {"5": 60.04}, "mrr": 0.5}
    rows = tables.headline({"good": good, "poor": poor}).splitlines()[2:]
    assert rows == [
        "| good | – | **80.0** <small>70.0–90.0</small> | – | **0.500** | – |",
        "| poor | – | 60.0 | – | **0.500** | – |",
    ]


def test_older_json_is_still_a_report(report: dict[str, Any], tmp_path: Path) -> None:
    """A JSON from before break-downs, corrected p-values, encoder counts and intervals of means gives what it has."""
    old = copy.deepcopy(report)
    for entries in old["results"].values():
        for entry in entries.values():
            new = (
                "by_type",
                "by_hops",
                "by_gold",
                "query_ms_beyond_encoder",
                "encoder_calls",
                "encoded_texts",
                "failures",
            )
            for key in new:
                del entry[key]
    old["comparisons"] = {
        name: [{key: pair[key] for key in ("a", "b", "metric", "difference", "p")} for pair in pairs]
        for name, pairs in old["comparisons"].items()
    }
    for entry in old["mean"].values():
        del entry["ci95"]
    text = outline(write_document(old, tmp_path).read_text(encoding="utf-8")).text
    assert "By kind of question" not in text
    assert "Failure cases" not in text
    assert "Significance" in text


def test_plots_bear_any_label_and_number_of_retrievers(report: dict[str, Any]) -> None:
    """More retrievers than colours, names in any script and signs that TeX would read are all told apart and shown."""
    (name, entries), *_ = report["results"].items()
    labels = ["北京", "$x^2$", "القاهرة", *(f"variant {number}" for number in range(10))]
    entry = next(iter(entries.values()))
    report = {"results": {f"{name} $n$": dict.fromkeys(labels, entry)}}
    styles = [tuple(style.values()) for style in plots._styles(report["results"]).values()]
    assert len(set(styles)) == len(labels)
    for picture in draw(report).values():
        assert all(label in picture for label in labels)
        assert f"{name} $n$" in picture


def test_tokens_are_plotted_where_they_were_spent(report: dict[str, Any]) -> None:
    """Only a run with an LLM has a plot against its tokens, and only retrievers that spent some are on it."""
    entries = report["results"]["animals"]
    entries["dense"]["usage"] = {"prompt_tokens": 2_000_000, "completion_tokens": 5, "requests": 3}
    picture = draw({"results": {"animals": entries}})["quality-tokens.svg"]
    assert ("dense" in picture, "bm25" in picture, "2M" in picture) == (True, False, True)


def test_inlined_plots_keep_their_ids_apart() -> None:
    """Ids and what refers to them get the plot's prefix; colours of the page become its variables."""
    file = (
        '<?xml version="1.0"?>\n<svg><path id="a" style="fill: #24292f"/><use href="#a" clip-path="url(#a)"/></svg>\n'
    )
    expected = '<svg><path id="x-a" style="fill: var(--ink)"/><use href="#x-a" clip-path="url(#x-a)"/></svg>'
    assert inline_svg(file, "x") == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("[]", "holds no results; give a file that `python -m eval run ... --json FILE` wrote"),
        ('{"results": {}}', "holds no results"),
    ],
)
def test_file_that_is_no_report_is_told(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line that names the file, and nothing is written."""
    path = tmp_path / "some.json"
    if content is not None:
        path.write_text(content)
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 3
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "some.json: " in error
    assert message in error
    assert not (tmp_path / "out").exists()


def test_missing_library_is_told_before_anything_is_indexed(
    run: Callable[..., int],
    animals: Path,
    tmp_path: Path,
    fake: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A report without matplotlib, and any run without ir_measures, ends with the command that installs them."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(animals, "--retriever", "bm25", "--report", tmp_path / "report") == 2
    assert 'needs matplotlib, not installed here; run: pip install -e ".[eval]"' in capsys.readouterr().err
    assert run(animals, "--retriever", "bm25") == 0
    fake.opened.clear()
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    assert run(animals, "--retriever", "bm25") == 2
    assert 'needs ir_measures, not installed here; run: pip install -e ".[eval]"' in capsys.readouterr().err
    assert fake.opened == []
