"""How the asking goes: a snapshot, for displays."""

from __future__ import annotations

from dataclasses import dataclass

from hippomem.models.llm import Usage


@dataclass(frozen=True, slots=True)
class AskingStatus:
    """Where an LLM run stands.

    wanted: passages to be read in all.    answered, failed: those of them that are done, either way.
    in_flight: calls under way.    limit: how many may be at once now.    usage: spent by this run.
    usd: the same in money, None where no price is known.    paused_because: empty while calls are made.
    retries: calls made again so far.
    """

    wanted: int
    answered: int
    failed: int
    in_flight: int
    limit: int
    usage: Usage
    usd: float | None
    paused_because: str
    retries: int
