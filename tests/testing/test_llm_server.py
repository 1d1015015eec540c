"""The server in its own process: it knows what it is asked about, and says what it served."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hippomem.models.llm import OpenAIChat
from hippomem.testing import HashEmbedder
from hippomem.testing.llm_server import LlmServer
from hippomem.testing.llm_server.misbehaving import FAULTS, Misbehaviour
from hippomem.testing.llm_server.recording import Recording
from hippomem.types import Extraction, Triple
from indexing.extract import PassageText
from indexing.extract.llm import Scheme

LONG = " ".join(f"On day {day} the ferry Alma crossed Lake Orrin in the rain." for day in range(40))
PASSAGES = [
    ("a", "Lake Orrin", "Lake Orrin lies north of Velden.", [["Lake Orrin", "lies north of", "Velden"]]),
    ("b", "Lake Orrin", "Lake Orrin lies north of Velden. It is deep.", [["Lake Orrin", "is", "deep"]]),
    ("c", "Другое озеро", "Lake Orrin lies north of Velden.", [["Другое озеро", "lies north of", "Velden"]]),
    ("d", "Alma", LONG, [["Alma", "crossed", "Lake Orrin"]]),
    ("e", "", "Ach\nso", []),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A corpus and its recorded extraction."""
    folder = tmp_path_factory.mktemp("corpus")
    corpus, openie = folder / "corpus.jsonl", folder / "openie.jsonl"
    rows = [{"_id": i, "title": title, "text": text} for i, title, text, _ in PASSAGES]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    # Real recordings have triples of two and four parts too.
    answers = [
        {"_id": i, "entities": ["Lake Orrin"], "triples": [*triples, ["Lake", "is"]]} for i, _, _, triples in PASSAGES
    ]
    openie.write_text("".join(json.dumps(row) + "\n" for row in answers), "utf-8")
    return corpus, openie


@pytest.fixture(scope="module")
def recording(files: tuple[Path, Path]) -> Recording:
    """The two, read."""
    return Recording(*files)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """Keeps its connections."""
    with httpx.Client(timeout=5) as client:
        yield client


def ask(client: httpx.Client, server: LlmServer, *texts: str, **more: Any) -> httpx.Response:
    """A chat request about passages."""
    messages = [{"role": "system", "content": "Read."}, {"role": "user", "content": "Passage:\n" + "\n\n".join(texts)}]
    return client.post(f"{server.base_url}/chat/completions", json={"model": "m", "messages": messages, **more})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Passage:\nLake Orrin\nLake Orrin lies north of Velden.", ["a"]),
        ("Passage:\nLake Orrin\nLake Orrin lies north of Velden. It is deep.", ["b"]),
        ("Passage:\nДругое озеро\nLake Orrin lies north of Velden.\n\nNamed entities: []", ["c"]),
        ("[0] Другое озеро: Lake Orrin lies north of Velden.\n[1] Ach\nso", ["c", "e"]),
        ("Alma\n" + LONG, ["d"]),
        ("Alma\n" + LONG[: len(LONG) // 2 + 100], ["d:0"]),
        ("Alma\n" + LONG[:100], []),
        ("Nobody wrote this.", []),
    ],
)
def test_a_prompt_is_known_by_the_texts_in_it(recording: Recording, message: str, expected: list[str]) -> None:
    """The longest text wins; of equal texts the one under its title; what is cut anywhere else is none."""
    assert [passage.passage_id for passage in recording.find(message)] == expected


def test_parts_of_a_long_document_are_known(recording: Recording) -> None:
    """As the product cuts it."""
    from indexing.chunking import chunk

    slices = chunk(LONG)
    assert len(slices) == 2
    for number, (start, stop) in enumerate(slices):
        (found,) = recording.find(f"Passage:\nAlma\n{LONG[start:stop].strip()}")
        assert (found.passage_id, found.facts.triples) == (f"d:{number}", (Triple("Alma", "crossed", "Lake Orrin"),))


@pytest.mark.parametrize(
    "scheme", [Scheme(), Scheme(form="plain"), Scheme(passages_per_call=3), Scheme(passages_per_call=3, form="plain")]
)
def test_answers_are_read_as_the_recording(files: tuple[Path, Path], tmp_path: Path, scheme: Scheme) -> None:
    """Whatever the scheme, structured output or not: the facts are the recorded ones, and the log says whose."""
    passages = [PassageText(i, title, text) for i, title, text, _ in PASSAGES if text != LONG]
    with (
        LlmServer(*files, tmp_path / "log") as server,
        OpenAIChat("loopback", server.base_url, "key", max_retries=0) as llm,
    ):
        for schema in (True, False):
            found = []
            for group in scheme.groups(passages):
                request = scheme.request(group)
                more = {"json_schema": request.json_schema, "schema_name": request.schema_name} if schema else {}
                found += scheme.answers(group, llm.complete(request.messages, max_tokens=request.max_tokens, **more))
            assert [
                Extraction(("Lake Orrin",), tuple(Triple(*t) for t in row[3])) for row in PASSAGES if row[0] != "d"
            ] == found
        served = server.served()
    assert [i for each in served for i in each.passages] == ["a", "b", "c", "e"] * 2
    assert {each.outcome for each in served} == {"valid"}
    assert llm.usage.prompt_tokens == sum(each.prompt_tokens for each in served) > 0
    assert llm.usage.completion_tokens == sum(each.completion_tokens for each in served) > 0


