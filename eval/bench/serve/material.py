"""What is stored, asked and added: a data set's passages and questions, and generated ones where it has too few."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from eval.bench.scale.corpus import VERSION as CORPUS_VERSION
from eval.bench.scale.corpus import Corpus
from eval.bench.serve.load import Kind, Request
from eval.dataset import load_datasets
from eval.systems import hippomem_engine
from hippomem.types import Document

K = 10
#: Questions kept at hand. A server keeps the vectors of the last few hundred, so that no cache answers one of these again.
QUESTIONS = 6000
#: Words of a passage that a made question takes.
_TAKEN = 7
_LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True)
class Material:
    """Passages for a store and questions about them.

    given: how many of the questions are the data set's own.    generated: where further texts come from.
    name: of the data set; "" for none.    sha256: of its files.
    """

    documents: Sequence[Document]
    questions: Sequence[str]
    given: int
    generated: Corpus
    name: str = ""
    sha256: str = ""

    def described(self) -> dict[str, Any]:
        """What decides the store."""
        return {
            "set": self.name,
            "sha256": self.sha256,
            "passages": len(self.documents),
            "generated": sum(d.source_id is not None and d.source_id.startswith("generated-") for d in self.documents),
            "corpus": CORPUS_VERSION,
            "seed": self.generated.seed,
        }


def material(dataset: Path | None, passages: int, seed: int) -> Material:
    """*passages* of the data set, topped up with generated ones, and `QUESTIONS` questions in the order of chance.

    Raises as `load_datasets`.
    """
    generated = Corpus(passages, seed)
    documents: list[Document] = []
    questions: list[str] = []
    name = sha256 = ""
    if dataset is not None:
        (loaded,) = load_datasets([dataset])
        name, sha256 = loaded.name, loaded.sha256
        read = hippomem_engine().documents
        every = (document for corpus in loaded.corpora for document in read(corpus.folder))
        documents += islice(_distinct(every), passages)
        questions = list(dict.fromkeys(question.text for question in loaded.questions))
    documents += (_renamed(generated.document(number)) for number in range(passages - len(documents)))
    given = len(questions[:QUESTIONS])
    rng = random.Random(seed)  # noqa: S311 (no secret)
    asked = dict.fromkeys(questions[:QUESTIONS])
    for document in _in_rounds(documents, rng):
        if len(asked) == QUESTIONS:
            break
        asked.setdefault(question_about(document, rng))
    shuffled = list(asked)
    rng.shuffle(shuffled)
    return Material(documents, shuffled, given, generated, name, sha256)


def _distinct(documents: Iterator[Document]) -> Iterator[Document]:
    """Without those that a memory would take for the same."""
    seen: set[tuple[str, str, str | None]] = set()
    for document in documents:
        key = document.title, document.text, document.occurred_at
        if key not in seen:
            seen.add(key)
            yield document


def _renamed(document: Document) -> Document:
    return Document(document.text, title=document.title, source_id=f"generated-{document.source_id}")


def _in_rounds(documents: Sequence[Document], rng: random.Random) -> Iterator[Document]:
    """All documents again and again, as often as different questions may be hoped for."""
    for _ in range(100 if documents else 0):
        yield from rng.sample(documents, len(documents))


def question_about(document: Document, rng: random.Random) -> str:
    """A question with a passage's title and consecutive words of its text: as many words as people's questions have.

    >>> question_about(Document("It was built by monks in 1210.", title="Ely Abbey"), random.Random(0))
    'What does Ely Abbey have to do with It was built by monks in 1210?'
    """
    words = document.text.split()
    start = rng.randrange(max(1, len(words) - _TAKEN + 1))
    taken = " ".join(words[start : start + _TAKEN]).strip(".,;:!?")
    return f"What does {document.title or 'this'} have to do with {taken}?"


@dataclass
class Feed:
    """Requests, each different from those before. asked, added: how many were made so far.

    From ``len(questions)`` on questions repeat.
    """

    material: Material
    namespace: str = "default"
    asked: int = 0
    added: int = 0

    def search(self, kind: Kind = "search", *, explain: bool = False) -> Request:
        """A question that was not asked yet."""
        questions = self.material.questions
        query = questions[self.asked % len(questions)]
        self.asked += 1
        return self._post(kind, "/v1/search", query=query, k=K, explain=explain)

    def add(self) -> Request:
        """A text that is not there yet, with a word of its own."""
        generated = self.material.generated
        document = generated.document(generated.passages + self.added)
        text = f"{document.text} Its mark is {word_of(self.added)}."
        self.added += 1
        return self._post("add", "/v1/memories", text=text, title=document.title)

    def mixed(self, count: int, adds: float, rng: random.Random) -> list[Request]:
        """Searches, and adds in this share, in the order of chance."""
        return [self.add() if rng.random() < adds else self.search() for _ in range(count)]

    def get(self, memory_id: str) -> Request:
        """An added text by its id."""
        return Request("get", "GET", f"/v1/memories/{memory_id}?namespace={self.namespace}")

    def find(self, word: str) -> Request:
        """An added text by its word."""
        return self._post("find", "/v1/search", query=f"What has the mark {word}?", k=K, explain=False)

    def _post(self, kind: Kind, path: str, **body: Any) -> Request:
        return Request(kind, "POST", path, json.dumps({"namespace": self.namespace, **body}, ensure_ascii=False))


def word_of(number: int) -> str:
    """A word that no text has by chance; different for different numbers.

    >>> word_of(0), word_of(21)
    ('qxbbbbbz', 'qxbbbccz')
    """
    letters = ""
    for _ in range(5):
        number, place = divmod(number, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return f"qx{letters}z"


def added_words(requests: Sequence[Request]) -> Mapping[int, str]:
    """The words of the texts that are added, by their place among the requests."""
    found = {}
    for at, request in enumerate(requests):
        if request.kind == "add":
            assert request.body is not None
            found[at] = json.loads(request.body)["text"].rsplit(" ", 1)[1].rstrip(".")
    return found
