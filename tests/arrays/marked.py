"""Small namespaces in which every document bears a mark of its own, and pictures of some of their documents only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture
from hippomem.memory import Memory
from hippomem.retrieve.hippomem import HippoMem
from hippomem.testing import HashEmbedder
from hippomem.types import Document, Extraction, Triple
from indexing.extract import PassageText

#: Each of two words and in the middle of its sentence: which of them a sentence names does not hang on other sentences.
NAMES = ["Ada Byron", "Tessaly Vorn", "Quillmoth Island", "Halden Brisk", "São Paulo", "Owen Glass"]
FORMS = ["once {0} met {1}.", "the boat of {0} lay near {1}.", "nobody there knew {0}."]

name = st.sampled_from(NAMES)
sentence = st.builds(lambda form, a, b: form.format(a, b), st.sampled_from(FORMS), name, name)


def mark(number: int) -> str:
    """A word that only this document holds."""
    return f"zq{number}x"


@dataclass(frozen=True)
class Sketch:
    """What differs between documents. own: whether the mark stands in a sentence with a name, and is a name itself."""

    sentences: tuple[str, ...]
    title: str
    own: str
    session: str | None
    occurred_at: str | None
    loud: bool

    def document(self, number: int) -> Document:
        """The document of that number, marked in its text, its title or both, and in its source."""
        told = {"none": mark(number), "name": f"there {mark(number).title()} saw {self.own[5:]}"}[self.own[:4]]
        text = " ".join((*self.sentences, f"{told}{'!' if self.loud else '.'}"))
        title = f"Mr {mark(number).title()}" if self.title == "own" else self.title
        return Document(
            text,
            title=title,
            source_id=f"source-{mark(number)}",
            session=self.session,
            position=number,
            occurred_at=self.occurred_at,
        )


def documents(*sessions: str | None) -> st.SearchStrategy[list[Document]]:
    """A few documents, some of them in these sessions (None: in none)."""
    sketch = st.builds(
        Sketch,
        sentences=st.lists(sentence, min_size=1, max_size=2).map(tuple),
        title=st.sampled_from(["", "own", *NAMES]),
        own=st.one_of(st.just("none"), name.map(lambda some: f"name {some}")),
        session=st.sampled_from(sessions),
        occurred_at=st.sampled_from([None, "2026-01-01", "2026-01-02"]),
        loud=st.booleans(),
    )
    return st.lists(sketch, min_size=1, max_size=9).map(
        lambda some: [each.document(number) for number, each in enumerate(some)]
    )


class NameTriples:
    """States a triple for each two neighbouring names, in capitals where the text shouts: a stand-in for an LLM that is a
    function of the text. One fact, differently written.
    """

    name = "names"
    spent: Mapping[str, int] = MappingProxyType({})

    def extract(self, passages: Sequence[PassageText]) -> Iterable[tuple[int, Extraction]]:
        """One extraction a passage."""
        for position, passage in enumerate(passages):
            named = re.findall("|".join(NAMES), passage.text)
            told = [Triple(a, "near", b) for a, b in pairwise([*named, "New Lands"])]
            if "!" in passage.text:
                told = [Triple(t.subject.upper(), "NEAR", t.object.upper()) for t in told]
            yield position, Extraction((), tuple(told))


def memory_of(some: Iterable[Document], *, triples: bool = True) -> Memory:
    """A memory with a small deterministic encoder."""
    memory = Memory(embedder=HashEmbedder(dimension=32), extractor=NameTriples() if triples else None)
    memory.add_many(some)
    return memory


def picture_of(memory: Memory) -> Picture:
    """What the default retriever reads."""
    retriever = memory.retriever("hippomem")
    assert isinstance(retriever, HippoMem)
    return retriever._picture


def places_of(memory: Memory, sources: Iterable[str]) -> NDArray[np.int64]:
    """Places of the passages that came from these sources."""
    wanted = set(sources)
    rows = memory.store.db.execute("SELECT source_id, passage_key FROM sources JOIN passages USING (memory_key)")
    places = picture_of(memory).passage_places(key for source, key in rows.fetchall() if source in wanted)
    return np.array(sorted(places.values()), dtype=np.int64)


def within(memory: Memory, sources: Iterable[str]) -> Picture:
    """The picture of the passages that came from these sources."""
    picture = picture_of(memory)
    seen = np.zeros(len(picture.arrays.passage_alive), dtype=bool)
    seen[places_of(memory, sources)] = True
    return picture.within(seen)


def searching(memory: Memory, picture: Picture) -> HippoMem:
    """The default retriever over a picture."""
    return HippoMem(memory.store, picture, memory._embedder)
