"""Dates as people and data sets write them, to ISO 8601."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import regex
from dateutil import parser

from hippomem.errors import InputError

_MONTHS = [names[-1] for names in parser.parserinfo.MONTHS]
_FIRST, _SECOND = datetime(1801, 1, 1), datetime(1904, 2, 2)


def parse_date(text: str) -> str | None:
    """ISO 8601 of a written date, or None when *text* does not say at least year, month and day.

    A time of day is kept, to the second, when it is given; a time zone too. Nothing is taken from today's date.

    >>> parse_date("1:56 pm on 8 May, 2023"), parse_date("20260408_08:38"), parse_date("8 May")
    ('2023-05-08T13:56:00', '2026-04-08T08:38:00', None)
    """
    text = text.strip().replace("_", " ")
    try:
        # What the text leaves open shows as a difference between two defaults.
        first: datetime = parser.parse(text, default=_FIRST)
        second: datetime = parser.parse(text, default=_SECOND)
    except (ValueError, OverflowError):
        return None
    if first != second:
        return None
    if ":" not in text and "T" not in text and (first.hour, first.minute, first.second) == (0, 0, 0):
        return first.date().isoformat()
    return first.replace(microsecond=0).isoformat()


def require_date(text: str) -> str:
    """As `parse_date`, but raises InputError for what is no full date."""
    iso = parse_date(text)
    if iso is None:
        raise InputError(f"'{text}' is no date with year, month and day; write it as 2026-11-21 or 2026-11-21T18:30.")
    return iso


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(iso: str) -> float:
    """Seconds since 1970, UTC, of an ISO 8601 time; a day counts from its start, a time without zone as UTC."""
    when = datetime.fromisoformat(iso)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH).total_seconds()


def last_moment(iso: str) -> float:
    """As `moment`, but of a day its end: what a period that ends on that day still holds."""
    return moment(iso) + (86_400 - 1e-6 if _is_day(iso) else 0.0)


def _is_day(iso: str) -> bool:
    try:
        date.fromisoformat(iso)
    except ValueError:
        return False
    return True


def iso_of(seconds: float) -> str:
    """ISO 8601, UTC, of seconds since 1970, to the microsecond."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


#: A text that opens with its time: "[2026-11-21 18:30] …", "Time: 20260408_08:38", "2026-11-21: …".
_STAMP = regex.compile(
    r"""\s*(?:
        \[(?P<bracketed>[^\]\n]{8,40})\]
      | (?:date|time|when|timestamp|on)\s*:\s*(?P<named>[^\n]{8,40}?)\s*(?:\n|$)
      | (?P<plain>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?)\s*(?:[:\u2013\u2014|]\s|-\s|\n)
    )""",
    regex.VERBOSE | regex.IGNORECASE,
)


def stamped(text: str) -> str | None:
    """ISO 8601 of the time that a text opens with, where it says so clearly; None else. Dates in running text tell nothing.

    >>> stamped("[2026-11-21 18:30] A late ferry."), stamped("Time: 20260408_08:38\\nAlice: Hi"), stamped("In 1987 it was.")
    ('2026-11-21T18:30:00', '2026-04-08T08:38:00', None)
    """
    found = _STAMP.match(text)
    if found is None:
        return None
    return parse_date(next(part for part in found.groups() if part is not None))


def date_words(iso: str) -> str:
    """How a question names the day of an ISO 8601 date: month, day, year.

    >>> date_words("2023-05-08T13:56:00")
    'May 8 2023'
    """
    day = datetime.fromisoformat(iso)
    return f"{_MONTHS[day.month - 1]} {day.day} {day.year}"
