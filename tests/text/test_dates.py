"""Dates as people write them."""

from __future__ import annotations

import pytest

from hippomem.errors import InputError
from hippomem.text.dates import parse_date, require_date


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00"),
        ("8 May 2023", "2023-05-08"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T18:30", "2026-11-21T18:30:00"),
        ("2026-11-21T18:30:59.123+02:00", "2026-11-21T18:30:59+02:00"),
        ("2026-11-21T00:00", "2026-11-21T00:00:00"),
        ("20260408_08:38", "2026-04-08T08:38:00"),
        (" March 3, 1999 ", "1999-03-03"),
    ],
)
def test_full_dates(text: str, iso: str) -> None:
    """Year, month and day give an ISO date; a time of day and a zone are kept, to the second."""
    assert parse_date(text) == iso
    assert require_date(text) == iso


@pytest.mark.parametrize(
    "text", ["", "  ", "8 May", "May 2023", "2023", "Tuesday", "18:30", "yesterday", "99/99/9999", "x" * 500, "9" * 400]
)
def test_what_is_no_full_date(text: str) -> None:
    """Nothing is taken from today: a date without its year, month or day is none, and an error where one is needed."""
    assert parse_date(text) is None
    with pytest.raises(InputError, match="2026-11-21"):
        require_date(text)


def test_an_iso_date_stays_itself() -> None:
    """Parsing twice changes nothing: what is stored can be handed in again."""
    for text in ("8 May 2023", "1:56 pm on 8 May, 2023", "2026-11-21T18:30+02:00"):
        once = require_date(text)
        assert require_date(once) == once
