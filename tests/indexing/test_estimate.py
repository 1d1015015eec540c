"""Estimates: their arithmetic, their ranges, and against what a run really takes."""

from __future__ import annotations

import asyncio
import json
import random

import numpy as np
import pytest

from hippomem.errors import ModelAuthError
from hippomem.models.async_chat import AsyncOpenAIChat
from hippomem.models.llm import Usage
from hippomem.models.pacing import Pace
from hippomem.models.prices import Price
from hippomem.testing import Fault, LoopbackServer
from indexing.asking.counting import Counted
from indexing.asking.estimate import Estimate, Limits, estimate, to_read
from indexing.asking.expected import expected
from indexing.asking.ranges import Range, ratio
from indexing.asking.trial import Trial, try_out
from indexing.extract import PassageText
from indexing.extract.llm import Scheme

ANSWER = json.dumps({"entities": ["Ada"], "triples": [[0, "wrote", "a program"]]})


def passages(count: int, seed: int = 0) -> list[PassageText]:
    """Passages of 10 to 120 words."""
    lengths = random.Random(seed)
    return [PassageText(f"p{n}", f"Title {n}", "word " * lengths.randrange(10, 120)) for n in range(count)]


def estimated(count: int, sample: list[PassageText], limits: Limits = Limits(), **options: object) -> Estimate:
    """With a price of 1 USD in and 10 out."""
    return estimate(count, sample, Scheme(), Price(1.0, 10.0), limits, **options)  # type: ignore[arg-type]


def test_a_ratio_and_its_error_are_the_textbook_s() -> None:
    """Of 8, 12 and 10 the mean is 10, its standard error 2/√3; Student's quantile for two degrees of freedom is 4.303."""
    found = ratio(np.array([8.0, 12.0, 10.0]), np.ones(3))
    assert found.likely == 10
    assert found.high - 10 == pytest.approx(4.303 * 2 / 3**0.5, rel=1e-3)
    assert ratio(np.array([8.0, 12.0, 10.0]), np.ones(3), of=3) == Range(10, 10, 10)


def test_errors_add_up_as_squares_do() -> None:
    """3% and 4% are 5%."""
    found = Range(97, 100, 103).times(Range(0.96, 1, 1.04))
    assert (found.low, found.likely, found.high) == pytest.approx((95, 100, 105))


def test_totals_are_means_times_passages() -> None:
    """Ten thousand passages like these: calls, tokens, and money as the sum of both prices."""
    sample = passages(200)
    one = [expected([passage], Scheme()) for passage in sample]
    found = estimated(10_000, sample)
    assert found.calls == Range(10_000, 10_000, 10_000)
    assert found.prompt_tokens.likely == pytest.approx(sum(each.prompt_tokens for each in one) * 50)
    assert found.completion_tokens.likely == pytest.approx(sum(each.completion_tokens for each in one) * 50)
    assert found.usd is not None
    assert found.usd_batch is not None
    assert found.usd.likely == pytest.approx((found.prompt_tokens.likely + 10 * found.completion_tokens.likely) / 1e6)
    assert found.usd_batch.likely == pytest.approx(found.usd.likely / 2)
    assert found.share_for(found.usd.likely / 4) == pytest.approx(0.25)
    assert found.share_for(1e9) == 1


def test_the_range_holds_what_all_passages_take() -> None:
    """Of forty samples of a hundred out of a thousand, nearly all ranges hold the sum over all, assumptions left out."""
    corpus = passages(1000)
    total = sum(Scheme().prompt_tokens([passage]) for passage in corpus)
    holds = 0
    for seed in range(40):
        sample = random.Random(seed).sample(corpus, 100)
        values = np.array([Scheme().prompt_tokens([passage]) for passage in sample], dtype=float)
        found = ratio(values, np.ones(100), of=1000) * 1000
        holds += found.low <= total <= found.high
    assert holds >= 35


def test_no_price_is_no_money() -> None:
    """Not 0."""
    found = estimate(100, passages(10), Scheme(), None, Limits())
    assert found.usd is None
    assert found.usd_batch is None
    assert found.share_for(1.0) is None
    assert found.to_dict()["usd"] is None


def test_passages_that_share_a_call_make_fewer() -> None:
    """Eight a call: an eighth of the calls, fewer prompt tokens, the same answers."""
    sample = passages(800)
    alone = estimate(8000, sample, Scheme(), None, Limits())
    shared = estimate(8000, sample, Scheme(passages_per_call=8), None, Limits())
    assert shared.calls.likely == 1000
    assert shared.prompt_tokens.likely < alone.prompt_tokens.likely / 2
    assert shared.completion_tokens.likely == pytest.approx(alone.completion_tokens.likely, rel=0.05)


