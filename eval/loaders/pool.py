"""The distinct passages of many questions' contexts, pooled into one corpus as HippoRAG's evaluation does."""

from __future__ import annotations

from eval.loaders.model import Passage


class Pool:
    """Passages in the order first seen, each title and text once, under ids of a prefix and a number.

    >>> pool = Pool("toy")
    >>> pool.add("Owl", "It hoots."), pool.add("Bat", "It flies."), pool.add("Owl", "It hoots.")
    ('toy-00000', 'toy-00001', 'toy-00000')
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ids: dict[tuple[str, str], str] = {}
        self._loose: dict[tuple[str, str], str] = {}
        self._blank: set[tuple[str, str]] = set()

    def add(self, title: str, text: str) -> str | None:
        """The passage's id, new or known; None for a text that is blank, which no store takes."""
        if not text.strip():
            self._blank.add((title, text))
            return None
        passage_id = self._ids.setdefault((title, text), f"{self._prefix}-{len(self._ids):05d}")
        self._loose.setdefault(_squeezed(title, text), passage_id)
        return passage_id

    def find(self, title: str, text: str) -> str | None:
        """The id of the passage with this title and text, whatever white space is between its words, or None.

        Sentences are joined with a space by some sources and without by others, so white space tells nothing.
        """
        return self._ids.get((title, text)) or self._loose.get(_squeezed(title, text))

    @property
    def passages(self) -> tuple[Passage, ...]:
        """All passages so far."""
        return tuple(Passage(passage_id, text, title) for (title, text), passage_id in self._ids.items())

    @property
    def blank(self) -> int:
        """How many passages were not taken because they have no text."""
        return len(self._blank)


def _squeezed(title: str, text: str) -> tuple[str, str]:
    return "".join(title.split()), "".join(text.split())
