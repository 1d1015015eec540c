"""2WikiMultihopQA (Ho et al. 2020): official JSON such as ``dev.json``, in HotpotQA's shape.

With ``--aliases id_aliases.json`` (JSON Lines of ``Q_id``, ``aliases``, ``demonyms``) an answer that has an ``answer_id``
gets the other names that the official evaluation accepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.loaders.hotpotqa import load_contexts
from eval.loaders.model import Conversion
from eval.loaders.options import Options
from eval.loaders.reading import read_items


def load(files: Sequence[Path], options: Options) -> Conversion:
    """All questions; a space is put between the sentences of a paragraph, as HippoRAG does. Raises ReadError."""
    aliases = None if options.aliases is None else _aliases(options.aliases)
    return load_contexts(files, options, prefix="2wiki", between=" ", aliases=aliases)


def _aliases(path: Path) -> dict[str, tuple[str, ...]]:
    return {item.identifier("Q_id"): (*item.texts("aliases"), *item.texts("demonyms")) for item in read_items([path])}
