"""Prices: given, listed, or not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.prices import Price, find_price
from hippomem.errors import ConfigError, ReadError
from hippomem.models.llm import Usage


def test_usd_is_tokens_times_price() -> None:
    """2,000 in at 0.5 and 300 out at 2 USD a million: 0.001 + 0.0006."""
    assert Price(0.5, 2.0).usd(Usage(2000, 300, 4)) == pytest.approx(0.0016)


def test_what_is_given_goes_before_the_table() -> None:
    """The options win; a model that nobody has priced has none, which is not 0."""
    assert find_price("gpt-4o-mini", price_in=1.0, price_out=2.0) == Price(1.0, 2.0)
    assert find_price("gpt-4o-mini", price_in=None, price_out=None) == Price(0.15, 0.60)
    assert find_price("my-own", price_in=None, price_out=None) is None
    assert find_price("my-own", price_in=0.0, price_out=0.0) == Price(0.0, 0.0)


def test_a_table_of_one_s_own(tmp_path: Path) -> None:
    """Another file takes the table's place, whole."""
    table = tmp_path / "prices.toml"
    table.write_text('"my-own" = [1, 2.5]\n', encoding="utf-8")
    assert find_price("my-own", price_in=None, price_out=None, table=table) == Price(1.0, 2.5)
    assert find_price("gpt-4o-mini", price_in=None, price_out=None, table=table) is None


@pytest.mark.parametrize(("price_in", "price_out"), [(1.0, None), (None, 1.0), (-1.0, 1.0)])
def test_half_a_price_is_none(price_in: float | None, price_out: float | None) -> None:
    """One of two, or a negative one, is refused."""
    with pytest.raises(ConfigError, match="price"):
        find_price("m", price_in=price_in, price_out=price_out)


@pytest.mark.parametrize(
    "content", ['"m" = 1', '"m" = [1]', '"m" = [1, -2]', '"m" = ["1", "2"]', "m = [", b"\xff", None]
)
def test_a_table_that_cannot_be_read_names_its_file(tmp_path: Path, content: str | bytes | None) -> None:
    """Missing, not TOML, or a price of another shape."""
    table = tmp_path / "prices.toml"
    if content is not None:
        table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError, match=r"prices\.toml"):
        find_price("m", price_in=None, price_out=None, table=table)
