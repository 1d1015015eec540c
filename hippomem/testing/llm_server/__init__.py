"""A fast OpenAI-compatible server in its own process, that replays a recorded extraction and misbehaves at a given rate.

    python -m hippomem.testing.llm_server --corpus corpus.jsonl --openie openie.jsonl --latency 0.3 --at-once 50

`LoopbackServer` lives in the test's own process, a thread a request, and takes any answer; this one is for what needs
other processes: throughput, and runs that are killed. Its log says what was served, and outlives its clients.

More of the API is added with `Routes.add` (`http.py`): a function from ``Routes`` that adds its own, called beside
`add_routes` in `__main__.py`.
"""

from __future__ import annotations

from hippomem.testing.llm_server.log import Served, read_log
from hippomem.testing.llm_server.process import LlmServer

__all__ = ["LlmServer", "Served", "read_log"]
