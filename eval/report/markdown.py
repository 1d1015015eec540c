"""Pieces of Markdown that say what they are given: text from data sets is escaped, for Markdown and for HTML alike."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")


def plain(text: str) -> str:
    r"""*text* on one line, shown as it is: no markup of its own, no HTML.

    >>> plain("a|b <b>*x*</b>\n & c")
    'a\\|b &lt;b&gt;\\*x\\*&lt;/b&gt; &amp; c'
    """
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A table of cells that are Markdown already. words: how many columns, from the left, are text; the rest are numbers."""
    marks = [":---" if place < words else "---:" for place in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, marks, *rows))


def details(summary: str, body: str) -> str:
    """A part that opens on a click. summary: one line of HTML.    body: Markdown."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