def test_each_of_two_calls_gets_its_half(files: tuple[Path, Path], client: httpx.Client) -> None:
    """Only the lists that the schema has."""
    with LlmServer(*files) as server:
        for name in ("entities", "triples"):
            schema = {"type": "object", "properties": {name: {}}}
            asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}
            answer = ask(client, server, "Alma\n" + LONG, **asked).json()
            assert list(json.loads(answer["choices"][0]["message"]["content"])) == [name]


def test_what_is_not_of_the_corpus_is_unknown(files: tuple[Path, Path], client: httpx.Client, tmp_path: Path) -> None:
    """404, also for one of several passages, whose numbers would be wrong."""
    with LlmServer(*files, tmp_path / "log") as server:
        assert ask(client, server, "Who?").status_code == 404
        assert ask(client, server, "Passage 1:\nWho?", "Passage 2:\nAch\nso").status_code == 404
        assert [each.outcome for each in server.served()] == ["unknown", "unknown"]


def test_the_rest_of_the_api(files: tuple[Path, Path], client: httpx.Client) -> None:
    """Models and embeddings, behind a key; other paths and bodies are refused."""
    with LlmServer(*files, key="secret") as server:
        assert client.get(f"{server.base_url}/models").status_code == 401
        client.headers["Authorization"] = "Bearer secret"
        assert client.get(f"{server.base_url}/models").json()["data"][0]["id"] == "loopback"
        found = client.post(f"{server.base_url}/embeddings", json={"model": "h", "input": ["Lake Orrin"]}).json()
        assert client.get(f"{server.base_url}/none").status_code == 404
        assert client.post(f"{server.base_url}/chat/completions", content="{").status_code == 400
        assert client.post(f"{server.base_url}/chat/completions", content="[1]").status_code == 400
        assert client.post(f"{server.base_url}/embeddings", content=iter([b"{}"])).status_code == 400
    np.testing.assert_allclose(found["data"][0]["embedding"], HashEmbedder().embed(["Lake Orrin"])[0])


def test_more_calls_at_once_than_allowed_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    """429 with Retry-After; what is under way is answered after the latency; who leaves frees a place."""
    with LlmServer(*files, tmp_path / "log", latency=0.5, at_once=2) as server, ThreadPoolExecutor(4) as pool:

        def call(timeout: float) -> httpx.Response | None:
            with httpx.Client(timeout=timeout) as client:
                try:
                    return ask(client, server, "Ach\nso")
                except httpx.TimeoutException:
                    return None

        answers = [answer for answer in pool.map(call, [5.0] * 4) if answer is not None]
        assert Counter(answer.status_code for answer in answers) == {200: 2, 429: 2}
        assert {answer.headers.get("Retry-After") for answer in answers if answer.status_code == 429} == {"1"}
        assert all(answer.elapsed.total_seconds() >= 0.5 for answer in answers if answer.status_code == 200)
        assert list(pool.map(call, [0.1] * 2)) == [None, None]
        last = call(5.0)
        assert last is not None
        assert last.status_code == 200
        assert Counter(each.outcome for each in server.served()) == {"valid": 3, "busy": 2}


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_served_and_logged(
    files: tuple[Path, Path], client: httpx.Client, tmp_path: Path, kind: str
) -> None:
    """None of them can be taken for a proper answer."""
    asked = ["Lake Orrin\nLake Orrin lies north of Velden."]
    with LlmServer(*files, tmp_path / "log", faults=1.0, kinds=kind) as server:
        client.timeout = httpx.Timeout(0.3)
        if kind in ("silence", "hang-up"):
            with pytest.raises(httpx.TimeoutException if kind == "silence" else httpx.RemoteProtocolError):
                ask(client, server, *asked)
        else:
            answer = ask(client, server, *asked)
            if answer.status_code == 200:
                choice = answer.json()["choices"][0]
                assert (choice["finish_reason"] == "length") == (kind == "cut")
                assert kind == "wrong types" or "}" not in choice["message"]["content"]
            else:
                assert kind.split()[0] == str(answer.status_code)
                assert ("Retry-After" in answer.headers) == ("retry-after" in kind)
        assert [(list(each.passages), each.outcome) for each in server.served()] == [(["a"], kind)]


def test_what_goes_wrong_is_drawn_from_the_seed() -> None:
    """By passage and try, whatever the order; the rate is kept, and all kinds occur."""
    ids = [f"p{number}" for number in range(2000)]
    forth, back, other = Misbehaviour(0.2, 7), Misbehaviour(0.2, 7), Misbehaviour(0.2, 8)
    first = {i: forth.draw([i]) for i in ids}
    assert first == {i: back.draw([i]) for i in reversed(ids)}
    assert first != {i: other.draw([i]) for i in ids} != {i: forth.draw([i]) for i in ids}
    counts = Counter(first.values())
    assert 340 < 2000 - counts[None] < 460
    assert counts.keys() == {None, *FAULTS}
    assert not any(Misbehaviour(0.0, 7).draw([i]) for i in ids)
