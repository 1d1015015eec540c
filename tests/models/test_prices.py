"""Prices: given, listed, or not known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hippomem.errors import ConfigError, ReadError
from hippomem.models.llm import Usage
from hippomem.models.prices import VARIABLE, Price, find_price


@pytest.fixture(autouse=True)
def no_table_of_one_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own table is none of these tests' business."""
    monkeypatch.delenv(VARIABLE, raising=False)


def test_usd_is_tokens_times_price() -> None:
    """2,000 in at 0.5 and 300 out at 2 USD a million: 0.001 + 0.0006; the Batch API asks for half, or for its own share."""
    usage = Usage(2000, 300, 4)
    assert Price(0.5, 2.0).usd(usage) == pytest.approx(0.0016)
    assert Price(0.5, 2.0).usd(usage, batch=True) == pytest.approx(0.0008)
    assert Price(0.5, 2.0, 0.25).usd(usage, batch=True) == pytest.approx(0.0004)


def test_what_is_given_goes_before_the_table() -> None:
    """The options win; a model that nobody has priced has none, which is not 0."""
    assert find_price("gpt-4o-mini", price_in=1.0, price_out=2.0) == Price(1.0, 2.0)
    assert find_price("gpt-4o-mini") == Price(0.15, 0.60)
    assert find_price("my-own") is None
    assert find_price("my-own", price_in=0.0, price_out=0.0) == Price(0.0, 0.0)


def test_a_table_of_one_s_own_goes_before_the_shipped_one_row_by_row(tmp_path: Path) -> None:
    """Its rows win, with or without a share for the Batch API; what it does not name keeps the list price."""
    table = tmp_path / "prices.toml"
    table.write_text('"my-own" = [1, 2.5]\n"gpt-4.1" = [1.5, 6, 0.4]\n', encoding="utf-8")
    assert find_price("my-own", table=table) == Price(1.0, 2.5, 0.5)
    assert find_price("gpt-4.1", table=table) == Price(1.5, 6.0, 0.4)
    assert find_price("gpt-4o-mini", table=table) == Price(0.15, 0.60)
    assert find_price("nobody-s", table=table) is None


def test_the_environment_names_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HIPPOMEM_PRICES stands in where no table is given, and an empty one is none."""
    table, other = tmp_path / "prices.toml", tmp_path / "other.toml"
    table.write_text('"my-own" = [1, 2.5]\n', encoding="utf-8")
    other.write_text('"my-own" = [3, 4]\n', encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(table))
    assert find_price("my-own") == Price(1.0, 2.5)
    assert find_price("my-own", table=other) == Price(3.0, 4.0)
    monkeypatch.setenv(VARIABLE, "")
    assert find_price("my-own") is None


@pytest.mark.parametrize(("price_in", "price_out"), [(1.0, None), (None, 1.0), (-1.0, 1.0), (1.0, math.nan)])
def test_half_a_price_is_none(price_in: float | None, price_out: float | None) -> None:
    """One of two, a negative one or none that is a number is refused."""
    with pytest.raises(ConfigError, match="price"):
        find_price("m", price_in=price_in, price_out=price_out)


@pytest.mark.parametrize(
    "content",
    [
        '"m" = 1',
        '"m" = [1]',
        '"m" = [1, -2]',
        '"m" = [1, nan]',
        '"m" = ["1", "2"]',
        '"m" = [1, 2, 1.5]',
        "m = [",
        b"\xff",
        None,
    ],
)
def test_a_table_that_cannot_be_read_names_its_file(tmp_path: Path, content: str | bytes | None) -> None:
    """Missing, not TOML, or a price of another shape."""
    table = tmp_path / "own.toml"
    if content is not None:
        table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError, match=r"own\.toml"):
        find_price("m", table=table)
