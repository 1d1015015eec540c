"""An LLM that is asked from the workers of a cluster, each with connections of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hippomem.errors import ModelUnavailableError
from hippomem.models.completion import Completion, Message, Usage
from indexing.engines.ray.cluster import import_ray
from indexing.engines.ray.crew import Crew
from indexing.engines.ray.failures import unpacked


class RayChat:
    """An ``AsyncLLM`` over a `Crew` of askers. How many questions are under way is for ``Pace``, here, to decide."""

    def __init__(self, crew: Crew) -> None:
        """Asks a worker for the model's name. Raises what the making of the model raises there."""
        self._ray = import_ray()
        self.crew = crew
        first = crew.actors[crew.there()[0]]
        self._model: str = unpacked(self._ray.get(first.model.remote()))
        self._under_way: Counter[int] = Counter()
        self._usage = Usage()

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    @property
    def usage(self) -> Usage:
        """Running total of the answers that came."""
        return self._usage

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        json_schema: Mapping[str, Any] | None = None,
        schema_name: str = "answer",
        max_tokens: int = 2048,
    ) -> Completion:
        """See ``AsyncLLM.complete``: asked by the worker that has fewest questions under way.

        Raises also a transient ModelUnavailableError when that worker dies.
        """
        there = self.crew.there()
        if not there:
            raise _unavailable("no Ray worker is there just now")
        number = min(there, key=lambda each: (self._under_way[each], each))
        schema = None if json_schema is None else dict(json_schema)
        self._under_way[number] += 1
        try:
            completion: Completion = await self._call(
                number, "complete", [dict(message) for message in messages], schema, schema_name, max_tokens
            )
        finally:
            self._under_way[number] -= 1
        self._usage += completion.usage
        return completion

    async def check(self) -> None:
        """See ``AsyncLLM.check``; from every worker that is there, since each has a way of its own to the endpoint."""
        await asyncio.gather(*(self._call(number, "check") for number in self.crew.there()))

    async def aclose(self) -> None:
        """Close the connections, and end the workers."""
        await asyncio.gather(
            *(self._call(number, "aclose") for number in self.crew.there()),
            return_exceptions=True,  # one that died has none any more
        )
        self.crew.close()

    async def _call(self, number: int, method: str, *args: Any) -> Any:
        ref = getattr(self.crew.actors[number], method).remote(*args)
        try:
            return unpacked(await ref)
        except asyncio.CancelledError:
            self._ray.cancel(ref)
            raise
        except self._ray.exceptions.RayActorError as error:
            self.crew.lost(number, error)
            raise _unavailable("the Ray worker that asked died") from error


def _unavailable(what: str) -> ModelUnavailableError:
    error = ModelUnavailableError(f"{what}; another try goes to another.")
    error.transient = True
    return error
