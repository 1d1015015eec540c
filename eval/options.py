"""Options of the command line: from words to settings, with errors that say what would do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from eval.report.files import check_folder
from eval.run import RunSettings
from hippomem.errors import ConfigError
from hippomem.retrieve.options import check_options

Name = TypeVar("Name", bound=str)


def choice(option: str, value: str, allowed: Sequence[Name]) -> Name:
    """*value* as one of *allowed*. Raises ConfigError that lists them."""
    for name in allowed:
        if name == value:
            return name
    raise ConfigError(f"{option} '{value}' is unknown; choose from {', '.join(allowed)}")


def parse_ks(text: str) -> tuple[int, ...]:
    """``"5,1,2"`` as ascending distinct cut-offs (1, 2, 5). Raises ConfigError."""
    try:
        ks = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise ConfigError(f"--k '{text}': expected whole numbers with commas between, such as 1,2,5,10,20") from error
    if ks[0] < 1:
        raise ConfigError(f"--k '{text}': {ks[0]} is no cut-off; each must be 1 or more")
    return ks


def check_settings(settings: RunSettings) -> None:
    """Raise ConfigError for numbers out of range and for options that the others leave without effect."""
    if settings.limit is not None and settings.limit < 1:
        raise ConfigError(f"--limit is {settings.limit}; give at least 1 question")
    if settings.seed < 0:
        raise ConfigError(f"--seed is {settings.seed}; give 0 or more")
    if settings.failures < 0:
        raise ConfigError(f"--failures is {settings.failures}; give how many questions to explain, 0 for none")
    stores = settings.stores
    if stores.query.asks_llm and stores.llm_model is None:
        raise ConfigError("--llm-filter and --llm-entities ask a language model; name it with --llm-model NAME")
    asks_llm = stores.extractor == "llm" or stores.query.asks_llm
    if not asks_llm and (stores.llm_model is not None or stores.llm_base_url is not None):
        raise ConfigError("--llm-model and --llm-base-url need --extractor llm, --llm-filter or --llm-entities")
    for system in settings.systems:
        check_options(system.retriever, stores.query.given)


def check_stores(folder: Path | None) -> None:
    """Make the folder of ``--stores``. Raises ConfigError where that cannot be, or nothing can be written to it."""
    if folder is not None:
        check_folder("--stores", folder)
        folder.mkdir(exist_ok=True)
