"""Progress bars: silent when quick, plain in a log, clean on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from hippomem.cli.progress import Bars


class Clock:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_quick_work_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What takes less than a second is not worth a bar."""
    clock = Clock()
    with Bars(clock=clock) as bars:
        clock.now = 0.9
        bars("embedding facts", 10, 10)
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is one plain line each ten seconds, on stderr."""
    clock = Clock()
    with Bars(clock=clock) as bars:
        for second in range(25):
            clock.now = float(second)
            bars("embedding facts", second * 100, 2500)
        clock.now = 40.0
        bars("storing documents", 4000, 0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "embedding facts: 1,000 of 2,500",
        "embedding facts: 2,000 of 2,500",
        "storing documents: 4,000",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a bar is drawn on stderr once a second has passed."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            """Yes."""
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    clock = Clock()
    with Bars(clock=clock) as bars:
        clock.now = 2.0
        bars("embedding facts", 5, 10)
        bars("embedding facts", 10, 10)
    assert "embedding facts" in terminal.getvalue()
    assert "10/10" in terminal.getvalue()
