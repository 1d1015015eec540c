"""One store, many namespaces, many threads: nothing is lost, nothing is mixed, one bad document harms nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hippomem import Document, Memory
from hippomem.errors import EmptyTextError, InputError, ModelUnavailableError, NotFoundError, StoreMissingError
from hippomem.models.embedder import QueryVectors
from hippomem.service import Tenants
from hippomem.testing import HashEmbedder


class Gate(HashEmbedder):
    """An encoder that waits until it is let through; counts how often passages were asked for."""

    def __init__(self) -> None:
        super().__init__(dimension=16)
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        self.fails = False

    def embed_with_signs(self, *args: Any, **options: Any) -> Any:
        self.asked.set()
        assert self.open.wait(20)
        if self.fails:
            raise ModelUnavailableError("the encoder is away.")
        return super().embed_with_signs(*args, **options)

    def embed(self, *args: Any, **options: Any) -> Any:
        self.asked.set()
        assert self.open.wait(20)
        if self.fails:
            raise ModelUnavailableError("the encoder is away.")
        return super().embed(*args, **options)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def tenants(tmp_path: Path, gate: Gate) -> Iterator[Tenants]:
    with Tenants(tmp_path / "a.hippo", embedder=gate, open_at_most=2) as made:
        yield made


def texts(tenants: Tenants, namespace: str) -> list[str]:
    with tenants.reading(namespace) as memory:
        return sorted(record.text for record in memory.list())


def test_a_namespace_is_made_by_its_first_addition(tenants: Tenants) -> None:
    for call in (tenants.reading, lambda name: tenants.reading(name)):
        with pytest.raises(NotFoundError, match="no namespace 'a'"), call("a"):
            pass
    assert not tenants.exists("a")
    report = tenants.add("a", [Document("Ada lives in Rome.")])
    assert (report.added, report.new) == (1, (True,))
    assert tenants.exists("a")
    assert tenants.namespaces() == ["a"]
    assert texts(tenants, "a") == ["Ada lives in Rome."]


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "a\x00b", "\ud800"])
def test_names_that_no_namespace_can_have(tenants: Tenants, name: str) -> None:
    for call in (tenants.exists, lambda name: tenants.add(name, [Document("x")])):
        with pytest.raises(InputError, match="namespace"):
            call(name)


def test_many_threads_add_to_more_namespaces_than_are_kept_open(tenants: Tenants) -> None:
    """Every acknowledged document is there, in its own namespace only."""
    jobs = [(f"n{i % 5}", f"Text {i} of n{i % 5}.") for i in range(60)]
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda job: tenants.add(job[0], [Document(job[1])]), jobs))
    assert all(report.added == 1 and report.duplicates == 0 for report in reports)
    for n in range(5):
        assert texts(tenants, f"n{n}") == sorted(text for name, text in jobs if name == f"n{n}")
        with tenants.reading(f"n{n}") as memory:
            assert {hit.text.split()[-1] for hit in memory.search("Text", k=60)} == {f"n{n}."}
    assert len(tenants._open) <= 2


def waiting(tenants: Tenants, namespace: str, count: int) -> None:
    """Wait until so many additions stand in the queue."""
    for _ in range(2000):
        if len(tenants._open[namespace].waiting) >= count:
            return
        threading.Event().wait(0.005)
    raise AssertionError("they never came")


def add_while_one_is_written(tenants: Tenants, gate: Gate, additions: Sequence[Sequence[Document]]) -> list[Any]:
    """What each gets that comes while another addition waits for the encoder."""
    tenants.add("a", [Document("The first of all.")])
    gate.open.clear()
    gate.asked.clear()

    def call(documents: Sequence[Document]) -> Any:
        try:
            return tenants.add("a", documents)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(additions) + 1) as pool:
        slow = pool.submit(call, [Document("The slow one.")])
        gate.asked.wait(20)
        futures = []
        for number, documents in enumerate(additions):
            futures.append(pool.submit(call, documents))
            waiting(tenants, "a", number + 1)
        gate.open.set()
        assert slow.result().added == 1
        return [future.result() for future in futures]


def test_what_comes_while_another_is_written_is_written_together(tenants: Tenants, gate: Gate) -> None:
    """In the order in which they came; each caller gets the report of his own documents."""
    additions = [[Document("Two."), Document("Three.")], [Document("Three.")], [Document("Four.")]]
    before = commits(tenants)
    reports = add_while_one_is_written(tenants, gate, additions)
    assert [(r.added, r.duplicates) for r in reports] == [(2, 0), (0, 1), (1, 0)]
    assert reports[0].memory_ids[1] == reports[1].memory_ids[0]
    assert commits(tenants) - before == 2 * 3  # two for each of three rounds of writing


def commits(tenants: Tenants) -> int:
    key = tenants.store.namespace_key("a")
    return 0 if key is None else tenants.store.generation(key)


def test_one_bad_document_fails_alone(tenants: Tenants, gate: Gate) -> None:
    additions = [[Document("Two.")], [Document("Three."), Document(" ")], [Document("Four.", supersedes=("m-none",))]]
    good, empty, unknown = add_while_one_is_written(tenants, gate, additions)
    assert good.added == 1
    assert isinstance(empty, EmptyTextError)
    assert isinstance(unknown, NotFoundError)
    assert texts(tenants, "a") == ["The first of all.", "The slow one.", "Two."]


def test_an_encoder_that_is_away_is_told_to_each_and_loses_nothing(tenants: Tenants, gate: Gate) -> None:
    """What is stored is stored, and indexed by the next addition."""
    gate.fails = True
    with pytest.raises(ModelUnavailableError):
        tenants.add("a", [Document("Ada lives in Rome.")])
    gate.fails = False
    tenants.add("a", [Document("Bob lives in Oslo.")])
    with tenants.reading("a") as memory:
        assert memory.stats().pending == 0
        assert len(memory.search("Rome")) == 2


def test_a_reader_does_not_wait_for_the_encoder_of_a_writer(tenants: Tenants, gate: Gate) -> None:
    tenants.add("a", [Document("Ada lives in Rome.")])
    gate.open.clear()
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(tenants.add, "a", [Document("Bob lives in Oslo.")])
        with tenants.reading("a") as memory:
            assert next(memory.list()).text
            assert memory.count() >= 1
        assert not adding.done()
        gate.open.set()
        assert adding.result().added == 1


def test_another_process_is_seen_at_once(tmp_path: Path, tenants: Tenants, gate: Gate) -> None:
    tenants.add("a", [Document("Ada lives in Rome.")])
    with tenants.reading("a") as memory:
        assert len(memory.search("Rome")) == 1
        with Memory(tmp_path / "a.hippo", embedder=gate, namespace="a") as other:
            other.add("Bob lives in Rome.")
            assert len(memory.search("Rome")) == 2
            other.forget_all()
            assert len(memory.search("Rome")) == 0
    assert not tenants.exists("a")


def test_expiry_reaches_all_namespaces(tenants: Tenants) -> None:
    for name in ("a", "b", "c"):
        tenants.add(name, [Document("Gone soon.", expires_at="2020-01-01"), Document("Stays.")])
    assert tenants.expire() == 3
    assert all(texts(tenants, name) == ["Stays."] for name in ("a", "b", "c"))


def test_stores_that_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="memory cannot be served"):
        Tenants(":memory:", embedder=HashEmbedder())
    with pytest.raises(StoreMissingError):
        Tenants(tmp_path / "none.hippo", embedder=HashEmbedder(), create=False)


class Counted(HashEmbedder):
    """Tells which queries it is asked for, lets one wait, and whether others are known to compute at that moment."""

    def __init__(self) -> None:
        super().__init__(dimension=16)
        self.queries: list[tuple[str, bool]] = []
        self.company = 0
        self.came, self.open = threading.Event(), threading.Event()

    @contextmanager
    def beside(self) -> Iterator[None]:
        self.company += 1
        try:
            yield
        finally:
            self.company -= 1

    def embed_query(self, text: str) -> QueryVectors:
        self.queries.append((text, self.company > 0))
        if text == "slow":
            self.came.set()
            assert self.open.wait(20)
        return super().embed_query(text)


def test_a_query_is_encoded_before_its_turn_comes(tmp_path: Path) -> None:
    """While one thread is inside, another's query is encoded; inside, it is not encoded again."""
    encoder = Counted()
    with Tenants(tmp_path / "a.hippo", embedder=encoder) as tenants, ThreadPoolExecutor(1) as pool:
        tenants.add("a", [Document("Ada lives in Rome.")])

        def search() -> list[str]:
            with tenants.reading("a", "slow", " ") as memory:
                return [hit.text for hit in memory.search("slow")]

        with tenants.reading("a"):
            found = pool.submit(search)
            assert encoder.came.wait(20)
            encoder.open.set()
            assert not wait([found], 0.05).done
        assert found.result(20) == ["Ada lives in Rome."]
    assert [text for text, _ in encoder.queries] == ["slow"]


