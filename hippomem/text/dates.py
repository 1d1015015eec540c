"""Dates as people and data sets write them, to ISO 8601."""

from __future__ import annotations

from datetime import datetime

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


def date_words(iso: str) -> str:
    """How a question names the day of an ISO 8601 date: month, day, year.

    >>> date_words("2023-05-08T13:56:00")
    'May 8 2023'
    """
    day = datetime.fromisoformat(iso)
    return f"{_MONTHS[day.month - 1]} {day.day} {day.year}"
