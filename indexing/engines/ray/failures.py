"""An error on its way from a worker to the driver.

Ray wraps what a worker raises in a class of its own, and loses errors that it cannot pickle, as those of the ``openai``
client. So a worker hands an error back as a value, without the cause, and the driver raises it again: of the same class,
with the same message, and saying as before whether another try may succeed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from hippomem.errors import HippomemError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """A ``HippomemError`` as a value. state: its attributes, as ``transient`` and ``retry_after``."""

    kind: type[HippomemError]
    args: tuple[Any, ...]
    state: dict[str, Any]

    @classmethod
    def of(cls, error: HippomemError) -> Failure:
        """*error*, without its cause."""
        return cls(type(error), error.args, dict(error.__dict__))

    def error(self) -> HippomemError:
        """The error, to be raised. Its ``__init__`` is not run again: it may ask for more than the message."""
        error = self.kind.__new__(self.kind, *self.args)
        error.args = self.args
        error.__dict__.update(self.state)
        return error


def unpacked(result: Result | Failure) -> Result:
    """*result*, unless it is a failure: that is raised."""
    if isinstance(result, Failure):
        raise result.error()
    return result
