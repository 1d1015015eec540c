"""What tokens cost: as given, or by a table of list prices that a table of one's own overrides row by row."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hippomem.errors import ConfigError, ReadError
from hippomem.models.llm import Usage

#: List prices, shipped.
TABLE = Path(__file__).with_name("prices.toml")
#: Names a table of one's own, of the same form, where none is given.
VARIABLE = "HIPPOMEM_PRICES"


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million prompt tokens, and for a million completion tokens; each >= 0.

    batch_factor: what a vendor's Batch API asks of that, in [0, 1].
    """

    per_million_in: float
    per_million_out: float
    batch_factor: float = 0.5

    def of_batches(self) -> Price:
        """The price through the vendor's Batch API, as the price of everything."""
        return Price(self.per_million_in * self.batch_factor, self.per_million_out * self.batch_factor, 1.0)

    def usd(self, usage: Usage, *, batch: bool = False) -> float:
        """What that use cost. batch: through the vendor's Batch API."""
        cost = (self.per_million_in * usage.prompt_tokens + self.per_million_out * usage.completion_tokens) / 1e6
        return cost * self.batch_factor if batch else cost


def find_price(
    model: str, *, price_in: float | None = None, price_out: float | None = None, table: Path | None = None
) -> Price | None:
    """The price of *model*: as given, else in *table*, else in the shipped one, else None for not known (never taken as 0).

    price_in, price_out: USD for a million tokens.    table: TOML, ``"model" = [in, out]`` or ``[in, out, batch_factor]``;
    None for the file that the environment variable HIPPOMEM_PRICES names, if any.
    Raises ConfigError for half a price or a negative one, ReadError for a table.
    """
    if price_in is not None and price_out is not None:
        # `not >=` refuses "nan" too
        if not (price_in >= 0 and price_out >= 0):
            raise ConfigError(f"--price-in {price_in} and --price-out {price_out}: a price is 0 or more")
        return Price(price_in, price_out)
    if price_in is not None or price_out is not None:
        raise ConfigError("--price-in and --price-out go together; give both, in USD for a million tokens")
    if table is None and (named := os.environ.get(VARIABLE)):
        table = Path(named)
    for each in (TABLE,) if table is None else (table, TABLE):
        if (row := _read(each).get(model)) is not None:
            return _price(row, model, each)
    return None


def _read(table: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(table.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(error.strerror or str(error), path=table) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ReadError(f"not TOML: {error}", path=table) from error


def _price(row: object, model: str, table: Path) -> Price:
    match row:
        case [int() | float() as each_in, int() | float() as each_out] if each_in >= 0 and each_out >= 0:
            return Price(float(each_in), float(each_out))
        case [int() | float() as each_in, int() | float() as each_out, int() | float() as factor] if (
            each_in >= 0 and each_out >= 0 and 0 <= factor <= 1
        ):
            return Price(float(each_in), float(each_out), float(factor))
    raise ReadError(
        f"price of '{model}' is {row!r}; expected [in, out] in USD, each 0 or more, and if wanted the share of it that the "
        "Batch API costs, in [0, 1]",
        path=table,
    )
