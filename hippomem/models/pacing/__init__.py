"""How fast an endpoint is asked: what all calls to it share (``Pace``)."""

from __future__ import annotations

from hippomem.models.pacing.pace import Pace, PaceState

__all__ = ["Pace", "PaceState"]
