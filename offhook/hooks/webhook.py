"""Posts one message to addresses that were checked, within one deadline for everything.

Neither `requests` nor `httpx` connects to an address that its caller has resolved, and their timeouts are
those of single reads, so that a receiver that sends a byte now and then holds them for ever. So this is
`http.client` over a socket of its own. It follows no redirect and knows no proxy.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import IO, Any

from offhook.hooks.addresses import PORTS, Unreachable, Url
from offhook.hooks.outcome import Outcome
from shared.errors import in_words

TIMEOUT_SECONDS = 15.0
#: More of an answer's body is not read; none of it is kept.
MOST_BODY_BYTES = 64 << 10
GONE, BUSY = 410, (429, 503)


class Deadline:
    """A moment by which all is to be done."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if there are none."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def post(
    url: Url,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    deadline: Deadline,
    tls: ssl.SSLContext | None,
) -> Outcome:
    """Post a message to one of `addresses`, the first that can be connected to. Raises Unreachable."""
    try:
        with _connected(url, addresses, deadline, tls) as wire:
            connection = _Connection(url, _Wire(wire, deadline))
            connection.request("POST", url.path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            with suppress(OSError, http.client.HTTPException):  # the status has said it all
                answer.read(MOST_BODY_BYTES)
    except TimeoutError:
        raise Unreachable(f"{url.host} did not answer within {TIMEOUT_SECONDS:g} s.") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"The certificate of {url.host} is not valid: {error.verify_message}.") from error
    except OSError as error:
        raise Unreachable(f"{url.host} cannot be reached: {in_words(error)}.") from error
    except http.client.HTTPException as error:
        raise Unreachable(f"{url.host} did not answer in HTTP ({type(error).__name__}).") from error
    return _outcome(answer.status, answer.getheader("Retry-After"))


def _outcome(status: int, retry_after: str | None) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, f"It answered {status}, a redirect, and those are not followed.")
    wait = _seconds(retry_after) if status in BUSY else None
    return Outcome(status, f"It answered {status}.", wait, is_gone=status == GONE)


def _seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds, or a date."""
    with suppress(ValueError, TypeError, OverflowError):
        if retry_after and retry_after.strip().isdecimal():
            return float(retry_after)
        if retry_after:
            return parsedate_to_datetime(retry_after).timestamp() - time.time()
    return None


def _connected(
    url: Url, addresses: Sequence[str], deadline: Deadline, tls: ssl.SSLContext | None
) -> socket.socket:
    """Connect; with https the certificate has to be that of the name, whatever the address is."""
    plain = _first(url, addresses, deadline)
    if url.scheme != "https":
        return plain
    try:
        plain.settimeout(deadline.left())
        return (tls or ssl.create_default_context()).wrap_socket(plain, server_hostname=url.host)
    except BaseException:
        plain.close()
        raise


def _first(url: Url, addresses: Sequence[str], deadline: Deadline) -> socket.socket:
    """Connect to the first address that accepts; each gets an equal part of the time that is left."""
    failure = OSError("it has no address")
    for remaining, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return socket.create_connection((address, url.port), deadline.left() / remaining)
        except OSError as error:
            failure = error
    raise failure


class _Connection(http.client.HTTPConnection):
    """HTTP over a connection that is there already."""

    def __init__(self, url: Url, wire: _Wire) -> None:
        super().__init__(url.host, url.port)
        self.default_port = PORTS[url.scheme]  # another one is named in the Host header
        self.sock: Any = wire


class _Wire:
    """What `http.client` uses of a socket; its caller closes the socket itself."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = connected, deadline

    def sendall(self, data: bytes) -> None:
        """Send all of it within what is left."""
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(data)

    def makefile(self, mode: str) -> IO[bytes]:
        """Return a reader of the answer."""
        return io.BufferedReader(_Reader(self._socket, self._deadline))

    def close(self) -> None:
        """Do nothing: the answer is read after http.client has closed what it thinks is its own."""


class _Reader(io.RawIOBase):
    """Reads a socket until the deadline, however little comes at a time."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = connected, deadline

    def readable(self) -> bool:
        """Say that it reads."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come, or wait for it."""
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)
