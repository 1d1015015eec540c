"""Conversations handed in message by message are the store that the batch reader makes: no figure is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from hippomem import Memory
from hippomem.testing import HashEmbedder
from indexing.readers import read_beir

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def corpus(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def sessions(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Session and messages, as a chat would hand them in."""
    for session, lines in groupby(corpus(folder), lambda line: line["metadata"]["session"]):
        yield (
            session,
            [
                {
                    "role": "user",
                    "name": line["metadata"]["speaker"],
                    "content": line["text"],
                    "id": line["_id"],
                    "date": line["metadata"]["date"],
                    "metadata": line["metadata"],
                }
                for line in lines
            ],
        )


@pytest.mark.parametrize(
    "conversation",
    ["conv-26", *(pytest.param(name, marks=pytest.mark.slow) for name in ("conv-41", "conv-43", "conv-47", "conv-49"))],
)
def test_messages_of_dated_sessions_make_the_same_store(conversation: str) -> None:
    folder = DATA / "locomo-a" / conversation
    if not folder.is_dir():
        pytest.skip("the shared evaluation sets are not here")
    with Memory(embedder=HashEmbedder(dimension=16)) as batch, Memory(embedder=HashEmbedder(dimension=16)) as chat:
        batch.add_many(read_beir(folder))
        for session, messages in sessions(folder):
            half = len(messages) // 2  # a session goes on where it ended
            chat.add(messages[:half], session=session)
            chat.add(messages[half:], session=session)
        assert chat.export() == batch.export()


@pytest.mark.slow
def test_dated_texts_make_the_same_store() -> None:
    """A day's messages as one text that opens with its time."""
    folder = DATA / "lihuaworld"
    if not folder.is_dir():
        pytest.skip("the shared evaluation sets are not here")
    with Memory(embedder=HashEmbedder(dimension=16)) as batch, Memory(embedder=HashEmbedder(dimension=16)) as chat:
        batch.add_many(read_beir(folder))
        for line in corpus(folder):
            chat.add(line["text"], source_id=line["_id"], metadata=line["metadata"])
        assert chat.export() == batch.export()
