"""The run: which stores are built, how answers are collected, and what the figures become."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.ask import collapse
from eval.dataset import load_dataset
from eval.index_cost import IndexCost
from eval.run import RunSettings, run_set
from eval.significance import compare
from eval.stores import StorePlan, StoreSettings, plan_stores
from eval.summary import mean_intervals, mean_over_sets, score_answers, summarise
from eval.systems import systems
from hippomem.errors import RetrievalError
from hippomem.types import AddReport, Document, Hit, SearchResult

SHARED = Path(__file__).parents[3] / "shared" / "data"
WriteSet = Callable[..., Path]


def hit(passage_id: str, *source_ids: str) -> Hit:
    return Hit(passage_id, "m", "", "", 1.0, 1, source_ids=source_ids)


def test_chunks_collapse_to_their_best_rank() -> None:
    """A passage stands where its best chunk does; equal passages stored once count each."""
    hits = [hit("1", "b"), hit("2", "a"), hit("3", "b"), hit("4", "c", "a")]
    assert [(name, best.passage_id) for name, best in collapse(hits).items()] == [("b", "1"), ("a", "2"), ("c", "4")]


def test_hit_without_source_is_an_error() -> None:
    """A hit that cannot be judged is not silently counted as wrong."""
    with pytest.raises(RetrievalError, match=r"passage 'x' .* has no source id"):
        collapse([hit("x")])


def test_long_passages_need_a_second_store() -> None:
    """Only hippomem splits passages, and only if one is long; otherwise one store serves all."""
    assert plan_stores(systems("bm25", "hippomem", "hipporag2"), any_long=True) == (
        StorePlan(False, systems("bm25", "hipporag2")),
        StorePlan(True, systems("hippomem")),
    )
    both = systems("hippomem", "bm25")
    assert plan_stores(both, any_long=False) == (StorePlan(False, both),)
    assert plan_stores(systems("hippomem"), any_long=True) == (StorePlan(True, systems("hippomem")),)


def test_figures_follow_from_the_rankings(animals: Path, fake: Any) -> None:
    """Two questions by hand: q1 finds its gold first; q2 finds owl first and bat third of four passages."""
    dataset, settings = load_dataset(animals), RunSettings(systems("bm25"), ks=(1, 2, 5), per_question=True)
    outcome = run_set(dataset, settings, fake.engine())["bm25"]
    assert [answer.ranked[:3] for answer in outcome.answers] == [("dog", "bat", "cat"), ("owl", "cat", "bat")]
    entry = summarise(outcome, dataset, settings)
    assert entry["recall"] == {"1": (100 + 50) / 2, "2": (100 + 50) / 2, "5": (100 + 100) / 2}
    assert entry["all_recall"] == {"1": (100 + 0) / 2, "2": (100 + 0) / 2, "5": 100.0}
    assert (entry["all_recall@5"], entry["mrr"], entry["questions"], entry["passages"]) == (100.0, 1.0, 2, 4)
    assert entry["ci95"]["recall@1"] == [50.0, 100.0]
    assert {stage: entry["index_seconds"][stage] for stage in ("embed", "extract")} == {"embed": 0.5, "extract": 0.25}
    assert entry["index_seconds"]["total"] > 0
    assert entry["index_bytes"] == 10
    assert 0 < entry["query_ms"]["p50"] <= entry["query_ms"]["p95"]
    assert entry["query_ms_by_stage"] == {"rank": 1.0}
    assert [question["recall@1"] for question in entry["per_question"]] == [100.0, 50.0]


def test_warm_up_asks_no_question_of_the_set(animals: Path, fake: Any) -> None:
    """Before the clock counts, only other texts are asked, so no cache can hold an answer."""
    run_set(load_dataset(animals), RunSettings(systems("dense")), fake.engine())
    assert [query for _, query, _ in fake.log] == [
        "bark dogs",
        "night at softly hoot who",
        "dogs bark",
        "who hoot softly at night",
    ]


def test_chunked_store_is_asked_again_until_passages_suffice(write_set: WriteSet, fake: Any) -> None:
    """When one passage's chunks fill the answer, more hits are asked for until k passages stand or none is left."""
    long = "|".join(f"word {number}" for number in range(60))
    folder = write_set("long", {"long": long, "gold": "other"}, {"q": "word"}, [("q", "gold", 1)])
    settings = RunSettings(systems("hippomem", "bm25"), ks=(1, 2))
    outcomes = run_set(load_dataset(folder), settings, fake.engine())
    assert outcomes["hippomem"].answers[0].ranked == ("long", "gold")
    assert [k for name, query, k in fake.log if (name, query) == ("hippomem", "word")] == [30, 90] * 2
    assert [k for name, query, k in fake.log if (name, query) == ("bm25", "word")] == [10] * 2
    assert [keywords["chunk"] for keywords in fake.opened] == [False, True]


