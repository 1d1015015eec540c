"""Whether the packages that the MCP server needs are there."""

from __future__ import annotations

from importlib.util import find_spec

from hippomem.errors import ConfigError


def require_mcp() -> None:
    """Raises ConfigError when a package is missing, with the command that brings it."""
    missing = [name for name in ("mcp", "uvicorn") if not _is_there(name)]
    if missing:
        raise ConfigError(
            f"the MCP server needs the package{'s' if missing[1:] else ''} {' and '.join(missing)}, which "
            f'{"are" if missing[1:] else "is"} not installed; run: pip install "hippomem[mcp]"'
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # some finder says no
        return False
