"""Where a webhook may go: the parts of its URL, and the addresses that its name may stand for.

Those who choose the URL, or answer for its name, could otherwise reach services of this machine, of its
network or of its cloud. A name is resolved once an attempt, every address is checked, and the connection is
made to one that was checked: another answer meanwhile (DNS rebinding) reaches nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import OffhookError

#: Returns the addresses of a host and port, as text. Raises OSError.
Resolve = Callable[[str, int], list[str]]

PORTS = {"https": 443, "http": 80}
LONGEST_URL = 2_000
#: What the registries give out of IPv6, and in it 6to4, which carries IPv4 addresses and is out of use.
_GIVEN_OUT, _6TO4 = ipaddress.ip_network("2000::/3"), ipaddress.ip_network("2002::/16")
#: NAT64 (RFC 6052): networks without IPv4 reach it so; the IPv4 address is in the last 32 bits.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Addresses at which clouds answer the machines in them, and that are none of the private ones: Oracle's
#: (RFC 6890; Python calls only parts of that network private) and Azure's.
_METADATA = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("168.63.129.16/32"))


class BadHook(OffhookError):
    """There can be no such hook."""

    code = "bad_hook"


class AddressRefused(OffhookError):
    """The address is one that hooks may not reach."""

    code = "address_refused"


class Unreachable(OffhookError):
    """The receiver cannot be reached."""

    code = "receiver_unreachable"


@dataclass(frozen=True)
class Url:
    """A URL of a receiver; `path` has its query too."""

    scheme: str
    host: str
    port: int
    path: str


def private_hosts(setting: str) -> frozenset[str]:
    """Return the hosts of the setting `hook_private_hosts`, which commas or spaces separate."""
    return frozenset(re.split(r"[\s,]+", setting.casefold())) - {""}


def parse(text: str, private: Collection[str]) -> Url:
    """Read the URL of a receiver; http is for `private` hosts alone. Raises BadHook."""
    if not text.isascii() or re.search(r"[\x00-\x20\x7f]", text) or len(text) > LONGEST_URL:
        raise BadHook(f"A URL has at most {LONGEST_URL:,} ASCII characters and no spaces: encode the others.")
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").casefold(), parts.port
    except ValueError as error:
        raise BadHook(f"{text} is not a URL: {error}.") from None
    if parts.scheme not in PORTS or not host or port == 0:
        raise BadHook(f"{text} is not a URL that begins with https:// and has a host.")
    if "@" in parts.netloc:
        raise BadHook("A URL may not have a user or a password; messages are signed instead.")
    if parts.scheme == "http" and host not in private:
        raise BadHook(f"{host} needs https://; http:// is for hosts in the setting hook_private_hosts.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(parts.scheme, host, port or PORTS[parts.scheme], path)


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, by the system. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def addresses(url: Url, private: Collection[str], resolve: Resolve = resolved) -> list[str]:
    """Return the addresses that a message to a URL may go to. Raises Unreachable, AddressRefused."""
    try:
        found = resolve(url.host, url.port)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {url.host} cannot be resolved: {error}.") from error
    if url.host not in private:
        if refused := [each for each in found if not is_public(each)]:
            raise AddressRefused(
                f"{url.host} is {refused[0]}, which is not a public address. "
                "If that is meant, add the host to the setting hook_private_hosts."
            )
    elif url.scheme == "http" and (public := [each for each in found if is_public(each)]):
        raise AddressRefused(f"{url.host} is {public[0]}, a public address, which needs https://.")
    if not found:
        raise Unreachable(f"The name {url.host} has no address.")
    return found


def is_public(address: str) -> bool:
    """Whether an address is one of the internet, not of this machine, its network or its cloud."""
    parsed = ipaddress.ip_address(address)
    if parsed in _NAT64:
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    if parsed.version == 6 and (parsed not in _GIVEN_OUT or parsed in _6TO4):
        return False
    if any(parsed in network for network in _METADATA):
        return False
    return parsed.is_global and not parsed.is_multicast
