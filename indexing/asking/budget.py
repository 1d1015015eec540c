"""What a run may spend, and what it has spent."""

from __future__ import annotations

from hippomem.models.llm import Usage
from hippomem.models.prices import Price


class BudgetError(Exception):
    """The next call might cost more than is left."""


class Budget:
    """Lets a call through only if its worst case still fits: what is spent never exceeds the limit.

    usd, tokens: limits of one run, None for none; usd needs a *price*.    price: None where it is not known.
    What a call may cost at most is reserved while it is under way, so near the limit fewer go at once.
    """

    def __init__(self, price: Price | None, *, usd: float | None = None, tokens: int | None = None) -> None:
        self.price = price
        self.limit_usd = usd
        self.limit_tokens = tokens
        self.spent = Usage()
        self._reserved = Usage()

    @property
    def usd(self) -> float | None:
        """What was spent in money; None where no price is known."""
        return self.usd_of(self.spent)

    def usd_of(self, usage: Usage) -> float | None:
        """What that use costs; None where no price is known."""
        return None if self.price is None else self.price.usd(usage)

    def allows(self, expected: Usage) -> bool:
        """Whether so much more may be spent."""
        return not self._lacks(expected)

    def spend(self, usage: Usage) -> None:
        """Count what was spent without having been set aside."""
        self.spent += usage

    def reserve(self, prompt_tokens: int, max_tokens: int) -> Usage:
        """Set aside what a call may cost at most. Raises BudgetError when it does not fit."""
        # An estimate of the prompt is off by a few percent; the answer is bounded by what the request allows.
        worst = Usage(prompt_tokens + prompt_tokens // 5 + 16, max_tokens)
        if lacking := self._lacks(worst):
            raise BudgetError(lacking)
        self._reserved += worst
        return worst

    def _lacks(self, more: Usage) -> str:
        """Why so much more may not be spent; empty if it may."""
        after = self.spent + self._reserved + more
        if self.limit_tokens is not None and _tokens(after) > self.limit_tokens:
            return (
                f"the budget of {self.limit_tokens:,} tokens is reached: {_tokens(self.spent):,} are spent, and the next"
                f" call may take {_tokens(more):,}"
            )
        if self.limit_usd is not None and self.price is not None and self.price.usd(after) > self.limit_usd:
            return (
                f"the budget of ${self.limit_usd:,.2f} is reached: ${self.price.usd(self.spent):,.4f} are spent, and the"
                f" next call may cost ${self.price.usd(more):,.4f}"
            )
        return ""

    @property
    def is_reserved(self) -> bool:
        """Whether something is set aside for calls under way."""
        return self._reserved != Usage()

    def settle(self, reserved: Usage, usage: Usage) -> None:
        """Put what a call has cost in the place of what was set aside for it."""
        self._reserved -= reserved
        self.spent += usage


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens
