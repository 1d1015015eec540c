"""Stand-ins for models, for hippomem's own tests and for those of its users. No product code depends on them."""

from __future__ import annotations

from hippomem.testing.embedder import HashEmbedder
from hippomem.testing.faults import Fault
from hippomem.testing.loopback import LoopbackServer, RecordedRequest

__all__ = ["Fault", "HashEmbedder", "LoopbackServer", "RecordedRequest"]
