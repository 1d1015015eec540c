"""The phases of the benchmark, each a load on a running server and its figures."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.bench.measure import percentiles
from eval.bench.serve.load import Answer, Order, Outcome, Request, run_load
from eval.bench.serve.material import Feed, added_words
from eval.bench.serve.server import Server

#: Requests of one client that are not counted, and those of each kind that are, at most.
WARM_UP, ASKED, ADDED = 30, 150, 50
#: Requests a second that no server here gets to: so many are made for a phase that ends with its time.
MOST_A_SECOND = 600
#: Seconds of the closed loop, at most.
CLOSED_SECONDS = 20.0
#: The server is killed in a storm of adds when it has acknowledged one for each connection, and so many seconds more, at
#: most: by chance.
STORM_SECONDS = 2.0
#: The share of the maximum rate at which latencies are measured, and how many times one client's p50 their p95 may be.
SHARE, TIMES = 0.5, 10.0


@dataclass
class Bench:
    """What the phases share. adds: share of adds in the mix.    seconds: of the open loop.

    acknowledged: the words of all texts that the server said it has, by memory id.
    """

    feed: Feed
    connections: int
    adds: float
    seconds: float
    rng: random.Random
    acknowledged: dict[str, str] = field(default_factory=dict)

    def single(self, server: Server) -> dict[str, Any]:
        """One client: searches without and with reasons in turn, then adds, each with a search right after it."""
        feed = self.feed
        few = max(10, round(5 * self.seconds))
        requests = [feed.search("warm-up", explain=bool(number % 2)) for number in range(min(WARM_UP, few))]
        for number in range(min(ASKED, few)):
            pair = [feed.search(), feed.search("search, explained", explain=True)]
            requests += pair if number % 2 else pair[::-1]
        for _ in range(min(ADDED, few)):
            requests += [feed.add(), feed.search("search after an add")]
        return self._measured(server, requests)

    def closed(self, server: Server) -> dict[str, Any]:
        """All connections ask as fast as they are answered."""
        seconds = min(self.seconds, CLOSED_SECONDS)
        asked, added = self.feed.asked, self.feed.added
        requests = self.feed.mixed(round(seconds * MOST_A_SECOND), self.adds, self.rng)
        figures = self._measured(server, requests, connections=self.connections, seconds=seconds)
        # What was not sent is asked later.
        sent = Counter(request.kind for request in requests[: figures["sent"]])
        self.feed.asked, self.feed.added = asked + sent["search"], added + sent["add"]
        return figures

    def open(self, server: Server, rate: float) -> dict[str, Any]:
        """Requests come by chance (Poisson), *rate* a second, however fast they are answered."""
        due, at = [], self.rng.expovariate(rate)
        while at < self.seconds:
            due.append(at)
            at += self.rng.expovariate(rate)
        requests = self.feed.mixed(len(due), self.adds, self.rng)
        return {"rate": rate, **self._measured(server, requests, connections=self.connections, due=due)}

    def storm(self, server: Server) -> dict[str, Any]:
        """All connections add as fast as they can; in the midst of it the server is killed."""
        requests = [self.feed.add() for _ in range(self.connections + round(STORM_SECONDS * MOST_A_SECOND))]

        def kill() -> None:
            time.sleep(self.rng.uniform(0.0, STORM_SECONDS))
            server.kill()

        before = len(self.acknowledged)
        how = {"connections": self.connections, "begun_after": self.connections}
        figures = self._measured(server, requests, meanwhile=kill, **how)
        return {
            "sent": figures["sent"],
            "acknowledged": len(self.acknowledged) - before,
            "cut_off": figures["statuses"].get("0", 0),
            "adds_per_second": figures["per_second"],
        }

    def kept(self, server: Server) -> dict[str, Any]:
        """Whether all that was ever acknowledged is there: by its id, and found by its word."""
        ids = list(self.acknowledged)
        requests = [self.feed.search("warm-up")]
        requests += [self.feed.get(memory_id) for memory_id in ids]
        requests += [self.feed.find(self.acknowledged[memory_id]) for memory_id in ids]
        outcome = run_load(Order(server.host, server.port, requests[:1]))
        first = outcome.answers[0].seconds
        outcome = run_load(Order(server.host, server.port, requests[1:], connections=min(8, self.connections)))
        there: dict[str, set[str]] = {"get": set(), "find": set()}
        for answer in outcome.answers:
            memory_id = ids[answer.at % len(ids)]
            if answer.is_good and memory_id in answer.ids:
                there[answer.kind].add(memory_id)
        return {
            "ready_seconds": server.start_seconds,
            "first_search_seconds": first,
            "acknowledged": len(ids),
            "there": len(there["get"]),
            "found": len(there["find"]),
        }

    def _measured(self, server: Server, requests: Sequence[Request], **order: Any) -> dict[str, Any]:
        """Have it done; remember what was acknowledged. More arguments: of `Order`, and ``meanwhile``."""
        used: list[float | None] = []
        meanwhile = order.pop("meanwhile", None)

        def begun() -> None:
            used.append(server.cpu_seconds())
            if meanwhile is not None:
                meanwhile()

        outcome = run_load(Order(server.host, server.port, requests, **order), begun)
        used.append(server.cpu_seconds())
        words = added_words(requests)
        for answer in outcome.answers:
            if answer.kind == "add" and answer.is_good:
                self.acknowledged[answer.ids[0]] = words[answer.at]
        server_seconds = None if used[0] is None or used[-1] is None else used[-1] - used[0]
        return figures_of(outcome, server_seconds)


def figures_of(outcome: Outcome, server_seconds: float | None) -> dict[str, Any]:
    """Latencies by kind, rates, errors by status, and what client and server took of the processors.

    server_seconds: processor time of the server meanwhile. ``cores`` are processor seconds in a second.
    """
    answers = [answer for answer in outcome.answers if answer.kind != "warm-up"]
    good = [answer for answer in answers if answer.is_good]
    kinds = dict.fromkeys(answer.kind for answer in sorted(answers, key=lambda each: each.at))
    seconds = outcome.seconds
    cores = {"client": outcome.cpu_seconds / seconds, "server": server_seconds and server_seconds / seconds}
    return {
        "sent": len(outcome.answers),
        "answered": len(good),
        "errors": len(answers) - len(good),
        "statuses": dict(Counter(str(answer.status) for answer in answers)),
        "seconds": seconds,
        "per_second": len(good) / seconds,
        "kinds": {kind: _of_kind([a for a in answers if a.kind == kind], seconds) for kind in kinds},
        # The client is behind by itself when a connection was free and it sent late all the same.
        "sent_late": percentiles([answer.sent - answer.due for answer in answers], 50, 99),
        "cores": cores,
    }


def _of_kind(answers: Sequence[Answer], seconds: float) -> dict[str, Any]:
    good = [answer.seconds for answer in answers if answer.is_good]
    return {"answered": len(good), "per_second": len(good) / seconds, **percentiles(good, 50, 95, 99)}


def mark(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the server must show, and whether it does."""
    plain = report["single"]["kinds"]["search"]["p50"]
    times = report["open"]["kinds"]["search"]["p95"] / plain
    kept = report["kept"]
    is_kept = kept["there"] == kept["found"] == kept["acknowledged"] > 0
    errors = sum(report[phase]["errors"] for phase in ("single", "closed", "open"))
    return {
        "errors": errors,
        "search_p95_times_single_p50": times,
        "at_most": TIMES,
        "acknowledged_all_kept": is_kept,
        "is_held": errors == 0 and times < TIMES and is_kept,
    }