def test_the_encoder_knows_whether_others_compute(tmp_path: Path) -> None:
    """A call that is alone may take all cores; one that comes while another is inside may not."""
    encoder = Counted()
    encoder.open.set()
    with Tenants(tmp_path / "a.hippo", embedder=encoder) as tenants:
        tenants.add("a", [Document("Ada lives in Rome.")])
        tenants.add("b", [Document("Bo lives in Oslo.")])
        with tenants.reading("a", "one"), tenants.reading("b", "two"):
            pass
        with tenants.reading("a", "three"):
            pass
    assert encoder.queries == [("one", False), ("two", True), ("three", False)]


def test_what_one_tenant_asked_is_not_at_hand_for_another(tmp_path: Path) -> None:
    """The same question is encoded for each namespace, so that its time tells nothing."""
    encoder = Counted()
    with Tenants(tmp_path / "a.hippo", embedder=encoder) as tenants:
        for name in ("a", "b"):
            tenants.add(name, [Document("Ada lives in Rome.")])
        for name in ("a", "b", "a"):
            with tenants.reading(name, "Where?") as memory:
                memory.search("Where?")
    assert [text for text, _ in encoder.queries] == ["Where?", "Where?"]


class Stuck(HashEmbedder):
    """An encoder that lets go of one document only when it is told to."""

    def __init__(self) -> None:
        super().__init__(dimension=16)
        self.came, self.open = threading.Event(), threading.Event()

    def embed_with_signs(self, texts: Sequence[str], **options: Any) -> Any:
        if any("Dora" in text for text in texts):
            self.came.set()
            assert self.open.wait(20)
        return super().embed_with_signs(texts, **options)


