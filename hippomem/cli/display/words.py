"""Numbers, durations and money as people read them, and what is told of the LLM."""

from __future__ import annotations

from hippomem.cli.display.board import Asking, Stage
from hippomem.cli.output import first_line


def short(count: float) -> str:
    """At most six characters: ``9,999``, ``12.3 k``, ``4.56 M``.

    >>> short(950), short(9_999), short(12_345), short(999_990), short(4_560_000), short(123_456_789)
    ('950', '9,999', '12.3 k', '1.00 M', '4.56 M', '123 M')
    """
    if count < 10_000:
        return f"{count:,.0f}"
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        scaled = count / size
        if scaled < 999.5 or unit == "G":
            digits = 0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2
            return f"{scaled:,.{digits}f} {unit}"
    raise AssertionError("unreachable: the last unit always returns")


def per_second(rate: float) -> str:
    """A rate, by the minute where it is slow.

    >>> per_second(1234.5), per_second(12.3), per_second(3.21), per_second(0.05)
    ('1,234/s', '12/s', '3.2/s', '3.0/min')
    """
    value, unit = (rate, "s") if rate >= 0.1 else (60 * rate, "min")
    return f"{value:,.0f}/{unit}" if value >= 10 else f"{value:.1f}/{unit}"


def duration(seconds: float) -> str:
    """Two units at most.

    >>> duration(0.4), duration(59.7), duration(93), duration(3 * 3600 + 12 * 60), duration(200_000)
    ('0 s', '1 min', '1 min 33 s', '3 h 12 min', '2 d 7 h')
    """
    whole = round(seconds)
    for size, unit, smaller, below in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            many, rest = divmod(whole, size)
            return f"{many} {unit}" + (f" {rest // smaller} {below}" if rest // smaller else "")
    return f"{whole} s"


def money(usd: float) -> str:
    """USD, with enough digits to see that something was spent.

    >>> money(1234.5), money(0.37), money(0.00042), money(0)
    ('$1,234.50', '$0.37', '$0.0004', '$0.00')
    """
    return f"${usd:,.4f}" if 0 < usd < 0.01 else f"${usd:,.2f}"


def line(text: str, width: int = 300) -> str:
    """Text from elsewhere (a server's answer) on one line, without what a terminal would obey."""
    return first_line("".join(letter if letter.isprintable() else " " for letter in text), width)


def how_far(stage: Stage) -> str:
    """``1,200 of 5,000``, or ``1,200``."""
    return f"{stage.done:,}" + (f" of {stage.total:,}" if stage.total else "")


def progress(stage: Stage) -> str:
    """``1,200 of 5,000, 12/s, 5 min left``; what is not known is left out."""
    said = [how_far(stage)]
    if stage.rate:
        said.append(per_second(stage.rate))
    if stage.is_done:
        said.append(f"done in {duration(stage.took)}")
    elif stage.left is not None:
        said.append(f"{duration(stage.left)} left")
    return ", ".join(said)


def calls(asking: Asking) -> list[str]:
    """``48 of 50 calls under way``, ``1,212 answered``, ``3 failed``, ``14 retries``."""
    status = asking.status
    said = [f"{status.in_flight:,} of {status.limit:,} calls under way", f"{status.answered:,} answered"]
    if status.failed:
        said.append(f"{status.failed:,} failed")
    if status.retries:
        said.append(f"{status.retries:,} {'retry' if status.retries == 1 else 'retries'}")
    return said


def spent(asking: Asking) -> list[str]:
    """``1.21 M tokens in, 310 k out``, ``$0.37 of $5.00``, ``heading for $1.90``."""
    usage = asking.status.usage
    said = [f"{short(usage.prompt_tokens)} tokens in, {short(usage.completion_tokens)} out"]
    if asking.budget_tokens is not None:
        said[0] += f", of {short(asking.budget_tokens)}"
    if asking.status.usd is not None:
        limit = "" if asking.budget_usd is None else f" of {money(asking.budget_usd)}"
        said.append(f"{money(asking.status.usd)}{limit}")
        if asking.usd_in_all is not None and not asking.stage.is_done:
            said.append(f"heading for {money(asking.usd_in_all)}")
    return said


def share_spent(asking: Asking) -> float:
    """The larger share of a budget that is spent, in [0, 1]; 0 without a budget."""
    usage = asking.status.usage
    shares = [0.0]
    if asking.budget_usd and asking.status.usd is not None:
        shares.append(asking.status.usd / asking.budget_usd)
    if asking.budget_tokens:
        shares.append((usage.prompt_tokens + usage.completion_tokens) / asking.budget_tokens)
    return min(1.0, max(shares))
