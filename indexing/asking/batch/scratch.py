"""A file for what goes to a vendor or comes from it: up to 200 MB, which need not be in memory."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from hippomem.errors import StoreFullError


@contextmanager
def scratch_file() -> Iterator[IO[bytes]]:
    """An empty file that is gone afterwards. Raises StoreFullError when what is written to it finds no room."""
    try:
        with tempfile.TemporaryFile(prefix="hippomem-") as file:
            yield file
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StoreFullError(
            f"no room for the file of a batch in '{tempfile.gettempdir()}' (up to 200 MB); make room or set TMPDIR, and run "
            "this again: nothing is lost, and nothing is asked twice"
        ) from error
