"""Actors that do the same work, and may die: who is there, who has room, and what is to be done again.

Ray restarts an actor that died (``max_restarts=-1``). It gets work again when it has said hello, which also shows that its
model is the right one. What was sent to it fails and is sent to another, so each actor is sent little at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hippomem.errors import ConfigError, IndexingError, ModelUnavailableError
from hippomem.models.openai_errors import quote
from indexing.engines.ray.cluster import import_ray
from indexing.engines.ray.failures import unpacked
from indexing.engines.ray.workers import Hello

log = logging.getLogger("hippomem.ray")

#: Chunks sent to an actor: one that it works on, and one that is there when it has done so.
AHEAD = 2
#: Actors that may die on one chunk before it is taken to be the chunk's fault.
DEATHS = 3
#: Seconds until actors that do not say hello, or an outage of all of them, end the run: a cluster that grows on demand
#: takes minutes to add a machine.
PATIENCE = 300.0
#: Seconds between two looks at who has come back.
LOOK = 0.5


class Crew:
    """Any number of actors of one class. Usable from several threads."""

    def __init__(self, actors: Sequence[Any], *, greet: Callable[[Hello], None]) -> None:
        """actors: handles; each has a method ``hello``.    greet: looks at what it says, and raises if it will not do.

        Raises ModelUnavailableError when none has said hello after PATIENCE seconds, ConfigError when none ever will.
        """
        self._ray = import_ray()
        self.actors = list(actors)
        self._greet = greet
        self._lock = threading.Lock()
        #: Actors that have not yet said hello, since they were made or died.
        self._awaited: dict[int, Any] = {number: actor.hello.remote() for number, actor in enumerate(self.actors)}
        self._gone: set[int] = set()
        self._said: dict[int, Hello] = {}
        #: How many died so far, and how many texts were under work there: these were worked on again.
        self.deaths = 0
        self.repeated = 0
        self.wait_for_one()

    def hellos(self) -> dict[int, Hello]:
        """What each actor said that is there now, by its number."""
        with self._lock:
            self._take_in()
            return {number: hello for number, hello in self._said.items() if self._is_there(number)}

    def there(self) -> list[int]:
        """Numbers of the actors that are there now. Raises what ``greet`` raises, ConfigError when all are gone for good."""
        return sorted(self.hellos())

    def wait_for_one(self) -> None:
        """Wait until an actor is there. Raises ModelUnavailableError, ConfigError."""
        until = time.monotonic() + PATIENCE
        while not self.there():
            if time.monotonic() > until:
                raise ModelUnavailableError(
                    f"none of {len(self.actors)} Ray workers answered for {PATIENCE:g} s; see `ray status`: has the "
                    "cluster free cores?"
                )
            self._ray.wait(list(self._awaited.values()), num_returns=1, timeout=LOOK)

    def lost(self, number: int, error: Exception) -> None:
        """Note that an actor's call failed with Ray's *error*: the actor died, or cannot be reached."""
        with self._lock:
            if number in self._awaited or number in self._gone:  # another of its calls has told
                return
            self.deaths += 1
            hello = self._said[number]
            log.warning("Ray worker %d on %s died; its work goes to the others.", hello.pid, hello.node)
            log.debug("Ray says: %s", error)
            self._await(number)

    def _await(self, number: int) -> None:
        self._awaited[number] = self.actors[number].hello.remote()

    def _is_there(self, number: int) -> bool:
        return number not in self._awaited and number not in self._gone

    def _take_in(self) -> None:
        """Take in the hellos that have come."""
        if not self._awaited:
            return
        refs = {ref: number for number, ref in self._awaited.items()}
        come, _ = self._ray.wait(list(refs), num_returns=len(refs), timeout=0)
        for ref in come:
            number = refs[ref]
            try:
                hello: Hello = unpacked(self._ray.get(ref))
            except self._ray.exceptions.ActorUnavailableError:
                self._await(number)
                continue
            except self._ray.exceptions.RayActorError as error:
                del self._awaited[number]
                self._gone.add(number)
                log.warning("a Ray worker will not come back (%s).", quote(error))
                if len(self._gone) == len(self.actors):
                    raise ConfigError(
                        f"no Ray worker can be started ({_why(error)}); each machine of the cluster needs this version of "
                        "hippomem, in the Python that Ray runs there."
                    ) from error
                continue
            self._greet(hello)
            del self._awaited[number]
            self._said[number] = hello

    def run(self, method: str, chunks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Call ``method(*chunk)`` for each chunk on some actor: yields (the chunk's index, the result) as they come.

        A chunk's first argument is a sequence of texts. At most two are sent to an actor at a time. One that was sent to an
        actor that died is sent to another.
        Raises what a call returns as a `Failure`, IndexingError when a chunk was fatal to three actors, and what
        `wait_for_one` raises.
        """
        waiting = deque(range(len(chunks)))
        flying: dict[Any, tuple[int, int]] = {}  # in the order of sending
        fatal = [0] * len(chunks)
        try:
            while waiting or flying:
                there = self.there()
                if not there and not flying:
                    self.wait_for_one()
                    continue
                loads = dict.fromkeys(there, 0)
                for _, number in flying.values():
                    if number in loads:
                        loads[number] += 1
                while waiting and loads and min(loads.values()) < AHEAD:
                    number = min(loads, key=lambda each: loads[each])
                    index = waiting.popleft()
                    flying[getattr(self.actors[number], method).remote(*chunks[index])] = index, number
                    loads[number] += 1
                done, _ = self._ray.wait(list(flying), num_returns=1, timeout=LOOK)
                for ref in done:  # one, or none
                    index, number = flying[ref]
                    try:
                        result = self._ray.get(ref)
                    except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError) as error:
                        self._take_back(number, flying, waiting, fatal, chunks)
                        self.lost(number, error)
                        if fatal[index] >= DEATHS:
                            raise IndexingError(
                                f"{DEATHS} Ray workers died one after the other on the same {len(chunks[index][0])} texts, "
                                f"the first of them {quote(chunks[index][0][0])!r}; do the machines run out of memory?"
                            ) from error
                        continue
                    del flying[ref]
                    yield index, unpacked(result)
        finally:
            for ref in flying:
                self._ray.cancel(ref)

    def _take_back(
        self,
        number: int,
        flying: dict[Any, tuple[int, int]],
        waiting: deque[int],
        fatal: list[int],
        chunks: Sequence[tuple[Any, ...]],
    ) -> None:
        """Put what was sent to a dead actor back in front. Calls run one by one: only the oldest was under work."""
        mine = {ref: index for ref, (index, sent_to) in flying.items() if sent_to == number}
        for place, (ref, index) in enumerate(mine.items()):
            if place == 0:
                fatal[index] += 1
                self.repeated += len(chunks[index][0])
            del flying[ref]
        waiting.extendleft(reversed(mine.values()))

    def close(self) -> None:
        """End the actors."""
        for actor in self.actors:
            self._ray.kill(actor)


def _why(error: Exception) -> str:
    """The last line of what Ray tells: the error itself, below a trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return quote(lines[-1]) if lines else quote(repr(error))
