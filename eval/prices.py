"""What tokens cost: from the command line, or from a table of list prices."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from hippomem.errors import ConfigError, ReadError
from hippomem.models.llm import Usage

TABLE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million prompt tokens, and for a million completion tokens; each >= 0."""

    per_million_in: float
    per_million_out: float

    def usd(self, usage: Usage) -> float:
        """What that use cost."""
        return (self.per_million_in * usage.prompt_tokens + self.per_million_out * usage.completion_tokens) / 1e6


def find_price(model: str, *, price_in: float | None, price_out: float | None, table: Path = TABLE) -> Price | None:
    """The price of *model*: as given, else as in *table*, else None for not known (never taken as 0).

    table: TOML, ``"model" = [in, out]``. Raises ConfigError for half a price or a negative one, ReadError for the table.
    """
    if price_in is not None and price_out is not None:
        if min(price_in, price_out) < 0:
            raise ConfigError(f"--price-in {price_in} and --price-out {price_out}: a price is 0 or more")
        return Price(price_in, price_out)
    if price_in is not None or price_out is not None:
        raise ConfigError("--price-in and --price-out go together; give both, in USD for a million tokens")
    try:
        prices = tomllib.loads(table.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(error.strerror or str(error), path=table) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ReadError(f"not TOML: {error}", path=table) from error
    match prices.get(model):
        case None:
            return None
        case [int() | float() as each_in, int() | float() as each_out] if min(each_in, each_out) >= 0:
            return Price(float(each_in), float(each_out))
        case other:
            raise ReadError(f"price of '{model}' is {other!r}; expected [in, out] in USD, each 0 or more", path=table)
