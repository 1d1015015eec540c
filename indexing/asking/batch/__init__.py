"""Reading through a vendor's Batch API: half the price, an answer within a day, and nothing lost when the process dies."""

from __future__ import annotations

from indexing.asking.batch.blocks import Limits
from indexing.asking.batch.keeping import Account, BatchStore
from indexing.asking.batch.reading import Timing, read_in_batches
from indexing.asking.batch.status import BatchStatus, Ended

__all__ = ["Account", "BatchStatus", "BatchStore", "Ended", "Limits", "Timing", "read_in_batches"]