def test_who_is_written_for_does_not_wait_for_what_comes_next(tmp_path: Path) -> None:
    """Of twelve threads whose additions are written together, the one that wrote comes back at once, and is stuck then."""
    encoder = Stuck()
    with Tenants(tmp_path / "a.hippo", embedder=encoder) as tenants, ThreadPoolExecutor(12) as pool:

        def twice() -> None:
            tenants.add("a", [Document("Ada has no cats.")])
            tenants.add("a", [Document("Dora lives in Rome.")])

        with tenants.writing("a"):
            first = pool.submit(twice)
            wait_until(lambda: len(tenants._open["a"].waiting) == 1)
            others = [pool.submit(tenants.add, "a", [Document(f"Ada has {number} cats.")]) for number in range(11)]
            wait_until(lambda: len(tenants._open["a"].waiting) == 12)
        assert encoder.came.wait(20)
        reports = [other.result(10) for other in others]
        assert not first.done()
        encoder.open.set()
        first.result(20)
    assert {str(report.seconds) for report in reports} == {str(reports[0].seconds)}  # written together


def wait_until(condition: Any) -> None:
    """Wait for what other threads are about to do. Raises AssertionError after ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_an_interrupted_writer_hands_on_what_others_wait_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the thread that writes for all: the others are written by one of themselves."""
    encoder = Stuck()
    encoder.open.set()
    with Tenants(tmp_path / "a.hippo", embedder=encoder) as tenants, ThreadPoolExecutor(4) as pool:
        tenants.add("a", [Document("Bo lives in Oslo.")])
        writer = tenants._open["a"].writer
        assert writer is not None
        add_many, interrupted = writer.add_many, [KeyboardInterrupt()]

        def adding(*args: Any, **options: Any) -> Any:
            if interrupted:
                raise interrupted.pop()
            return add_many(*args, **options)

        monkeypatch.setattr(writer, "add_many", adding)
        with tenants.writing("a"):
            futures = [pool.submit(tenants.add, "a", [Document(f"Ada has {number} cats.")]) for number in range(4)]
            wait_until(lambda: len(tenants._open["a"].waiting) == 4)
        errors = [future.exception(20) for future in futures]
        assert sum(isinstance(error, KeyboardInterrupt) for error in errors) == 1
        assert sum(error is None for error in errors) == 3
        assert len(texts(tenants, "a")) == 4
