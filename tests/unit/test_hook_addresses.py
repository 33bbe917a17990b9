"""Which URLs a hook may have, and which addresses they may stand for."""

from __future__ import annotations

import pytest

from offhook.hooks.addresses import (
    AddressRefused,
    BadHook,
    Unreachable,
    Url,
    addresses,
    is_public,
    parse,
    private_hosts,
)

PRIVATE = private_hosts("Desk.lan, 10.0.0.7;\n [::1] ::1".replace(";", ""))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "168.63.129.16", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:53aa:64c::", "2001:db8::1", "100::1"),
    ],
)
def test_what_is_not_of_the_internet_is_not_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_what_is_of_the_internet_is_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", Url("https", "a.example", 443, "/")),
        ("https://A.example:8443/x?y=1#z", Url("https", "a.example", 8443, "/x?y=1")),
        ("http://desk.LAN:80/h", Url("http", "desk.lan", 80, "/h")),
        ("http://[::1]:9/", Url("http", "::1", 9, "/")),
    ],
)
def test_a_url_has_its_parts(text: str, expected: Url):
    assert parse(text, PRIVATE) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "https:///path",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://@a.example/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://a.example/a b",
        "https://a.example/\r\nX: y",
        "https://ä.example/",
        "https://[::1/",
        "a.example",
        "",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_what_is_no_url_of_a_receiver_is_refused(text: str):
    with pytest.raises(BadHook):
        parse(text, PRIVATE)


@pytest.mark.parametrize(
    "text", ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://localhost./"]
)
def test_another_spelling_of_this_machine_is_refused(text: str):
    """The system resolves these, and what it answers is checked."""
    with pytest.raises((AddressRefused, Unreachable)):
        addresses(parse(text, PRIVATE), PRIVATE)


def test_a_name_that_nobody_knows_is_unreachable():
    def unknown(*_: object) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Unreachable, match="cannot be resolved"):
        addresses(parse("https://a.example/", PRIVATE), PRIVATE, unknown)


def test_a_listed_host_may_be_of_ones_own_network():
    assert addresses(parse("http://10.0.0.7/", PRIVATE), PRIVATE, lambda *_: ["10.0.0.7"]) == ["10.0.0.7"]
