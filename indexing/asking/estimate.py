"""What an LLM run will take before it takes anything: calls, tokens, money and time, each with a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hippomem.models.prices import Price
from indexing.asking.counting import Counted
from indexing.asking.expected import expected
from indexing.asking.ranges import Range, ratio
from indexing.asking.trial import Trial
from indexing.choosing import how_many
from indexing.extract import PassageText
from indexing.extract.llm import Scheme

#: Models differ in how much they say, from so much to so much of what is expected: the published 257 tokens of HippoRAG 2's
#: two calls are 1.5 times the 172 of the recordings that were counted, and spaces in the JSON are a quarter. The lower end
#: is assumed. `--dry-run-calls` measures it.
_MODELS = (0.7, 1.6)
#: What the schema of the answer (about 50 tokens), another tokenizer and a chat template make of the estimated prompt.
_PROMPTS = (0.95, 1.15)
#: Seconds of a call: until it begins to answer, and for each token of its answer (70 a second); assumed, like their range.
FIRST_SECONDS, TOKEN_SECONDS = 0.7, 1 / 70
_SECONDS = (0.5, 2.5)


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast the run may go. concurrency: calls at once.    *_per_minute: of the account, None for none."""

    concurrency: int = 50
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """to_read: passages that an LLM is asked about.    sampled: so many of them were looked at closely.

    usd, usd_batch: None where no price is known; through the vendor's Batch API.    seconds: of asking, which goes on beside
    the rest of indexing.    trial: calls made for real, None for none.
    """

    to_read: int
    sampled: int
    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    usd: Range | None
    usd_batch: Range | None
    seconds: Range
    trial: Trial | None

    def share_for(self, usd: float) -> float | None:
        """The share of the passages that a budget lasts for, in [0, 1]; None where no price is known."""
        if self.usd is None:
            return None
        return 1.0 if self.usd.likely <= usd else usd / self.usd.likely

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        ranges = ("calls", "prompt_tokens", "completion_tokens", "usd", "usd_batch", "seconds")
        made = {name: getattr(self, name) for name in ranges}
        return {
            "to_read": self.to_read,
            "sampled": self.sampled,
            **{name: None if value is None else value.to_dict() for name, value in made.items()},
            "trial": None if self.trial is None else self.trial.to_dict(),
        }


def to_read(counted: Counted, share: float, *, waiting: int = 0) -> int:
    """How many passages a run asks about: what is wanted already, and of the others until the share is reached.

    share: in (0, 1], of the passages handed in.    waiting: passages of the store that are wanted, those of the corpus
    among them.
    """
    begun = counted.read + counted.wanted
    chosen = min(counted.unread, max(0, how_many(share, counted.passages) - begun))
    return chosen + max(waiting, counted.wanted)


def estimate(
    count: int,
    sample: Sequence[PassageText],
    scheme: Scheme,
    price: Price | None,
    limits: Limits,
    *,
    trial: Trial | None = None,
) -> Estimate:
    """What asking about *count* passages that are like those of *sample* takes.

    Means of the sample, with their standard errors (ratio estimators, corrected for a sample that is much of the corpus);
    a trial replaces what is assumed of answers, prompts and time by what was measured. Retries are not counted.
    """
    spent = [(len(group), expected(group, scheme)) for group in scheme.groups(sample)]
    sizes = np.array([size for size, _ in spent], dtype=float)
    calls, prompts, answers = (
        ratio(np.array(column, dtype=float), sizes, of=max(count, 1))
        for column in (
            [each.calls for _, each in spent],
            [each.prompt_tokens for _, each in spent],
            [each.completion_tokens for _, each in spent],
        )
    )
    # An endpoint that answers nothing, or does not count tokens, has taught nothing about them.
    measured = trial if trial is not None and trial.usage.calls else None
    if measured is not None:
        calls = calls.times(measured.calls)
    has_counted = measured is not None and measured.usage.completion_tokens
    prompts = prompts.times(measured.prompts) if measured and has_counted else prompts.widened(*_PROMPTS)
    answers = answers.times(measured.answers) if measured and has_counted else answers.widened(*_MODELS)
    likely = FIRST_SECONDS + TOKEN_SECONDS * answers.likely / max(calls.likely, 1e-9)
    a_call = measured.seconds if measured else Range(likely, likely, likely).widened(*_SECONDS)
    calls, prompts, answers = calls * count, prompts * count, answers * count
    usd = None if price is None else prompts * (price.per_million_in / 1e6) + answers * (price.per_million_out / 1e6)
    # never more at once than there are calls
    at_once = max(1.0, min(limits.concurrency, calls.likely))
    seconds = calls.times(a_call) * (1 / at_once)
    if limits.requests_per_minute:
        seconds = seconds.at_least(calls * (60 / limits.requests_per_minute))
    if limits.tokens_per_minute:
        seconds = seconds.at_least((prompts + answers) * (60 / limits.tokens_per_minute))
    return Estimate(
        count,
        len(sample),
        calls,
        prompts,
        answers,
        usd,
        None if usd is None or price is None else usd * price.batch_factor,
        seconds,
        trial,
    )
