"""``python -m eval bench llm``: how near indexing with an LLM comes to what the endpoint allows, and its own cost."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from eval.arguments import Json
from eval.bench.apart import run_apart
from eval.bench.llm.indexing import Order
from eval.bench.measure import megabytes, ms, say, setting
from eval.dataset import Corpus, load_datasets
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.errors import ConfigError

#: The time that a run should take: at most so many times what endpoint and encoder take one after the other.
MARK = 1.5
#: What the server answers when it has answered as it should.
_VALID = "valid"


def llm(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET_DIR", help="A folder in BEIR layout, with openie.jsonl: the answers.")
    ],
    latency: Annotated[float, typer.Option(metavar="S", min=0, help="Seconds that a call takes.")] = 0.3,
    at_once: Annotated[int, typer.Option(metavar="N", min=1, help="Calls that the server allows at once.")] = 50,
    faults: Annotated[
        list[float], typer.Option(metavar="SHARE", min=0, max=1, help="Shares of calls that go wrong, a line each.")
    ] = [0.0, 0.2],  # noqa: B006  typer reads it, nobody writes it
    passages_per_call: Annotated[int, typer.Option(metavar="N", min=1, help="Short passages in one call.")] = 1,
    timeout: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="Seconds of silence until a call is given up.")
    ] = 5.0,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each line is measured, in turn; medians count.")] = 1,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="First N passages.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of what goes wrong.")] = 7,
    json: Json = None,
) -> None:
    """Index a set with an LLM that answers after a set time: time taken over the least that endpoint and encoder need.

    The server is a process of its own on loopback that replays openie.jsonl, and so is the run. Least: calls × latency ÷
    calls at once, and behind it the encoder on the same texts with nothing beside it. A document is one passage.
    """
    if json is not None:
        check_writable(json)
    (loaded,) = load_datasets([dataset])
    if len(loaded.corpora) != 1:
        raise ConfigError(f"'{dataset}' holds {len(loaded.corpora)} corpora; name one of them.")
    (corpus,) = loaded.corpora
    settings: dict[str, Any] = {
        "latency": latency,
        "at_once": at_once,
        "passages_per_call": passages_per_call,
        "timeout": timeout,
        "limit": limit,
    }
    runs: dict[float, list[dict[str, Any]]] = {share: [] for share in faults}
    for number in range(1, rounds + 1):
        for share in faults:
            say(f"round {number} of {rounds}: {share:.0%} of the calls go wrong")
            runs[share].append(_run(corpus, share, seed, **settings))
    report = {
        "set": loaded.name,
        "sha256": loaded.sha256,
        "settings": {**settings, "seed": seed, "rounds": rounds},
        "lines": [{"faults": share, **median_run(some)} for share, some in runs.items()],
        "mark": MARK,
        **setting(),
    }
    if json is not None:
        write_json(json, report)
    console().print(table(report))


def _run(corpus: Corpus, faults: float, seed: int, *, latency: float, at_once: int, **asked: Any) -> dict[str, Any]:
    """One run against a server of its own. Raises HippomemError if it fails."""
    from hippomem.testing.llm_server import LlmServer

    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as folder:
        told = {"latency": latency, "at_once": at_once, "faults": faults, "seed": seed}
        with LlmServer(corpus.folder / "corpus.jsonl", corpus.openie, Path(folder) / "log", **told) as server:
            order = Order(str(corpus.folder), server.base_url, at_once=at_once, **asked)
            found = run_apart("eval.bench.llm.indexing", order, f"the run with {faults:.0%} faults")
            served = server.served()
    outcomes = Counter(each.outcome for each in served)
    asking = max((each.at for each in served), default=found["began"]) - found["began"]
    return figures(found, outcomes, asking, latency=latency, at_once=at_once)


def figures(
    found: Mapping[str, Any], outcomes: Mapping[str, int], asking: float, *, latency: float, at_once: int
) -> dict[str, Any]:
    """A run against what was to be expected. outcomes: calls that reached the server, by what became of them.

    asking: seconds until the last answer.

    >>> whole, encoder = {"seconds": 30.0, "cpu_seconds": 25.0}, {"seconds": 14.0, "cpu_seconds": 20.0}
    >>> found = {"whole": whole, "encoder": encoder, "passages": 1000}
    >>> got = figures(found, {"valid": 1000}, 8.0, latency=0.3, at_once=50)
    >>> got["ideal"], got["ratio"], got["cpu_per_passage"]
    (6.0, 1.5, 0.005)
    """
    calls = sum(outcomes.values())
    ideal = calls * latency / at_once
    own = found["whole"]["cpu_seconds"] - found["encoder"]["cpu_seconds"]
    return {
        **found,
        "served": dict(sorted(outcomes.items())),
        "calls": calls,
        "asking": asking,
        "ideal": ideal,
        "ratio": found["whole"]["seconds"] / (ideal + found["encoder"]["seconds"]),
        "cpu_per_passage": own / found["passages"],
    }


def median_run(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The run whose ratio is the median (of two in the middle the larger), so that its figures belong together; all ratios
    are beside it.
    """
    ordered = sorted(runs, key=lambda run: run["ratio"])
    return {**ordered[len(ordered) // 2], "ratios": [run["ratio"] for run in runs]}


def table(report: Mapping[str, Any]) -> Table:
    """A column a line, a row a figure."""
    settings, lines = report["settings"], report["lines"]
    title = (
        f"{report['set']}: {lines[0]['passages']:,} passages, {settings['latency'] * 1000:.0f} ms a call, "
        f"{settings['at_once']} at once"
    )
    made = Table(title=title, title_justify="left")
    made.add_column("")
    for line in lines:
        made.add_column(f"{line['faults']:.0%} faults", justify="right")
    rows: list[tuple[str, list[str]]] = [
        ("whole run, s", [f"{line['whole']['seconds']:.1f}" for line in lines]),
        ("  until the last answer, s", [f"{line['asking']:.1f}" for line in lines]),
        ("ideal: calls × latency ÷ at once, s", [f"{line['ideal']:.1f}" for line in lines]),
        ("encoder alone, s", [f"{line['encoder']['seconds']:.1f}" for line in lines]),
        (f"run / (ideal + encoder), mark {report['mark']}", [f"{line['ratio']:.2f}" for line in lines]),
        ("own CPU a passage, ms", [ms(line["cpu_per_passage"]) for line in lines]),
        ("calls", [f"{line['calls']:,}" for line in lines]),
        ("  with a proper answer", [f"{line['served'].get(_VALID, 0):,}" for line in lines]),
        ("  beyond those allowed at once", [f"{line['served'].get('busy', 0):,}" for line in lines]),
        ("tries again", [f"{line['retries']:,}" for line in lines]),
        ("prompt tokens", [f"{line['usage']['prompt_tokens']:,}" for line in lines]),
        ("completion tokens", [f"{line['usage']['completion_tokens']:,}" for line in lines]),
        ("failed passages", [f"{line['failed']:,}" for line in lines]),
        ("peak memory, MB", [megabytes(line["peak_bytes"]) for line in lines]),
    ]
    for name, cells in rows:
        made.add_row(name, *cells)
    return made
