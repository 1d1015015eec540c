"""``python -m eval qa`` over real stores and a real HTTP server that plays the reader, and misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval import __main__ as command
from eval import qa_command
from eval.systems import Engine
from hippomem.memory import Memory
from hippomem.models.openai_client import OpenAIConnection
from hippomem.testing import Fault, HashEmbedder, LoopbackServer, RecordedRequest
from indexing.chunking import needs_chunking
from indexing.readers import read_beir

WriteSet = Callable[..., Path]
Qa = Callable[..., tuple[int, dict[str, Any]]]

#: Question id → question, accepted answers, what the reader says: right, right by its alias, half right, wrong.
QUESTIONS = {
    "q1": ("Where did the maker of the Ombra Clock grow up?", ["Quillmoth Island"], "Answer: Quillmoth Island"),
    "q2": ("Who built the Ombra Clock?", ["T. Vorn", "Tessaly Vorn"], "Thought: so.\nAnswer: Tessaly Vorn."),
    "q3": ("Who built the Sorrel Tower?", ["Ilse Garrow"], "Answer: Garrow"),
    "q4": ("Where do the weavers live?", ["the valley"], "Answer: a hill"),
}
PASSAGES = {
    "clock": "The Ombra Clock was built by Tessaly Vorn.",
    "maker": "Tessaly Vorn grew up on Quillmoth Island.",
    "tower": "The Sorrel Tower is the work of Ilse Garrow.",
    "weavers": "The weavers live in the valley.",
    "bread": "Bread is baked at night.",
    "rain": "Rain fell on the hills.",
}
GOLD = [("q1", "clock", 1), ("q1", "maker", 1), ("q2", "clock", 1), ("q3", "tower", 1), ("q4", "weavers", 1)]


@pytest.fixture
def folder(write_set: WriteSet) -> Path:
    """Six passages, four questions with answers, and one without, which is not asked."""
    texts = {name: question for name, (question, *_) in QUESTIONS.items()}
    made = write_set("tiny", PASSAGES, {**texts, "q5": "Is bread baked?"}, [*GOLD, ("q5", "bread", 1)])
    lines = [
        {"_id": name, "text": question, "metadata": {"answer": accepted[0], "answer_aliases": accepted[1:]}}
        for name, (question, accepted, _) in QUESTIONS.items()
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, {"_id": "q5", "text": "Is bread baked?"}])
    (made / "queries.jsonl").write_text(text, encoding="utf-8")
    return made


def reader(messages: list[dict[str, Any]]) -> str:
    """Says what `QUESTIONS` has it say; asked for a thought, it thinks once and then has the answer."""
    asked = str(messages[-1]["content"])
    said = next(said for question, _, said in QUESTIONS.values() if f"Question: {question}" in asked)
    if "Thoughts so far:" not in asked:
        return said
    return "The Ombra Clock was built by Tessaly Vorn." if "(none yet)" in asked else "So the answer is: that."


def asks(question_id: str, fault: Fault) -> Callable[[RecordedRequest], Fault | None]:
    """*fault* for every request about one question."""
    text = f"Question: {QUESTIONS[question_id][0]}"
    return lambda request: fault if text in request.body["messages"][-1]["content"] else None


@pytest.fixture
def qa(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Qa:
    """``qa("--limit", 2, server=server)`` runs the command; returns its exit code and its JSON ({} if none)."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    defaults: Any = OpenAIConnection.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "sleep", lambda _: None)
    engine = Engine(read_beir, needs_chunking, recorded=str, llm=str, embedder=lambda _: HashEmbedder(), open=Memory)
    monkeypatch.setattr(qa_command, "hippomem_engine", lambda: engine)
    out = tmp_path / "out.json"

    def run(*words: object, server: LoopbackServer, model: str = "loopback") -> tuple[int, dict[str, Any]]:
        options = ["--llm-model", model, "--llm-base-url", server.base_url, "--json", out]
        named = [] if "--retriever" in words else ["--retriever", "hippomem"]
        code = command.main(["qa", str(folder), *map(str, [*named, *options, *words])])
        return code, json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}

    return run


def only(report: dict[str, Any]) -> dict[str, Any]:
    """The one entry of a report of one set."""
    (entries,) = report["results"].values()
    (entry,) = entries.values()
    found: dict[str, Any] = entry
    return found


