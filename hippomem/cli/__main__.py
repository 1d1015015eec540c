"""``python -m hippomem.cli``: the same as the `hippomem` command."""

from __future__ import annotations

import sys

from hippomem.cli import main

sys.exit(main())
