"""Rates: of steady work, of work in bursts, of work that stands still."""

from __future__ import annotations

import pytest

from hippomem.cli.display.rate import Meter


def metered(*points: tuple[float, int]) -> Meter:
    """A meter that was told these (second, count)."""
    meter = Meter()
    for now, done in points:
        meter.add(now, done)
    return meter


def test_a_first_count_has_no_rate() -> None:
    """What was done before anybody looked says nothing of how fast."""
    assert metered((0, 5000)).rate(1) is None
    assert metered((0, 0), (0.1, 900)).rate(0.1) is None


def test_a_steady_count_has_its_rate() -> None:
    """Ten a tenth of a second are a hundred a second, whoever asks when."""
    meter = metered(*((step / 10, 10 * step) for step in range(100)))
    assert meter.rate(9.9) == pytest.approx(100, rel=0.02)
    assert meter.rate(10.0) == pytest.approx(100, rel=0.02)


def test_bursts_hold_their_rate_until_the_next_is_overdue() -> None:
    """20,000 a minute is 333 a second between two commits; late, it sinks; three times late, there is none."""
    meter = metered((0, 0), (60, 20_000), (120, 40_000))
    assert meter.rate(121) == meter.rate(179) == pytest.approx(20_000 / 60)
    late = meter.rate(240)
    assert late is not None
    assert late == pytest.approx(40_000 / 180)
    assert meter.rate(301) is None


def test_a_rate_is_of_the_last_half_minute() -> None:
    """A slow beginning is forgotten."""
    meter = metered(*((second, second) for second in range(100)), *((100 + s, 100 + 50 * s) for s in range(60)))
    assert meter.rate(160) == pytest.approx(50)


def test_a_count_that_goes_back_begins_again() -> None:
    """The next block of the same stage starts at 0."""
    meter = metered((0, 0), (10, 1000), (11, 0), (12, 50), (13, 100))
    assert meter.rate(13) == pytest.approx(50)
    assert (meter.began, meter.moved) == (11, 13)


def test_memory_is_bounded_whatever_calls() -> None:
    """A million calls in half a minute leave a point a quarter of a second."""
    meter = metered(*((call / 3000, call) for call in range(90_000)))
    assert len(meter._points) < 200
    assert meter.rate(30) == pytest.approx(3000, rel=0.02)
