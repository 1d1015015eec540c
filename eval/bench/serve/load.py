"""A process that asks a server what it is ordered to, notes when, and tells its own use of the processor.

It holds nothing but the client, so that what it takes from the server's processors is little, and known.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from eval.bench.serve.wire import Connection, ids_of
from hippomem.errors import HippomemError

Kind = Literal["warm-up", "search", "search, explained", "search after an add", "add", "get", "find"]
#: Of these the ids that an answer tells are kept; the others' bodies are not looked at.
_READ = frozenset({"add", "get", "find"})
_SUCCESS = frozenset({200, 201})
#: The line that says so.
_BEGUN = "begun"


@dataclass(frozen=True)
class Request:
    """One request. body: JSON, or None."""

    kind: Kind
    method: str
    path: str
    body: str | None = None


@dataclass(frozen=True)
class Answer:
    """What became of a request. at: its place in the order.    status: 0 when no answer came.

    due, sent, done: seconds since the load began; without a schedule a request is due when it is sent.
    """

    kind: Kind
    at: int
    status: int
    due: float
    sent: float
    done: float
    ids: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether it was answered, and not with an error."""
        return self.status in _SUCCESS

    @property
    def seconds(self) -> float:
        """From the time it was due, so that a server that stands still is seen by all that wait."""
        return self.done - self.due


@dataclass(frozen=True)
class Order:
    """What to ask. The requests are taken in order by *connections* connections, each of which has one under way.

    seconds: none is sent later; None to send all.    due: seconds from the start at which each is due, ascending, one for
    each request (an open loop: what is late is sent as soon as a connection is free); None to send one after the other.
    begun_after: good answers from which it counts as begun.
    """

    host: str
    port: int
    requests: Sequence[Request]
    connections: int = 1
    seconds: float | None = None
    due: Sequence[float] | None = None
    begun_after: int = 0


@dataclass
class Outcome:
    """What became of an order. cpu_seconds: the client's own.    seconds: until the last answer."""

    answers: list[Answer] = field(default_factory=list)
    cpu_seconds: float = 0.0
    seconds: float = 0.0


def run_load(order: Order, meanwhile: Callable[[], None] = lambda: None) -> Outcome:
    """Have an order done by a process of its own. meanwhile: called once it has begun to ask.

    Raises HippomemError if the process fails; servers that do not answer are in the outcome.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "eval.bench.serve.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            json.dump(asdict(order), process.stdin)
            process.stdin.close()
            told = process.stdout.readline()
            if told.strip() == _BEGUN:
                meanwhile()
                told = process.stdout.read()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise HippomemError(f"the client ended with exit code {process.returncode}; its own error is above.")
    outcome = json.loads(told)
    answers = [Answer(**{**each, "ids": tuple(each["ids"])}) for each in outcome.pop("answers")]
    return Outcome(answers, **outcome)


class Load:
    """An order under way."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.answers: list[Answer] = []
        self._next: Iterator[int] = iter(range(len(order.requests)))
        self._began = 0.0
        self._good = 0
        self._begun: Callable[[], None] = lambda: None

    async def run(self, begun: Callable[[], None] = lambda: None) -> Outcome:
        """Do it. begun: called when all connections stand, or later where the order says so."""
        self._begun = begun
        connections = [Connection(self.order.host, self.order.port) for _ in range(self.order.connections)]
        await asyncio.gather(*(each.open() for each in connections))
        if self.order.begun_after == 0:
            begun()
        cpu, self._began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(self._ask(each) for each in connections))
        # What nobody could send is not answered either.
        self.answers += [self._lost(at) for at in self._next if self.order.due is not None]
        cpu = time.process_time() - cpu
        for each in connections:
            each.close()
        return Outcome(self.answers, cpu, max((each.done for each in self.answers), default=0.0))

    async def _ask(self, connection: Connection) -> None:
        order = self.order
        for at in self._next:
            due = self._now() if order.due is None else order.due[at]
            if order.seconds is not None and due >= order.seconds:
                return
            if (early := due - self._now()) > 0:
                await asyncio.sleep(early)
            request, sent = order.requests[at], self._now()
            ids: Sequence[str] = ()
            try:
                status, body = await connection.ask(request.method, request.path, request.body)
                if status in _SUCCESS and request.kind in _READ:
                    ids = ids_of(body)
            except OSError:
                status = 0
            due = sent if order.due is None else due
            self.answers.append(Answer(request.kind, at, status, due, sent, self._now(), tuple(ids)))
            self._good += status in _SUCCESS
            if status in _SUCCESS and self._good == order.begun_after:
                self._begun()
            if status == 0:
                try:
                    await connection.open()
                except OSError:
                    return  # the server is gone

    def _lost(self, at: int) -> Answer:
        assert self.order.due is not None
        due, now = self.order.due[at], self._now()
        return Answer(self.order.requests[at].kind, at, 0, due, now, max(now, due))

    def _now(self) -> float:
        return time.perf_counter() - self._began


def _read(value: dict[str, Any]) -> Order:
    return Order(**{**value, "requests": [Request(**each) for each in value["requests"]]})


def main() -> None:
    """Do what is ordered."""
    order = _read(json.load(sys.stdin))

    def begun() -> None:
        sys.stdout.write(f"{_BEGUN}\n")
        sys.stdout.flush()

    json.dump(asdict(asyncio.run(Load(order).run(begun))), sys.stdout)


if __name__ == "__main__":
    main()
