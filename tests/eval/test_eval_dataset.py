"""Reading BEIR folders: what is read, and that every mistake is told with its file and line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.dataset import load_dataset, load_datasets
from hippomem.errors import ConfigError, InputError, ReadError

SHARED = Path(__file__).parents[3] / "shared" / "data"
WriteSet = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "passages", "questions", "gold", "stores"),
    [
        ("musique-train100", 1890, 100, 237, 1),
        ("musique-train200", 3012, 200, 400, 1),
        ("2wiki-a", 6119, 500, 1230, 1),
        ("hotpotqa-dev200", 1971, 200, 400, 1),
        ("locomo-a", 2960, 1018, None, 5),
        ("lihuaworld", 442, 571, 667, 1),
    ],
)
def test_shared_sets_have_their_published_counts(
    name: str, passages: int, questions: int, gold: int | None, stores: int
) -> None:
    """Every evaluation set loads with the counts of its README, and no question is skipped."""
    if not (SHARED / name).is_dir():
        pytest.skip("the shared evaluation data are not on this machine")
    dataset = load_dataset(SHARED / name)
    counts = sum(corpus.passages for corpus in dataset.corpora), len(dataset.questions), len(dataset.corpora)
    assert (dataset.name, *counts, dataset.skipped) == (name, passages, questions, stores, 0)
    if gold is not None:
        assert sum(len(question.relevance) for question in dataset.questions) == gold


def test_only_positive_judgements_are_gold(animals: Path) -> None:
    """A judgement of 0 names a passage that is not relevant; questions keep the order of their file."""
    questions = load_dataset(animals).questions
    assert [(question.question_id, sorted(question.relevance)) for question in questions] == [
        ("q1", ["dog"]),
        ("q2", ["bat", "owl"]),
    ]


def test_questions_without_gold_are_skipped_and_counted(write_set: WriteSet) -> None:
    """A question without positive judgement is not asked; a set without any question is an error."""
    dataset = load_dataset(write_set("some", {"p": "x"}, {"q1": "a", "q2": "b", "q3": "c"}, [("q2", "p", 1)]))
    assert ([question.question_id for question in dataset.questions], dataset.skipped) == (["q2"], 2)
    with pytest.raises(InputError, match="'none' has no question with a relevant passage"):
        load_dataset(write_set("none", {"p": "x"}, {"q": "a"}, [("q", "p", 0)]))


def test_folder_of_folders_is_one_set(write_set: WriteSet, tmp_path: Path) -> None:
    """Sub-folders pool in name order, each with its own ids; other files and folders beside them are no matter."""
    for name in ("pool/b", "pool/a"):
        write_set(name, {"p": "x"}, {"q1": "a", "q2": "b"}, [("q1", "p", 1), ("q2", "p", 1)])
    (tmp_path / "pool" / "notes").mkdir()
    (tmp_path / "pool" / "README.md").write_text("about")
    dataset = load_dataset(tmp_path / "pool")
    assert [(q.corpus, q.question_id) for q in dataset.questions] == [
        ("a", "q1"),
        ("a", "q2"),
        ("b", "q1"),
        ("b", "q2"),
    ]


def test_limit_takes_the_first_questions_of_the_pool(write_set: WriteSet, tmp_path: Path) -> None:
    """A limit counts over the pooled questions, and drops corpora that no question is left for."""
    for name in ("pool/a", "pool/b", "pool/c"):
        write_set(name, {"p": "x"}, {"q1": "a", "q2": "b"}, [("q1", "p", 1), ("q2", "p", 1)])
    limited = load_dataset(tmp_path / "pool").limited(3)
    assert [(q.corpus, q.question_id) for q in limited.questions] == [("a", "q1"), ("a", "q2"), ("b", "q1")]
    assert [corpus.name for corpus in limited.corpora] == ["a", "b"]
    with pytest.raises(ConfigError, match="--limit is 0"):
        limited.limited(0)


def test_hash_covers_every_byte_that_is_read(animals: Path, tmp_path: Path) -> None:
    """A copy elsewhere has the same hash; one changed character in any part has another."""
    first = load_dataset(animals).sha256
    for part in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        copy = tmp_path / f"copy-{Path(part).stem}" / "animals"
        shutil.copytree(animals, copy)
        assert load_dataset(copy).sha256 == first
        with (copy / part).open("a", encoding="utf-8") as file:
            file.write("\n")
        assert load_dataset(copy).sha256 != first


def test_line_endings_header_and_byte_order_mark_are_no_matter(animals: Path) -> None:
    """Files saved on Windows, and judgements without header, read as the others do."""
    before = [(q.question_id, q.text, q.relevance) for q in load_dataset(animals).questions]
    for part in ("corpus.jsonl", "queries.jsonl"):
        path = animals / part
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    qrels = animals / "qrels" / "test.tsv"
    qrels.write_bytes(b"".join(qrels.read_bytes().splitlines(keepends=True)[1:]).replace(b"\n", b"\r\n"))
    assert [(q.question_id, q.text, q.relevance) for q in load_dataset(animals).questions] == before


@pytest.mark.parametrize(
    ("part", "line", "message"),
    [
        ("corpus.jsonl", b"{not json}", "not JSON"),
        ("corpus.jsonl", b'["a"]', "expected a JSON object, found list"),
        ("corpus.jsonl", b'{"text": "no id"}', "no `_id`"),
        ("corpus.jsonl", b'{"_id": "", "text": "empty id"}', "no `_id`"),
        ("corpus.jsonl", b'{"_id": "cat", "text": "twice"}', "'cat' was already given in line 1"),
        ("corpus.jsonl", b'{"_id": "\xff"}', "not UTF-8 at byte 9"),
        ("corpus.jsonl", b"[" * 100_000, "not JSON"),
        ("queries.jsonl", b'{"_id": "q9"}', "query 'q9' has no `text`"),
        ("queries.jsonl", b'{"_id": "q9", "text": "  "}', "query 'q9' has no `text`"),
        ("queries.jsonl", b'{"_id": "q9", "text": "\\ud800"}', "half a surrogate pair"),
        ("qrels/test.tsv", b"q1 dog 1", "with tabs between, found 1 field"),
        ("qrels/test.tsv", b"q1\tdog\tyes", "score 'yes' is not a number"),
        ("qrels/test.tsv", b"q1\tdog\tnan", "score 'nan' is not a number"),
        ("qrels/test.tsv", b"q1\tdog\t0", "were judged before, differently"),
    ],
)
def test_bad_line_is_named(animals: Path, part: str, line: bytes, message: str) -> None:
    """A line that cannot be read is an error with its file and number."""
    path = animals / part
    number = len(path.read_bytes().splitlines()) + 1
    with path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(ReadError, match=message) as caught:
        load_dataset(animals)
    assert (caught.value.path, caught.value.line) == (path, number)


def test_wrong_score_in_the_first_line_is_no_header(animals: Path) -> None:
    """Only a line that ends in ``score`` is taken for the header."""
    qrels = animals / "qrels" / "test.tsv"
    qrels.write_text("q1\tdog\tone\nq2\towl\t1\n")
    with pytest.raises(ReadError, match=r"line 1: score 'one' is not a number"):
        load_dataset(animals)


def test_unknown_ids_are_listed(animals: Path) -> None:
    """Judgements that name strangers are an error with up to ten of them, queries and passages alike."""
    with (animals / "qrels" / "test.tsv").open("a") as file:
        file.write("q7\tcat\t1\n" + "".join(f"q1\tlost{number}\t1\n" for number in range(12)))
    with pytest.raises(ReadError) as caught:
        load_dataset(animals)
    message = str(caught.value)
    assert "1 query id(s) that queries.jsonl does not hold: q7" in message
    assert "12 passage id(s) that corpus.jsonl does not hold: lost0, " in message
    assert message.endswith("lost9 and 2 more")


def test_missing_parts_are_named(animals: Path, tmp_path: Path) -> None:
    """A folder that is not there, is no data set, or lacks a part says which."""
    with pytest.raises(ReadError, match="nowhere: no such folder"):
        load_dataset(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="empty: no data set here"):
        load_dataset(tmp_path / "empty")
    (animals / "qrels" / "test.tsv").unlink()
    with pytest.raises(ReadError, match=r"animals: qrels/test.tsv missing beside corpus.jsonl and queries.jsonl"):
        load_dataset(animals)
    with pytest.raises(ReadError, match=r"animals: qrels/test.tsv missing"):
        load_dataset(tmp_path)


def test_missing_recording_is_told(animals: Path) -> None:
    """A corpus without recorded extraction says what else can be done."""
    with pytest.raises(ReadError, match=r"openie.jsonl: no such file.*--extractor builtin"):
        _ = load_dataset(animals).corpora[0].openie


def test_two_sets_of_one_name_are_refused(animals: Path, tmp_path: Path) -> None:
    """Results go by folder name, so two folders of the same name cannot be told apart."""
    shutil.copytree(animals, tmp_path / "other" / "animals")
    with pytest.raises(ConfigError, match="both called 'animals'"):
        load_datasets([animals, tmp_path / "other" / "animals"])


def test_name_is_the_folders_own(animals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set given as ``.`` or with a closing slash goes by its folder's name."""
    monkeypatch.chdir(animals)
    assert load_dataset(".").name == load_dataset(f"{animals}/").name == "animals"
