"""What the harness needs beyond hippomem, and the one message that says how to get it."""

from __future__ import annotations

from importlib.util import find_spec

from hippomem.errors import ConfigError

METRICS = ("ir_measures", "pytrec_eval")
REPORT = ("matplotlib", "markdown_it")


def check_extra(*modules: str) -> None:
    """Raise ConfigError when one of *modules* is not installed. Nothing is imported, so a run can ask before its hours.

    >>> check_extra("json")
    """
    if missing := [name for name in modules if find_spec(name) is None]:
        raise ConfigError(
            f'python -m eval needs {", ".join(missing)}, not installed here; run: pip install -e ".[eval]"'
        )
