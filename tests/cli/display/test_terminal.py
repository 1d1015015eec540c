"""On a real pseudo-terminal: what is drawn at each width, and that nothing of it stays."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping

import pytest

#: Five stages at a time, an LLM that is paused for a while, and one line printed at the end.
PROGRAM = """
import sys, threading, time
from hippomem.cli.display import Display
from hippomem.models.llm import Usage
from indexing.asking.status import AskingStatus

began = time.monotonic()

def status():
    seconds = time.monotonic() - began
    because = "429: too many requests" if 1.2 < seconds < 1.8 else ""
    done = int(200 * seconds)
    return AskingStatus(5000, done, 3, 8, 10, Usage(900 * done, 200 * done, done), done / 1000, because, 14)

def stage(what, total):
    for step in range(1, 12):
        display(what, step * 100, total)
        time.sleep(0.2)

with Display(status=status, budget_usd=5.0) as display:
    threads = [threading.Thread(target=stage, args=a) for a in (("storing documents", 0), ("extracting facts", 4400),
               ("embedding passages", 1100))]
    [t.start() for t in threads]
    [t.join() for t in threads]
print("the end", file=sys.stderr)
"""


def drawn(columns: int, **environment: str) -> str:
    """All that the program writes to a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    bare: Mapping[str, str] = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=theirs, stderr=theirs, stdin=theirs, env={**bare, **environment}
    )
    os.close(theirs)
    written = b""
    try:
        while block := os.read(ours, 65536):
            written += block
    except OSError:  # Linux says so when the other side has closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=30) == 0
    return written.decode()


def plain(text: str) -> str:
    """Without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_rows_and_costs_fit_the_terminal(columns: int) -> None:
    """All rows are there at every width, no line is longer than the terminal, and what is paused is said in colour."""
    written = drawn(columns, TERM="xterm-256color")
    text = plain(written)
    for what in ("storing documents", "extracting facts", "embedding passa", "asking the LLM", "PAUSED", "429:"):
        assert what in text
    assert "8 of 10 calls under way" in text
    assert "3 failed" in text
    assert re.search(r"\$0\.\d\d of\s+\$5\.00", text)
    assert max(len(line) for line in re.split(r"[\r\n]+", text)) <= columns
    assert ("━" in text) == (columns > 76)
    assert re.search(r"\x1b\[[\d;]*(43|48;5;3)m PAUSED", written)


def test_nothing_stays_of_what_was_drawn() -> None:
    """Behind the last repaint every row is erased, the cursor is visible, and what is printed then stands at the top."""
    written = drawn(100, TERM="xterm")
    last = written.rindex("asking the LLM")
    rows = 4 + 2  # four stages, two lines of the LLM
    assert written[last:].count("\x1b[2K") >= rows
    assert written.rindex("\x1b[?25h") > written.rfind("\x1b[?25l")
    assert plain(written).rstrip().endswith("the end")


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    """TERM=dumb is a log."""
    written = drawn(80, TERM="dumb")
    assert "\x1b" not in written
    assert written.splitlines() == ["the LLM is paused: 429: too many requests", "the LLM goes on after 1 s", "the end"]