def test_figures_are_visible_arithmetic(qa: Qa) -> None:
    """EM: q1 and q2 of four. F1: 1, 1, q3 2·1/(1+2), 0. R@2 of what was read, and what four calls cost."""
    with LoopbackServer(reader) as server:
        code, report = qa("--k", 2, "--price-in", 2, "--price-out", 10, "--per-question", server=server)
        sent = len(server.requests)
    entry = only(report)
    assert (code, sent, entry["questions"], entry["without_answer"], entry["failed"]) == (0, 4, 4, 1, 0)
    assert entry["em"] == 50.0
    assert entry["f1"] == pytest.approx(100 * (1 + 1 + 2 / 3 + 0) / 4, abs=1e-3)
    assert all(low <= entry[name] <= high for name, (low, high) in entry["ci95"].items())
    assert set(entry["ci95"]) == {"em", "f1", "recall@2"}
    usage, mean = entry["usage"], entry["per_question"]
    assert (usage["calls"], mean["calls"]) == (4, 1.0)
    assert usage["completion_tokens"] == sum(len(said.split()) for *_, said in QUESTIONS.values())
    assert mean["tokens_in"] == usage["prompt_tokens"] / 4
    assert mean["usd"] == pytest.approx((2 * usage["prompt_tokens"] + 10 * usage["completion_tokens"]) / 4e6, abs=1e-8)


def test_the_records_add_up_to_the_figures(qa: Qa) -> None:
    """--per-question: means over records are the set's figures, their tokens its usage, and each tells what was read."""
    with LoopbackServer(reader) as server:
        _, report = qa("--k", 2, "--per-question", server=server)
    entry = only(report)
    records = entry["records"]
    assert [record["question_id"] for record in records] == list(QUESTIONS)
    for name in ("em", "f1", "recall@2"):
        assert entry[name] == pytest.approx(sum(record[name] for record in records) / 4, abs=1e-3)
    for name in ("prompt_tokens", "completion_tokens", "calls"):
        assert entry["usage"][name] == sum(record["usage"][name] for record in records)
    first = records[0]
    assert (first["answer"], first["accepted"], first["gold"]) == (
        "Quillmoth Island",
        ["Quillmoth Island"],
        ["clock", "maker"],
    )
    assert first["recall@2"] == 100 * len(set(first["read"]) & {"clock", "maker"}) / 2
    assert len(first["read"]) == 2


def test_thoughts_between_searches_are_counted(qa: Qa) -> None:
    """--steps 3: two thoughts and a reading a question, under the name of both systems."""
    with LoopbackServer(reader) as server:
        _, report = qa("--steps", 3, "--retriever", "bm25", "--per-question", server=server)
    entry = report["results"]["tiny"]["ircot+bm25"]
    assert entry["per_question"]["calls"] == 3.0
    assert [record["trace"]["stop"] for record in entry["records"]] == ["answered"] * 4
    assert sum(record["usage"]["calls"] for record in entry["records"]) == entry["usage"]["calls"] == 12


def test_an_unknown_price_is_not_given(qa: Qa, capsys: pytest.CaptureFixture[str]) -> None:
    """No price in the options or the table: null and a hint, never 0; a listed model has one."""
    with LoopbackServer(reader) as server:
        _, report = qa(server=server)
        assert only(report)["per_question"]["usd"] is None
        assert "no price is known for loopback" in capsys.readouterr().out
        _, report = qa(server=server, model="gpt-4o-mini")
        assert only(report)["per_question"]["usd"] > 0
        assert report["provenance"]["usd_per_million"] == {"in": 0.15, "out": 0.6}