def test_pooled_set_has_a_store_each(write_set: WriteSet, tmp_path: Path, fake: Any) -> None:
    """Questions of several corpora are pooled, each asked of its own store only; costs add up."""
    for name, gold in (("pool/a", "x"), ("pool/b", "y")):
        write_set(name, {gold: "here", "z": "there"}, {"q": "here"}, [("q", gold, 1)])
    dataset, settings = load_dataset(tmp_path / "pool"), RunSettings(systems("bm25"))
    entry = summarise(run_set(dataset, settings, fake.engine())["bm25"], dataset, settings)
    assert (entry["stores"], entry["passages"], entry["questions"], entry["recall"]["1"]) == (2, 4, 2, 100.0)
    assert entry["index_seconds"]["embed"] == 2 * 0.5


def test_given_options_reach_the_store(write_set: WriteSet, fake: Any) -> None:
    """Recorded extraction, embedder and chunking are handed on; what was not given is left to the package."""
    folder = write_set("toy", {"p": "x"}, {"q": "x"}, [("q", "p", 1)], openie=True)
    stores = StoreSettings(extractor="recorded", embedder="some-model")
    run_set(load_dataset(folder), RunSettings(systems("hipporag2"), stores=stores), fake.engine())
    assert fake.opened == [{"extractor": "recorded openie.jsonl", "chunk": False}]
    assert fake.embedders == ["some-model"]


def test_both_ways_give_the_same_ranking(animals: Path, fake: Any) -> None:
    """``via memory`` asks through the facade, by the retriever's name."""
    dataset = load_dataset(animals)
    direct = run_set(dataset, RunSettings(systems("dense")), fake.engine())
    assert {name for name, _, _ in fake.log} == {"dense"}
    fake.log.clear()
    facade = run_set(dataset, RunSettings(systems("dense"), stores=StoreSettings(via="memory")), fake.engine())
    assert {name for name, _, _ in fake.log} == {"memory:dense"}
    assert [a.ranked for a in direct["dense"].answers] == [a.ranked for a in facade["dense"].answers]


def test_notes_say_what_the_figures_do_not(write_set: WriteSet, fake: Any) -> None:
    """Sentences taken as facts, skipped questions and a retriever that stepped back are told in words."""
    fake.note = "no entity found: dense ranking"
    folder = write_set("toy", {"p": "x"}, {"q1": "x", "q2": "y"}, [("q1", "p", 1)])
    dataset, settings = load_dataset(folder), RunSettings(systems("hipporag1", "bm25"))
    outcomes = run_set(dataset, settings, fake.engine())
    notes = {name: summarise(outcome, dataset, settings)["note"] for name, outcome in outcomes.items()}
    assert notes["bm25"] == "1 questions without gold were skipped; no entity found: dense ranking (1 of 1 questions)"
    assert notes["hipporag1"].startswith("builtin extractor: sentences are taken as facts, not triples; ")