def test_two_calls_a_passage_are_two() -> None:
    """As HippoRAG does it."""
    two = estimate(100, passages(50), Scheme(calls=2, form="plain"), None, Limits())
    assert two.calls.likely == 200
    one = estimate(100, passages(50), Scheme(form="plain"), None, Limits())
    assert two.prompt_tokens.likely > 1.3 * one.prompt_tokens.likely
    assert two.completion_tokens == one.completion_tokens


def test_time_is_what_is_slowest() -> None:
    """Calls at once; or the account's requests; or its tokens."""
    sample = passages(100)
    free = estimated(6000, sample)
    assert estimated(6000, sample, Limits(concurrency=25)).seconds.likely == pytest.approx(2 * free.seconds.likely)
    assert estimated(6000, sample, Limits(requests_per_minute=60)).seconds.likely == pytest.approx(6000)
    tokens = free.prompt_tokens.likely + free.completion_tokens.likely
    limited = estimated(6000, sample, Limits(tokens_per_minute=tokens / 100))
    assert limited.seconds.likely == pytest.approx(6000)


@pytest.mark.parametrize(
    ("share", "read", "wanted", "waiting", "count"),
    [
        (1.0, 0, 0, 0, 100),
        (1.0, 30, 10, 10, 70),  # what is wanted is asked about, what is read is not
        (1.0, 0, 0, 7, 107),  # and what a run before has left of another corpus
        (0.2, 0, 0, 0, 20),
        (0.2, 15, 0, 0, 5),  # the share counts what is read
        (0.2, 15, 10, 10, 10),
        (0.001, 0, 0, 0, 1),
        (1.0, 100, 0, 0, 0),
    ],
)
def test_what_is_asked_about_is_what_a_run_would_ask(
    share: float, read: int, wanted: int, waiting: int, count: int
) -> None:
    """See `indexing.pipeline`: a share of what is handed in, less what is begun."""
    assert to_read(Counted(passages=100, read=read, wanted=wanted), share, waiting=waiting) == count


def test_nothing_to_read_is_nothing() -> None:
    """No sample, no calls, no money, no time."""
    found = estimated(0, [])
    assert found.calls == found.prompt_tokens == found.usd == found.seconds == Range(0, 0, 0)


async def tried(server: LoopbackServer, sample: list[PassageText], calls: int, key: str = "sk") -> Trial:
    """A trial over HTTP."""
    async with AsyncOpenAIChat("loopback", server.base_url, key) as llm:
        return await try_out(sample, Scheme(), llm, Pace(concurrency=8), calls)


def test_a_trial_measures_what_was_assumed() -> None:
    """It makes the calls that were asked for, over the whole sample; then tokens are the server's own count."""
    sample = passages(300)
    with LoopbackServer(lambda _: ANSWER) as server:
        trial = asyncio.run(tried(server, sample, 20))
        asked = [request.body["messages"][-1]["content"] for request in server.requests]
    assert (trial.passages, trial.failed, trial.usage.calls) == (20, 0, 20)
    assert len(asked) == len(set(asked)) == 20
    found = estimated(30_000, sample, trial=trial)
    assert found.completion_tokens.likely == pytest.approx(1500 * trial.usage.completion_tokens, rel=0.2)
    assert found.prompt_tokens.likely == pytest.approx(1500 * trial.usage.prompt_tokens, rel=0.05)
    # what was ten times too much before is known within a third now
    assert found.completion_tokens.high < 1.35 * found.completion_tokens.likely
    assert estimated(30_000, sample).completion_tokens.likely > 3 * found.completion_tokens.likely


def test_a_trial_counts_answers_that_are_of_no_use() -> None:
    """Three tries for a passage are three calls, which a run would pay for too; the reason is told."""
    sample = passages(5)
    with LoopbackServer(lambda _: "I would rather not.") as server:
        trial = asyncio.run(tried(server, sample, 5))
    assert (trial.passages, trial.failed, trial.usage.calls) == (5, 5, 15)
    assert "I would rather not" in trial.error
    assert estimated(100, sample, trial=trial).calls.likely == 300


def test_a_trial_with_a_wrong_key_ends_at_once() -> None:
    """Nothing is learned, nothing is spent."""
    with LoopbackServer(faults=lambda _: Fault.refused_key()) as server, pytest.raises(ModelAuthError):
        asyncio.run(tried(server, passages(50), 20))


def test_an_endpoint_that_counts_no_tokens_has_taught_nothing_about_them() -> None:
    """Time is measured, tokens stay as assumed, and not 0."""
    one = Range(1, 1, 1)
    trial = Trial(3, 0, "", Usage(0, 0, 3), one, Range(0, 0, 0), Range(0, 0, 0), Range(2, 2, 2))
    sample = passages(50)
    found, assumed = estimated(100, sample, trial=trial), estimated(100, sample)
    assert found.completion_tokens == assumed.completion_tokens
    assert found.prompt_tokens == assumed.prompt_tokens
    assert found.seconds.likely == pytest.approx(2 * 100 / 50)
