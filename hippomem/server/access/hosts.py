"""The names a server is served under, and whether a request was meant for it.

A page of another site can point its own name at 127.0.0.1 and then read what a browser lets it read "of itself" (DNS
rebinding). Host and Origin still say that name, so a server that answers only to its own names is out of reach.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from hippomem.errors import ConfigError

LOCALHOST = "localhost"
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Place(NamedTuple):
    """A host as a header names it.

    name: in lower case, an address in its shortest form.    port: None when it is left out.
    """

    name: str
    port: int | None


def parse_host(text: str) -> Place | None:
    """A Host header, or None for what is none. Credentials, paths and spaces are not taken.

    >>> parse_host("LocalHost:8765"), parse_host("[0:0::1]"), parse_host("user@localhost")
    (Place(name='localhost', port=8765), Place(name='::1', port=None), None)
    """
    match = _HOST.fullmatch(text.lower())
    if match is None:
        return None
    if match["v6"] is not None:
        try:
            name = str(ipaddress.IPv6Address(match["v6"]))
        except ValueError:
            return None
    else:
        name = match["name"].removesuffix(".")
    return Place(name, None if match["port"] is None else int(match["port"])) if name else None


def is_loopback(name: str) -> bool:
    """Whether a host name is of this machine only: localhost, 127.0.0.0/8, ::1. Nothing is looked up.

    >>> is_loopback("127.0.0.7"), is_loopback("127.0.0.1.example"), is_loopback("0.0.0.0")
    (True, False, False)
    """
    if name == LOCALHOST:
        return True
    address = _address(name)
    return address is not None and address.is_loopback


class Hosts:
    """What a server answers to.

    host: the address it listens on.    allowed_hosts: further names, ``example.org`` (any port) or ``example.org:8443``.
    allowed_origins: origins besides its own whose pages may ask, ``https://app.example.org``.
    Raises ConfigError for what is no host or origin.
    """

    def __init__(self, host: str, allowed_hosts: Iterable[str] = (), allowed_origins: Iterable[str] = ()) -> None:
        bound = _bare(host)
        address = _address(bound)
        self._is_everywhere = not bound or (address is not None and address.is_unspecified)
        self._places = {Place(bound, None)} if not self._is_everywhere else set()
        for text in allowed_hosts:
            if (place := parse_host(text)) is None:
                raise ConfigError(f"'{text}' is no host to be served under; write example.org or example.org:8443.")
            self._places.add(place)
        self._origins = set()
        for text in allowed_origins:
            if (origin := _parse_origin(text)) is None:
                raise ConfigError(f"'{text}' is no origin; write https://example.org or http://localhost:3000.")
            self._origins.add(origin)

    @property
    def only_loopback(self) -> bool:
        """Whether all names are of this machine, so that nobody else is meant to be served."""
        return not self._is_everywhere and all(is_loopback(place.name) for place in self._places)

    def allow_host(self, header: str) -> bool:
        """Whether a request with this Host header was meant for this server.

        A server that listens on all addresses answers to any address too: an address cannot be pointed elsewhere.
        """
        place = parse_host(header)
        return place is not None and self._allows(place)

    def allow_origin(self, origin: str, host_header: str) -> bool:
        """Whether a page of *origin* may ask: this server's own, or one that was allowed.

        Own is what *host_header* names; any loopback name with its port; and the allowed hosts. ``null`` is never.
        """
        found = _parse_origin(origin)
        if found is None:
            return False
        if found in self._origins:
            return True
        scheme, name, port = found
        host = parse_host(host_header)
        if host is not None and port == (host.port or _DEFAULT_PORTS[scheme]):
            is_own = name == host.name or (is_loopback(name) and is_loopback(host.name))
        else:
            is_own = False
        # What else runs on this machine has a loopback name too: there the port must fit.
        return (
            is_own or Place(name, port) in self._places or (Place(name, None) in self._places and not is_loopback(name))
        )

    def _allows(self, place: Place) -> bool:
        if is_loopback(place.name) or (self._is_everywhere and _address(place.name) is not None):
            return True
        return place in self._places or Place(place.name, None) in self._places


def check_address(host: str, *, has_keys: bool, allowed_hosts: Iterable[str] = ()) -> None:
    """Raises ConfigError when others could reach the server and nobody would need a key."""
    if not has_keys and not Hosts(host, allowed_hosts).only_loopback:
        names = ", ".join([host or "all addresses", *allowed_hosts])
        raise ConfigError(
            f"a server at {names} can be reached from other machines, and the store has no API key; make one with "
            "`hippomem keys create`, or serve on 127.0.0.1 only."
        )


def _parse_origin(text: str) -> tuple[str, str, int] | None:
    scheme, separator, rest = text.partition("://")
    place = parse_host(rest)
    scheme = scheme.lower()
    if not separator or place is None or scheme not in _DEFAULT_PORTS:
        return None
    return scheme, place.name, place.port or _DEFAULT_PORTS[scheme]


def _bare(host: str) -> str:
    """A host to listen on: a name, or an address with or without brackets."""
    bare = host.strip().lower().removeprefix("[").removesuffix("]")
    address = _address(bare)
    return bare.removesuffix(".") if address is None else str(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