def test_costs_add_by_stage() -> None:
    """The sum of two stores' costs has every stage of either."""
    both = IndexCost(1, 2, seconds={"a": 1.0}) + IndexCost(1, 3, seconds={"a": 2.0, "b": 4.0}, usage={"tokens": 5})
    assert both == IndexCost(2, 5, seconds={"a": 3.0, "b": 4.0}, usage={"tokens": 5})


def test_comparison_of_a_retriever_with_its_equal(animals: Path, fake: Any) -> None:
    """Two retrievers with the same rankings differ by nothing, with p = 1, by every metric that is compared."""
    settings = RunSettings(systems("bm25", "dense"))
    outcomes = run_set(load_dataset(animals), settings, fake.engine())
    rows = compare({name: score_answers(o.answers, settings.ks) for name, o in outcomes.items()}, seed=0)
    same = {"a": "bm25", "b": "dense", "difference": 0.0, "ci95": [0.0, 0.0], "p": 1.0, "p_holm": 1.0}
    assert rows == [{**same, "metric": metric} for metric in ("recall@5", "recall@2", "all_recall@5")]


def test_work_of_the_encoder_is_counted_per_query(write_set: WriteSet, fake: Any) -> None:
    """Searches that no question of the set made, the warm-up's, count for nothing; asking again counts again."""
    long = "|".join(f"word {number}" for number in range(60))
    folder = write_set("long", {"long": long, "gold": "other"}, {"q": "word"}, [("q", "gold", 1)])
    dataset = load_dataset(folder)
    settings = RunSettings(systems("hippomem", "dense", "bm25"), failures=1)
    outcomes = run_set(dataset, settings, fake.engine())
    entries = {name: summarise(outcome, dataset, settings) for name, outcome in outcomes.items()}
    counts = {name: (entry["encoder_calls"], entry["encoded_texts"]) for name, entry in entries.items()}
    assert counts == {"hippomem": (2.0, 2.0), "dense": (1.0, 1.0), "bm25": (0.0, 0.0)}


def test_time_beyond_the_encoder_leaves_out_one_stage(animals: Path, fake: Any) -> None:
    """Of two answers of 5 and 9 ms, with 2 and 4 ms in the encoder, the median beyond it is (3 + 5) / 2."""
    dataset, settings = load_dataset(animals), RunSettings(systems("bm25"))
    outcome = run_set(dataset, settings, fake.engine())["bm25"]
    timed = [(0.005, {"encode": 0.002, "rank": 0.001}), (0.009, {"encode": 0.004})]
    pairs = zip(outcome.answers, timed, strict=True)
    outcome.answers = [replace(answer, seconds=seconds, stages=stages) for answer, (seconds, stages) in pairs]
    assert summarise(outcome, dataset, settings)["query_ms_beyond_encoder"] == {"p50": 4.0}


def test_stages_add_up_over_the_searches_of_a_question(write_set: WriteSet, fake: Any) -> None:
    """A question that took two searches spent both searches' time in each stage."""
    long = "|".join(f"word {number}" for number in range(60))
    folder = write_set("long", {"long": long, "gold": "other"}, {"q": "word"}, [("q", "gold", 1)])
    outcome = run_set(load_dataset(folder), RunSettings(systems("hippomem")), fake.engine())["hippomem"]
    assert outcome.answers[0].stages == {"rank": 0.002}


def test_untitled_passages_reach_every_retriever_without_title(write_set: WriteSet, fake: Any) -> None:
    """The flag takes titles from what is indexed, in every store, and the note says so; the text stays."""
    passages, titles = {"p": "one|two", "r": "x"}, {"p": "Title", "r": "Other"}
    dataset = load_dataset(write_set("toy", passages, {"q": "x"}, [("q", "p", 1)], titles=titles))
    for untitled, expected in ((False, {"Title", "Other"}), (True, {""})):
        fake.stores.clear()
        settings = RunSettings(systems("bm25", "hippomem"), stores=StoreSettings(untitled=untitled))
        outcomes = run_set(dataset, settings, fake.engine())
        assert [{document.title for document in store.indexed} for store in fake.stores] == [expected] * 2
        assert {document.text for document in fake.stores[0].indexed} == {"one|two", "x"}
        notes = [note for outcome in outcomes.values() for note in outcome.notes if "titles" in note]
        assert notes == ["passages were indexed without their titles"] * 2 * untitled


