"""``python -m hippomem.testing.llm_server``: prints its base URL, and serves until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from hippomem.testing.llm_server.api import LlmApi
from hippomem.testing.llm_server.batching import BatchRoutes
from hippomem.testing.llm_server.http import Connection, Routes
from hippomem.testing.llm_server.log import Log
from hippomem.testing.llm_server.misbehaving import FAULTS, Misbehaviour
from hippomem.testing.llm_server.recording import Recording


def main() -> None:
    """Read the options and the recording, then serve."""
    options = _parser().parse_args()
    recording = Recording(options.corpus, options.openie)
    with Log(options.log) as log:
        misbehaviour = Misbehaviour(options.faults, options.seed, options.kinds)
        api = LlmApi(recording, log, misbehaviour, latency=options.latency, at_once=options.at_once, key=options.key)
        routes = Routes()
        api.add_routes(routes)
        if options.batch_seconds is not None:
            BatchRoutes(api, seconds=options.batch_seconds).add_routes(routes)
        asyncio.run(_serve(routes, options.port))


async def _serve(routes: Routes, port: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Connection(routes.answer), "127.0.0.1", port, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()  # kept connections are dropped with the loop


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hippomem.testing.llm_server", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="corpus.jsonl")
    parser.add_argument("--openie", type=Path, required=True, help="openie.jsonl, the answers")
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that a chat answer takes")
    parser.add_argument("--at-once", type=int, default=50, help="chat requests under way; more are refused with 429")
    parser.add_argument("--faults", type=float, default=0.0, help="share of chat requests that go wrong, 0 to 1")
    parser.add_argument("--kinds", nargs="+", choices=FAULTS, default=list(FAULTS), help="how; default: all ways")
    parser.add_argument("--seed", type=int, default=7, help="of what goes wrong")
    parser.add_argument("--batch-seconds", type=float, help="how long a batch takes; default: there is no Batch API")
    parser.add_argument("--key", help="the API key that is accepted; default: any")
    parser.add_argument("--log", type=Path, help="file to which a JSON line is added for each chat request served")
    return parser


if __name__ == "__main__":
    main()
