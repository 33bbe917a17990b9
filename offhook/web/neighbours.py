"""Whose program is at the other end of a connection on this machine, where the system tells: on Linux.

Browsers keep cookies by host and not by port. So a program of another user that listens on another port of
this machine gets the cookie of a session as soon as the browser opens a page there.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from contextlib import suppress
from pathlib import Path

from starlette.types import Scope

#: Host and port.
Address = tuple[str, int | None]
#: The sockets of the system, by the version of IP. https://docs.kernel.org/networking/proc_net_tcp.html
TABLES = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}
#: Where the state of a request has the user.
USER = "user"
ROOT = 0
#: The user of a socket that its program has closed.
NOBODY = -1
#: A proxy has passed the request on: its user is known, and not the one who has sent it.
PROXY = -2


def user_at(client: Address | None, server: Address | None) -> int | None:
    """Return the number of the user at the client's end, NOBODY, or None if the system does not tell."""
    if client is None or server is None:
        return None
    for version, table in TABLES.items():
        with suppress(OSError, ValueError):
            here, there = _written(client, version), _written(server, version)
            entry = re.search(_entry(here, there), table.read_text("ascii"))
            if entry:
                return int(entry["user"]) if int(entry["inode"]) else NOBODY
    return None


def user_of(scope: Scope) -> int | None:
    """Return the number of the user who sends a request, None if the system does not tell."""
    found: int | None = scope.get("state", {}).get(USER)
    return found


def _entry(local: str, remote: str) -> str:
    """Return a pattern: ends, a state, queues, timers, retransmissions, the user, a timeout, the inode."""
    return rf" {local} {remote} \w+ \S+ \S+ \S+ +(?P<user>\d+) +\d+ (?P<inode>\d+)"


def _written(address: Address, version: int) -> str:
    """Write an address as a table has it; one of IPv4 may stand in that of IPv6. Raises ValueError."""
    host = ipaddress.ip_address(address[0])
    if version == 6 and host.version == 4:
        host = ipaddress.ip_address(f"::ffff:{host}")
    if host.version != version:
        raise ValueError(address)
    words = (host.packed[at : at + 4] for at in range(0, len(host.packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{address[1]:04X}"
