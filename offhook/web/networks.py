"""Addresses and networks as settings have them."""

from __future__ import annotations

import ipaddress

from shared.errors import SettingsError

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def networks(name: str, text: str) -> Networks:
    """Return the networks in the text of a setting. Raises SettingsError."""
    found = []
    for part in text.replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise SettingsError(
                f'{name} must be addresses or networks such as 10.0.0.0/24, not "{part}".'
            ) from None
    return tuple(found)


def is_in(address: str, found: Networks) -> bool:
    """Whether an address is in one of the networks; one of IPv4 may be written as IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in network for network in found)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