@pytest.mark.parametrize("fault", [Fault.failed(), Fault.empty_choices(), Fault.wrong_types("Answer:")])
def test_a_question_that_fails_for_good_is_wrong_and_listed(
    qa: Qa, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts as wrong, with the reason; the others are answered; its recall is not known, and not in the mean."""
    with LoopbackServer(reader, faults=asks("q1", fault)) as server:
        code, report = qa("--per-question", server=server)
    entry = only(report)
    assert (code, entry["questions"], entry["failed"], entry["em"]) == (0, 4, 1, 25.0)
    assert [failure["question_id"] for failure in entry["failures"]] == ["q1"]
    assert "loopback" in entry["failures"][0]["reason"]
    first = entry["records"][0]
    assert (first["answer"], first["em"], first["f1"], first["recall@5"]) == (None, 0.0, 0.0, None)
    assert entry["recall@5"] == 100.0
    assert "q1 failed, counted as wrong" in capsys.readouterr().out


def test_what_passes_leaves_no_mark(qa: Qa) -> None:
    """A 429, a 500 and a hang-up, each followed by the answer: the figures of a calm run."""
    faults = [Fault.rate_limited(0), Fault.failed(), None, Fault.disconnected()]
    with LoopbackServer(reader, faults=faults) as server:
        _, report = qa("--concurrency", 1, server=server)
    entry = only(report)
    assert (entry["em"], entry["failed"], entry["usage"]["calls"]) == (50.0, 0, 4)


def test_outputs_of_another_form_are_used_and_counted(qa: Qa, capsys: pytest.CaptureFixture[str]) -> None:
    """Prose without the marker is scored as it stands and a cut output as far as it goes; the report counts both."""
    prose = asks("q2", Fault.wrong_types("Tessaly Vorn"))
    cut = asks("q1", Fault.cut_json(0.99))

    with LoopbackServer(reader, faults=lambda request: prose(request) or cut(request)) as server:
        _, report = qa(server=server)
    entry = only(report)
    assert entry["failed"] == 0
    assert entry["em"] == 25.0
    assert sorted(entry["notes"].values()) == [1, 1]
    out = capsys.readouterr().out
    assert "no “Answer:”" in out
    assert "cut off (1 answers)" in out


def test_a_refused_key_ends_the_run(qa: Qa, capsys: pytest.CaptureFixture[str]) -> None:
    """No other question fares better: code 7, and no figure."""
    with LoopbackServer(reader, faults=lambda _: Fault.refused_key()) as server:
        assert qa(server=server) == (7, {})
    assert "error: " in capsys.readouterr().err


def test_an_endpoint_that_answers_nothing_gives_no_figure(qa: Qa) -> None:
    """If every question fails there is nothing to report: code 7 with the reason, not an EM of 0."""
    with LoopbackServer(reader, faults=lambda _: Fault.failed()) as server:
        assert qa(server=server) == (7, {})


def test_several_questions_are_asked_at_once(qa: Qa) -> None:
    """The endpoint sees --concurrency requests at a time, and the report is in the order of the questions all the same."""
    with LoopbackServer(reader, latency=0.2) as server:
        _, report = qa("--concurrency", 4, "--per-question", server=server)
        assert server.most_at_once > 1
    assert [record["question_id"] for record in only(report)["records"]] == list(QUESTIONS)
    with LoopbackServer(reader, latency=0.01) as server:
        qa("--concurrency", 1, server=server)
        assert server.most_at_once == 1


def test_the_table_and_the_json_name_no_machine(qa: Qa, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sets go by name; neither folder nor address gets into the report."""
    with LoopbackServer(reader) as server:
        _, report = qa("--limit", 2, server=server)
        out = capsys.readouterr().out
        text = json.dumps(report)
        assert server.base_url not in text + out
    assert str(tmp_path) not in text + out
    row = next(line for line in out.splitlines() if "│ tiny" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][:3] == ["tiny", "2", "100.0"]
    assert {"retriever", "llm_model", "k", "steps", "seed", "limit", "sha256", "versions"} <= set(report["provenance"])


def test_a_set_without_answers_cannot_be_asked(qa: Qa, write_set: WriteSet, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that names what is missing, before any request."""
    bare = write_set("bare", {"p": "x"}, {"q": "x?"}, [("q", "p", 1)])
    with LoopbackServer(reader) as server:
        words = ["qa", bare, "--retriever", "bm25", "--llm-model", "m", "--llm-base-url", server.base_url]
        assert command.main([str(word) for word in words]) == 3
        assert server.requests == []
    assert "metadata.answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--k", 0], ["--steps", 0], ["--concurrency", 0], ["--limit", 0], ["--seed", -1], ["--price-in", 1]]
)
def test_numbers_out_of_range_are_code_2(qa: Qa, wrong: list[object]) -> None:
    """Refused before anything is indexed or asked."""
    with LoopbackServer(reader) as server:
        assert qa(*wrong, server=server) == (2, {})
        assert server.requests == []
