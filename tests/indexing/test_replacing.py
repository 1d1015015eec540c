"""A corpus that is indexed again: documents that changed take the place of what they said, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Document
from indexing.readers import read_paths

CORPUS = {"mill.md": "The mill grinds rye.", "weir.md": "The weir holds the river.", "ford.md": "The ford is shallow."}


def write(folder: Path, **texts: str) -> Path:
    """A folder with the corpus, some of its files other than usual."""
    folder.mkdir(exist_ok=True)
    for name, text in {**CORPUS, **{f"{name}.md": text for name, text in texts.items()}}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def indexed(*folders: Path) -> Memory:
    """A memory of these folders, one after the other."""
    memory = Memory(":memory:", embedder=HashEmbedder(dimension=16))
    for folder in folders:
        memory.add_many(read_paths([folder]))
    return memory


def test_a_changed_document_leaves_the_store_of_the_new_corpus(tmp_path: Path) -> None:
    """The canonical export is that of a store that never saw the old text, and one document is said to be replaced."""
    with indexed(write(tmp_path / "docs")) as memory:
        report = memory.add_many(read_paths([write(tmp_path / "docs", mill="The mill grinds wheat and oats.")]))
        assert (report.added, report.duplicates, report.replaced) == (1, 2, 1)
        with indexed(tmp_path / "docs") as fresh:
            assert memory.export() == fresh.export()
        assert memory.add_many(read_paths([tmp_path / "docs"])).replaced == 0


def test_the_same_ids_in_two_files_are_two_corpora(tmp_path: Path) -> None:
    """A document with the id of another, from another file, does not take its place."""
    for name, text in (("a", "Anna keeps bees."), ("b", "Bruno keeps goats.")):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"_id": "1", "text": "{text}"}}\n', encoding="utf-8")
    with indexed(tmp_path / "a.jsonl", tmp_path / "b.jsonl") as memory:
        assert sorted(record.text for record in memory.list()) == ["Anna keeps bees.", "Bruno keeps goats."]


def test_an_id_twice_in_one_file_keeps_both(tmp_path: Path) -> None:
    """What one run hands in never replaces itself, in whatever order, and not when it is indexed again."""
    lines = '{"_id": "1", "text": "Anna keeps bees."}\n{"_id": "1", "text": "Bruno keeps goats."}\n'
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    with indexed(tmp_path / "a.jsonl", tmp_path / "a.jsonl") as memory:
        assert memory.stats().memories == 2


def test_what_another_source_says_too_stays(tmp_path: Path) -> None:
    """Of a memory that two places hold, only the place that changed goes."""
    with indexed(write(tmp_path / "docs")) as memory:
        memory.add(CORPUS["mill.md"], user="ada")
        memory.add_many(read_paths([write(tmp_path / "docs", mill="The mill is a museum.")]))
        (kept,) = [record for record in memory.list() if record.text == CORPUS["mill.md"]]
        assert [source.user for source in kept.sources] == ["ada"]


def test_documents_without_an_origin_never_replace() -> None:
    """An agent's own ids are its own affair."""
    with Memory(":memory:", embedder=HashEmbedder(dimension=16)) as memory:
        for text in ("Anna keeps bees.", "Anna keeps goats."):
            memory.add_many([Document(text, source_id="1")])
        assert memory.stats().memories == 2
