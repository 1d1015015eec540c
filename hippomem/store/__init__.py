"""The store: one SQLite file that is the whole truth. It ranks nothing and calls no model."""

from hippomem.store.store import IN_MEMORY, Store

__all__ = ["IN_MEMORY", "Store"]
