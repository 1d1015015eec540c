"""hippomem: long-term memory and multi-hop retrieval for agents, after HippoRAG.

    from hippomem import Memory

    with Memory("notes.hippo") as memory:
        memory.add("Comet Sorrel was discovered at Gull Rock Observatory.")
        for hit in memory.search("Where was Comet Sorrel discovered?"):
            print(hit.rank, hit.text, hit.why.path)

Names are loaded when first used (PEP 562): importing hippomem costs nothing and imports no model library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hippomem.answer.reader import Answer as Answer
    from hippomem.answer.trail import Trail as Trail
    from hippomem.errors import HippomemError as HippomemError
    from hippomem.memory import AsyncMemory as AsyncMemory
    from hippomem.memory import Memory as Memory
    from hippomem.retrieve.options import RetrieverOptions as RetrieverOptions
    from hippomem.types import AddReport as AddReport
    from hippomem.types import CheckReport as CheckReport
    from hippomem.types import Citation as Citation
    from hippomem.types import Document as Document
    from hippomem.types import Hit as Hit
    from hippomem.types import MemoryRecord as MemoryRecord
    from hippomem.types import MemoryVersion as MemoryVersion
    from hippomem.types import Recall as Recall
    from hippomem.types import SearchResult as SearchResult
    from hippomem.types import Stats as Stats
    from hippomem.types import Telling as Telling
    from hippomem.types import Where as Where
    from hippomem.types import Why as Why

_HOME = {
    "AddReport": "hippomem.types",
    "Answer": "hippomem.answer.reader",
    "AsyncMemory": "hippomem.memory",
    "CheckReport": "hippomem.types",
    "Citation": "hippomem.types",
    "Document": "hippomem.types",
    "HippomemError": "hippomem.errors",
    "Hit": "hippomem.types",
    "Memory": "hippomem.memory",
    "MemoryRecord": "hippomem.types",
    "MemoryVersion": "hippomem.types",
    "Recall": "hippomem.types",
    "RetrieverOptions": "hippomem.retrieve.options",
    "SearchResult": "hippomem.types",
    "Stats": "hippomem.types",
    "Trail": "hippomem.answer.trail",
    "Telling": "hippomem.types",
    "Where": "hippomem.types",
    "Why": "hippomem.types",
}

__all__ = [
    "AddReport",
    "Answer",
    "AsyncMemory",
    "CheckReport",
    "Citation",
    "Document",
    "HippomemError",
    "Hit",
    "Memory",
    "MemoryRecord",
    "MemoryVersion",
    "Recall",
    "RetrieverOptions",
    "SearchResult",
    "Stats",
    "Telling",
    "Trail",
    "Where",
    "Why",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hippomem' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
