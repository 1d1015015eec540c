"""The front door: one object over one file, in two manners of calling."""

from hippomem.memory.aio import AsyncMemory
from hippomem.memory.memory import Memory

__all__ = ["AsyncMemory", "Memory"]