def test_mean_over_sets_counts_each_set_once() -> None:
    """A set of many questions weighs as much as a set of few; one set has no mean."""

    def entry(value: float) -> dict[str, Any]:
        return {"recall": {"5": value}, "all_recall": {"5": value}, "all_recall@5": value, "mrr": 1.0, "ndcg@10": 0.5}

    assert mean_over_sets({"a": {"bm25": entry(40.0)}}) == {}
    assert mean_over_sets({"a": {"bm25": entry(40.0)}, "b": {"bm25": entry(50.0)}}) == {"bm25": entry(45.0)}


def test_interval_of_the_mean_resamples_questions_within_their_set() -> None:
    """A set whose questions agree adds no width: half the width of the other set's own interval is left."""
    constant, varied = np.full(50, 40.0), np.tile([0.0, 100.0], 200)
    low, high = mean_intervals([{"recall@5": constant}, {"recall@5": varied}], seed=0)["recall@5"]
    half = 1.96 * 50.0 / np.sqrt(400) / 2
    assert (low, high) == pytest.approx((45.0 - half, 45.0 + half), abs=0.2 * half)


@pytest.mark.parametrize(
    ("name", "recalls", "all_at_5"),
    [
        ("hotpotqa-dev200", [38.0, 57.0, 75.5, 92.2, 96.2], 55.5),
        ("locomo-a", [23.3, 33.2, 45.0, 53.0, 62.3], 42.1),
        ("lihuaworld", [60.0, 72.0, 83.4, 87.4, 92.0], 80.7),
    ],
)
def test_published_bm25_baseline_comes_out(name: str, recalls: list[float], all_at_5: float, fake: Any) -> None:
    """With plain bm25s in the engine's place, the harness gives the baseline that stands beside the shared data."""
    bm25s = pytest.importorskip("bm25s", reason="bm25s is not installed")
    if not (SHARED / name).is_dir():
        pytest.skip("the shared evaluation data are not on this machine")

    class Store:
        def add_many(self, documents: Iterable[Document]) -> AddReport:
            documents = list(documents)
            self.ids = [str(document.source_id) for document in documents]
            self.index = bm25s.BM25()
            self.index.index(self.words([f"{d.title}\n{d.text}" for d in documents]), show_progress=False)
            return AddReport(tuple(self.ids), len(self.ids), 0, 0)

        def words(self, texts: list[str]) -> Any:
            return bm25s.tokenize(texts, stopwords="en", show_progress=False)

        def retriever(self, name: str) -> Store:
            return self

        def search(self, query: str, k: int = 10, **_: Any) -> SearchResult:
            found = self.index.retrieve(self.words([query]), k=k, show_progress=False).documents[0]
            return SearchResult(query, "bm25", tuple(hit(str(n), self.ids[n]) for n in found))

    @contextmanager
    def opened(path: Path, **_: Any) -> Iterator[Any]:
        yield Store()

    def documents(folder: Path) -> Iterator[Document]:
        for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
            record = json.loads(line)
            yield Document(record["text"], title=record["title"], source_id=record["_id"])

    dataset, settings = load_dataset(SHARED / name), RunSettings(systems("bm25"))
    engine = replace(fake.engine(), open=opened, documents=documents)
    entry = summarise(run_set(dataset, settings, engine)["bm25"], dataset, settings)
    assert list(entry["recall"].values()) == pytest.approx(recalls, abs=0.051)
    assert entry["all_recall@5"] == pytest.approx(all_at_5, abs=0.051)
