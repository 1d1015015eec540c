"""Which Host and Origin mean this server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.errors import ConfigError
from hippomem.server.access import Hosts, is_loopback
from hippomem.server.access.hosts import parse_host

LOOPBACK = [
    *("localhost", "localhost:8765", "LocalHost:1", "localhost.", "127.0.0.1", "127.0.0.1:8765"),
    *("127.255.255.254:80", "[::1]", "[::1]:8765", "[0:0:0:0:0:0:0:1]:80", "[::ffff:127.0.0.1]"),
]
FOREIGN = [
    *(
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "evil.example:8765",
        "128.0.0.1",
        "0.0.0.0:8765",
    ),
    *(
        "[::]",
        "[::2]",
        "::1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "localhost:port",
        "localhost:",
        ":8765",
    ),
    *(
        "localhost:8765:8765",
        "user@localhost",
        "localhost/",
        "local host",
        " localhost",
        "localhost\x00",
        "[::1",
        "[::1%lo]",
    ),
    *("localhost,evil.example", "localhost:999999", "١٢٧.0.0.1", "localhost\n", "[127.0.0.1]", "10.0.0.1", "."),
]


@pytest.mark.parametrize("header", LOOPBACK)
def test_loopback_names_are_always_meant(header: str) -> None:
    """With any port: it may be forwarded."""
    assert Hosts("127.0.0.1").allow_host(header)
    assert Hosts("example.org").allow_host(header)


@pytest.mark.parametrize("header", FOREIGN)
def test_other_names_are_not(header: str) -> None:
    """Also such as look or resolve like loopback."""
    assert not Hosts("127.0.0.1").allow_host(header)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """A Host header is anything; what is parsed is a name without what ends one."""
    place = parse_host(text)
    if place is not None:
        assert place.name
        assert not set(place.name) & set("/@[]%,\n\x00 ")
        Hosts("127.0.0.1").allow_origin(f"http://{text}", text)


def test_the_bound_and_the_configured_hosts_are_meant() -> None:
    """A port that was configured must be there; without one, any."""
    hosts = Hosts("192.168.1.5", ["Example.org", "b.example:8443"])
    for header in ("192.168.1.5:8765", "192.168.1.5", "example.org", "EXAMPLE.org.:99", "b.example:8443"):
        assert hosts.allow_host(header), header
    for header in ("b.example", "b.example:443", "192.168.1.6", "sub.example.org", "example.org.evil.example"):
        assert not hosts.allow_host(header), header
    assert not hosts.only_loopback
    assert Hosts("fe80::2").allow_host("[FE80:0::2]:1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])  # noqa: S104 - nothing listens
def test_on_all_addresses_any_address_is_meant_but_no_name(host: str) -> None:
    """An address in Host cannot have been rebound; a name can."""
    hosts = Hosts(host, ["example.org"])
    assert hosts.allow_host("10.1.2.3:8765")
    assert hosts.allow_host("[fd00::1]:8765")
    assert hosts.allow_host("example.org")
    assert not hosts.allow_host("evil.example")
    assert hosts.allow_origin("http://10.1.2.3:8765", "10.1.2.3:8765")
    assert not hosts.allow_origin("http://10.1.2.4:8765", "10.1.2.3:8765")
    assert not hosts.only_loopback


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8765", "localhost:8765"),
        ("http://127.0.0.1:8765", "localhost:8765"),
        ("http://[::1]:8765", "127.0.0.1:8765"),
        ("http://localhost", "localhost"),
        ("http://localhost:80", "localhost"),
        ("https://example.org", "example.org:443"),
        ("https://example.org", "localhost:8765"),
        ("https://b.example:8443", "b.example:8443"),
        ("https://app.example", "localhost:8765"),
        ("HTTP://LOCALHOST:8765", "localhost:8765"),
    ],
)
def test_own_and_configured_origins_may_ask(origin: str, host: str) -> None:
    """A page of this server, under any of its names, and those that were allowed."""
    assert Hosts("127.0.0.1", ["example.org", "b.example:8443"], ["https://app.example"]).allow_origin(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "", "http://evil.example", "http://evil.example:8765", "http://localhost.evil.example:8765"),
        *(
            "http://localhost:3000",
            "http://127.0.0.1",
            "file://",
            "http://",
            "localhost:8765",
            "chrome-extension://abc",
        ),
        *("http://localhost:8765/", "http://localhost:8765 http://evil.example", "http://user@localhost:8765"),
        *("https://b.example", "http://app.example", "https://app.example:444", "http://10.0.0.1:8765"),
    ],
)
def test_other_origins_may_not(origin: str) -> None:
    """Nor what runs on another port of this machine, nor pages without an origin."""
    hosts = Hosts("127.0.0.1", ["example.org", "b.example:8443"], ["https://app.example"])
    assert not hosts.allow_origin(origin, "localhost:8765")


@pytest.mark.parametrize("text", ["https://example.org", "example.org/", "*", "", "a b", "example.org:x"])
def test_a_configured_host_must_be_one(text: str) -> None:
    """The mistake is named when the server starts."""
    with pytest.raises(ConfigError, match="is no host"):
        Hosts("127.0.0.1", [text])


@pytest.mark.parametrize("text", ["example.org", "*", "null", "https://example.org/app", "ftp://example.org"])
def test_a_configured_origin_must_be_one(text: str) -> None:
    """The mistake is named when the server starts."""
    with pytest.raises(ConfigError, match="is no origin"):
        Hosts("127.0.0.1", (), [text])


def test_loopback_is_told_from_the_name_alone() -> None:
    """Nothing is looked up."""
    assert [
        name for name in ("localhost", "127.3.2.1", "::1", "localhost.localdomain", "127.1") if is_loopback(name)
    ] == [
        "localhost",
        "127.3.2.1",
        "::1",
    ]
