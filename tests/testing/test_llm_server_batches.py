"""The server in its own process has a Batch API, if asked to; its lines are in the log like calls."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from hippomem.errors import ModelAuthError, ModelUnavailableError
from hippomem.models.batch_api import BatchApi
from hippomem.models.batch_lines import read_lines, request_line
from hippomem.testing.llm_server import LlmServer


async def one_job(base_url: str, key: str, *texts: str) -> list[str]:
    """The answers to requests about texts, in order."""
    api = BatchApi("m", base_url, key)
    try:
        bodies = [{"model": "m", "messages": [{"role": "user", "content": f"Passage:\n{text}"}]} for text in texts]
        file = io.BytesIO(b"".join(request_line(str(number), body) for number, body in enumerate(bodies)))
        job = await api.create(await api.upload(file, "t0ken"), "t0ken")
        ended = await api.retrieve(job.job_id)
        assert ended is not None
        copy = io.BytesIO()
        assert await api.download(ended.output_file or "", copy)
        lines = {line.custom_id: line.completion for line in read_lines(copy.getvalue().splitlines())}
        return [completion.text for _, completion in sorted(lines.items()) if completion is not None]
    finally:
        await api.aclose()


def test_a_job_is_answered_from_the_recording(tmp_path: Path) -> None:
    """Two lines, two answers, two lines in the log; a wrong key is refused, and without the option there is nothing."""
    corpus, openie, log = tmp_path / "corpus.jsonl", tmp_path / "openie.jsonl", tmp_path / "log.jsonl"
    texts = ["Lake Orrin lies north of Velden.", "Alma crossed the lake."]
    rows = [{"_id": str(n), "title": "", "text": text} for n, text in enumerate(texts)]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    facts = [{"_id": str(n), "entities": [], "triples": [["a", "b", text[:4]]]} for n, text in enumerate(texts)]
    openie.write_text("".join(json.dumps(row) + "\n" for row in facts), "utf-8")
    with LlmServer(corpus, openie, log, batch_seconds=0.0, key="sesame") as server:
        first, second = asyncio.run(one_job(server.base_url, "sesame", *texts))
        assert "Lake" in first
        assert "Alma" in second
        assert sorted(served.passages[0] for served in server.served()) == ["0", "1"]
        with pytest.raises(ModelAuthError):
            asyncio.run(one_job(server.base_url, "wrong", *texts))
    with LlmServer(corpus, openie) as server, pytest.raises(ModelUnavailableError, match="no Batch API"):
        asyncio.run(one_job(server.base_url, "sesame", *texts))
