"""The address of a server: HTTPS, or HTTP to this machine alone, so that no token is sent in the clear."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from outbox_worker.errors import ServerAddress

LONGEST = 500


def checked(url: str) -> str:
    """Return an address without a slash at its end. Raises ServerAddress."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ServerAddress(f"{url} is not an address: {error}.") from None
    if len(url) > LONGEST or parts.scheme not in ("https", "http") or not host or not url.isprintable():
        raise ServerAddress(f"{url[:LONGEST]} is not the address of a server, such as https://team.example.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ServerAddress("Give the address alone, without a name, a password or a query.")
    if parts.scheme == "http" and not is_loopback(url):
        raise ServerAddress(f"http://{host} would send recordings in the clear. Use https://.")
    return url


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
