"""``hippomem index --dry-run``: what an LLM run will take, before it takes anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hippomem.cli.display import Display, words
from hippomem.cli.llm_options import LlmOptions
from hippomem.cli.output import console
from hippomem.types import Document

if TYPE_CHECKING:
    from hippomem.models.pacing import Pace
    from indexing.asking.trial import Trial
    from indexing.extract import PassageText
    from indexing.extract.llm import Scheme


#: Seconds that an endpoint may be down while somebody waits for an estimate.
_PATIENCE = 60.0


def dry_run(
    documents: Iterable[Document],
    *,
    store: Path,
    namespace: str,
    asked: LlmOptions,
    chunk: bool | None = None,
    retry_failed: bool = False,
    events: str | None = None,
) -> dict[str, Any]:
    """Read the corpus to its end and estimate; returns what ``--json`` prints.

    The store is only looked into, and need not be there. Costs nothing but about ``asked.dry_run_calls`` calls, whose
    answers are not kept. chunk: as of `Memory`.    events: as of `Display`.
    Raises ConfigError, InputError, ModelError, StoreError.
    """
    from hippomem.store.readings import Asked
    from indexing.asking.counting import SAMPLE, count
    from indexing.asking.estimate import Limits, estimate, to_read
    from indexing.asking.looking import looking_into

    price, scheme, pace = asked.price(), asked.scheme(), asked.pace(patience=_PATIENCE)
    limits = Limits(pace.concurrency, asked.requests_per_minute, asked.tokens_per_minute)
    with Display(events=events) as display:
        with looking_into(store, namespace, Asked(asked.model, scheme.version), retry_failed=retry_failed) as look:
            counted = count(
                documents,
                look.known,
                chunk_characters=look.chunk_characters(chunk),
                retry_failed=retry_failed,
                progress=display,
            )
            waiting = look.waiting()
            sample = counted.sample or look.texts(SAMPLE)
        trial = _tried(sample, scheme, pace, asked, asked.dry_run_calls) if asked.dry_run_calls and sample else None
        passages = to_read(counted, asked.share, waiting=waiting)
        made = estimate(passages, sample, scheme, price, limits, trial=trial)
        summary = {
            "model": asked.model,
            "concurrency": limits.concurrency,
            "documents": {"all": counted.documents, "stored": counted.stored, "repeated": counted.repeated},
            "passages": {"all": counted.passages, "read": counted.read, "waiting": max(waiting, counted.wanted)},
            "usd_per_million": None if price is None else {"in": price.per_million_in, "out": price.per_million_out},
            "budget_usd": asked.budget_usd,
            "budget_share": None if asked.budget_usd is None else made.share_for(asked.budget_usd),
            "usd_of_trial": None if price is None or trial is None else round(price.usd(trial.usage), 6),
            **made.to_dict(),
        }
        display.finished(summary)
    return summary


def _tried(sample: Sequence[PassageText], scheme: Scheme, pace: Pace, asked: LlmOptions, calls: int) -> Trial:
    from indexing.asking.trial import try_out

    async def run() -> Trial:
        async with asked.chat()() as llm:
            await llm.check()
            return await try_out(sample, scheme, llm, pace, calls)

    return asyncio.run(run())


def print_estimate(made: Mapping[str, Any], *, err: bool = False) -> None:
    """For people."""
    from rich.table import Table
    from rich.text import Text

    documents, passages = made["documents"], made["passages"]
    out = console(err=err)
    out.print(
        f"{documents['all']:,} documents: {documents['stored']:,} stored already, {documents['repeated']:,} repeated\n"
        f"{passages['all']:,} passages: {passages['read']:,} read already, {passages['waiting']:,} left by an earlier run\n"
        f"{made['model']} would be asked about {made['to_read']:,}{':' if made['to_read'] else '.'}"
    )
    if not made["to_read"]:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for name in ("likely", "from", "to"):
        table.add_column(name, justify="right")
    rows = (("calls", "calls", words.short), ("prompt tokens", "prompt_tokens", words.short),
            ("completion tokens", "completion_tokens", words.short), ("cost", "usd", words.money),
            ("cost by Batch API", "usd_batch", words.money), ("time of asking", "seconds", words.duration))  # fmt: skip
    for name, key, shown in rows:
        if made[key] is not None:
            table.add_row(f"  {name}", *(shown(made[key][end]) for end in ("likely", "low", "high")))
    out.print(table)
    for note in _notes(made):
        out.print(Text(note, "dim"))


def _notes(made: Mapping[str, Any]) -> Iterator[str]:
    trial = made["trial"]
    if made["usd"] is None:
        yield f"No price of {made['model']} is known: give --price-in and --price-out, or a table with --prices."
    if made["budget_share"] is not None and made["budget_share"] < 1:
        yield f"The budget of {words.money(made['budget_usd'])} is spent after about {made['budget_share']:.0%} of them."
    yield f"From a sample of {made['sampled']:,} passages, at {made['concurrency']:,} calls at once, without retries."
    if trial is None:
        yield "What the model answers and how fast is assumed; --dry-run-calls 20 learns it from 20 calls that cost."
    else:
        spent = "" if made["usd_of_trial"] is None else f", {words.money(made['usd_of_trial'])}"
        yield (
            f"Measured with {trial['calls']:,} calls: {trial['prompt_tokens']:,} prompt and {trial['completion_tokens']:,} "
            f"completion tokens{spent}; {trial['seconds_a_call']['likely']:.1f} s a call."
        )
        if trial["failed"]:
            yield f"{trial['failed']:,} of {trial['passages']:,} passages failed; the last: {words.line(trial['error'])}"
