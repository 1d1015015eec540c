"""Whose memory a call is about: the namespaces that it may reach, and a user when only one is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from hippomem.errors import InputError

if TYPE_CHECKING:
    from hippomem.server.access import Caller

Right = Literal["read", "write", "admin"]
#: What a call is about that names no namespace, where any may be named. As in REST.
DEFAULT = "default"


class Reach(Protocol):
    """What one caller reaches. `namespaces`: those to choose from; None for any."""

    @property
    def namespaces(self) -> tuple[str, ...] | None:
        """Names to choose from, sorted; one means that there is nothing to choose. None: any name may be given."""
        ...

    @property
    def user(self) -> str | None:
        """The only user that is meant, or None for all."""
        ...

    def may(self, right: Right) -> bool:
        """Whether the caller has a right at all; tools that need one that is missing are not announced."""
        ...

    def namespace(self, given: str | None, right: Right) -> str:
        """The namespace of a call that gave *given*. Raises ForbiddenError, InputError (none given, several to choose)."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """One namespace, settled when the server was started."""

    name: str = DEFAULT
    user: str | None = None

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    def may(self, right: Right) -> bool:
        """Whoever started the server may do all but what concerns the store as a whole."""
        return right != "admin"

    def namespace(self, given: str | None, right: Right) -> str:
        """The one."""
        return self.name


@dataclass(frozen=True, slots=True)
class ByKey:
    """What the API key of a request reaches. only: the one namespace that the server is about, if there is but one."""

    caller: Caller
    only: str | None = None
    user: str | None = None

    @property
    def namespaces(self) -> tuple[str, ...] | None:
        """The server's, or else the key's."""
        if self.only is not None:
            return (self.only,)
        reached = self.caller.namespaces
        return None if reached is None else tuple(sorted(reached))

    def may(self, right: Right) -> bool:
        """As the key was made."""
        return self.caller.may(right, None)

    def namespace(self, given: str | None, right: Right) -> str:
        """*given*, or the only one there is, after the key was asked."""
        reached = self.namespaces
        if given is None and reached is not None and len(reached) != 1:
            raise InputError(
                f"'namespace' is missing; this key reaches {', '.join(reached) or 'none'}: name one of them."
            )
        name = given if given is not None else DEFAULT if reached is None else reached[0]
        self.caller.require(right, name)
        return name
