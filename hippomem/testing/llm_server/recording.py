"""Which passages a prompt asks about, and what the recorded extraction says of them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hippomem.types import Extraction
from indexing.chunking import chunk
from indexing.extract.recorded import parse_extraction

#: Passages are looked up by so many of their first characters, or by all they have.
_KEY = 24
#: Where a text may begin: behind a line break or a space, whatever marks or numbers a prompt puts before it.
_STARTS = re.compile(r"(?<!\S)\S")


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the corpus. passage_id: its document's id, and for a part of a longer document ":" and its number."""

    passage_id: str
    title: str
    text: str
    facts: Extraction


class Recording:
    """All passages of a corpus with their recorded facts."""

    def __init__(self, corpus: Path, openie: Path) -> None:
        """corpus: JSON lines ``{"_id", "title", "text"}``; openie: ``{"_id", "entities", "triples"}``. Raises KeyError
        for a passage without a recording.

        A document is known whole, and in the parts that `indexing.chunking` cuts it into, which all have its facts.
        """
        facts = {row["_id"]: parse_extraction(row) for row in _rows(openie)}
        self._lengths: set[int] = set()
        self._by_start: dict[str, list[Passage]] = defaultdict(list)
        for row in _rows(corpus):
            known = facts[row["_id"]]
            text = row["text"].strip()
            title = row.get("title", "")
            self._add(Passage(row["_id"], title, text, known))
            parts = chunk(text)
            if len(parts) > 1:
                for number, (start, stop) in enumerate(parts):
                    self._add(Passage(f"{row['_id']}:{number}", title, text[start:stop].strip(), known))

    def _add(self, passage: Passage) -> None:
        key = passage.text[:_KEY]
        self._lengths.add(len(key))
        self._by_start[key].append(passage)

    def find(self, message: str) -> list[Passage]:
        """The passages whose texts a message holds, in their order; of texts that begin alike the longest that is there.

        Of passages with the same text it is the one whose title stands before it. Costs a dictionary look-up a word.
        """
        found: list[Passage] = []
        at = 0
        while (start := _STARTS.search(message, at)) is not None:
            begin, at = start.start(), start.end()
            there = [
                passage
                for length in self._lengths
                for passage in self._by_start.get(message[begin : begin + length], ())
                if message.startswith(passage.text, begin)
            ]
            if there:
                before = message[:begin].rstrip(" \n:")
                best = max(there, key=lambda each: (len(each.text), before.endswith(each.title)))
                found.append(best)
                at = begin + len(best.text)
        return found


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]
