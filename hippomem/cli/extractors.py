"""From ``--extractor`` and its options to an extractor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hippomem.errors import ConfigError, ExtractionError
from hippomem.types import Extraction, ExtractorName

if TYPE_CHECKING:
    from indexing.extract import PassageText, TripleExtractor

Spent = dict[str, int]


@dataclass(frozen=True)
class Recordings:
    """Several recordings as one. A source id that two of them know with different results is a failure, not a guess."""

    parts: Sequence[TripleExtractor]
    name: str = "recorded"

    @property
    def spent(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction | ExtractionError]]:
        """See `TripleExtractor.extract`."""
        found = [dict(part.extract(passages)) for part in self.parts]
        for position in range(len(passages)):
            yield position, _choose([outcomes[position] for outcomes in found])


def _choose(outcomes: Sequence[Extraction | ExtractionError]) -> Extraction | ExtractionError:
    found = [outcome for outcome in outcomes if isinstance(outcome, Extraction)]
    if not found:
        return outcomes[0]
    if any(other != found[0] for other in found):
        return ExtractionError("two recordings disagree about this source id; index the folders one by one.")
    return found[0]


@contextmanager
def open_extractor(
    name: ExtractorName,
    paths: Sequence[Path],
    *,
    recorded: Path | None,
    llm_model: str | None,
    llm_base_url: str | None,
) -> Iterator[tuple[str | TripleExtractor, Spent]]:
    """The extractor, and a dict that holds what an LLM cost once the block has ended. Raises ConfigError, ReadError."""
    if name != "llm" and (llm_model or llm_base_url):
        raise ConfigError(f"--llm-model and --llm-base-url go with --extractor llm, not with {name}.")
    if name != "recorded" and recorded:
        raise ConfigError(f"--recorded goes with --extractor recorded, not with {name}.")
    spent: Spent = {}
    if name == "builtin":
        yield "builtin", spent
    elif name == "recorded":
        from indexing.extract.recorded import RecordedExtractor

        files = [recorded] if recorded else [file for path in paths for file in _recordings_beside(path)]
        yield Recordings([RecordedExtractor(file) for file in files]), spent
    else:
        if not llm_model:
            raise ConfigError("--extractor llm needs --llm-model NAME (and --llm-base-url URL or OPENAI_BASE_URL).")
        from hippomem.models.llm import OpenAIChat
        from indexing.extract.llm import LlmExtractor

        with OpenAIChat(llm_model, base_url=llm_base_url) as llm:
            try:
                yield LlmExtractor(llm), spent
            finally:
                spent.update(llm.usage.to_dict())


def _recordings_beside(path: Path) -> list[Path]:
    """The ``openie.jsonl`` of a folder, of each BEIR folder in a folder of them, or beside a file."""
    if not path.is_dir():
        return [path.parent / "openie.jsonl"]
    corpora = (
        [path] if (path / "corpus.jsonl").is_file() else sorted(file.parent for file in path.glob("*/corpus.jsonl"))
    )
    return [corpus / "openie.jsonl" for corpus in corpora or [path]]
