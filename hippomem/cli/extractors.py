"""From ``--extractor`` and its options to an extractor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hippomem.cli.llm_options import LlmOptions
from hippomem.errors import ConfigError, ExtractionError
from hippomem.types import Extraction, ExtractorName

if TYPE_CHECKING:
    from indexing.asking.extractor import LlmExtractor
    from indexing.engines import Engine
    from indexing.extract import PassageText, TripleExtractor


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
    asked: LlmOptions,
    engine: Engine | None = None,
) -> Iterator[str | TripleExtractor | LlmExtractor]:
    """The extractor; inside the block its connections are open. engine: asks the LLM. Raises ConfigError, ReadError."""
    asked.require(name == "llm")
    if name != "recorded" and recorded:
        raise ConfigError(f"--recorded goes with --extractor recorded, not with {name}.")
    if name == "builtin":
        yield "builtin"
    elif name == "recorded":
        from indexing.extract.recorded import RecordedExtractor

        files = [recorded] if recorded else [file for path in paths for file in _recordings_beside(path)]
        yield Recordings([RecordedExtractor(file) for file in files])
    else:
        with _llm(asked, engine) as extractor:
            yield extractor


def _llm(asked: LlmOptions, engine: Engine | None) -> LlmExtractor:
    from hippomem.models.batch_api import BatchApi
    from indexing.asking.extractor import LlmExtractor

    make = asked.chat()
    api = BatchApi(asked.model, asked.llm_base_url) if asked.batch_api else None
    return LlmExtractor(
        make() if engine is None or api is not None else engine.chat(make),
        scheme=asked.scheme(),
        pace=asked.pace(),
        price=asked.price(),
        budget_usd=asked.budget_usd,
        budget_tokens=asked.budget_tokens,
        batch_api=api,
        batch_wait=not asked.batch_no_wait,
        share=asked.share,
    )


def _recordings_beside(path: Path) -> list[Path]:
    """The ``openie.jsonl`` of a folder, of each BEIR folder in a folder of them, or beside a file."""
    if not path.is_dir():
        return [path.parent / "openie.jsonl"]
    corpora = (
        [path] if (path / "corpus.jsonl").is_file() else sorted(file.parent for file in path.glob("*/corpus.jsonl"))
    )
    return [corpus / "openie.jsonl" for corpus in corpora or [path]]
