"""Where the server listens, and the names under which it is reached.

Other machines need TLS and a password, so the server does not listen for them without both. A proxy in front
of it may have the TLS: then nobody else is answered.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from offhook.web.networks import Networks, networks
from shared.errors import OffhookError, SettingsError, in_words
from shared.files import read_regular
from shared.settings import Settings

LOOPBACK = "127.0.0.1"
LOCAL_NAMES = (LOOPBACK, "localhost")
BACKLOG = 128
LARGEST_PEM_BYTES = 1_000_000
DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


class CannotListen(OffhookError):
    """The desk's server cannot listen at this address."""

    code = "cannot_listen"


class BadCertificate(OffhookError):
    """The certificate or the key of the desk's server cannot be used."""

    code = "bad_certificate"


@dataclass(frozen=True)
class Binding:
    """An address to listen on, the names under which it is reached, its TLS if it has some, its proxies."""

    address: str
    port: int
    names: tuple[str, ...]
    tls: ssl.SSLContext | None = None
    proxies: Networks = ()

    @property
    def needs_proxy(self) -> bool:
        """Whether others reach the address by way of a proxy alone, which has the TLS."""
        return self.tls is None and not self.is_local

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the address."""
        return ipaddress.ip_address(self.address).is_loopback

    def origins(self, port: int) -> list[str]:
        """Return the addresses of the server on a port, as browsers send them; the first one is its URL."""
        scheme = "https" if self.tls else "http"
        suffix = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
        return [f"{scheme}://{_bracketed(name)}{suffix}" for name in self.names]

    def listen(self) -> socket.socket:
        """Return a socket that listens. Raises CannotListen."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        # asyncio sends small packets at once only if the socket says that it is TCP
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform == "win32":  # there, SO_REUSEADDR would let two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.address, self.port))
        except OSError as error:
            listener.close()
            raise CannotListen(
                f"The desk's server cannot listen on port {self.port} of {self.address}: {in_words(error)}."
            ) from None
        listener.listen(BACKLOG)
        return listener


def binding(settings: Settings, has_password: bool) -> Binding:
    """Return where to listen. Raises SettingsError, naming what another address than loopback lacks."""
    address = _address(settings.web_address)
    hosts = _hosts(settings.web_hosts)
    proxies = networks("trusted_proxies", settings.trusted_proxies)
    has_tls = bool(settings.web_certificate and settings.web_key) or bool(proxies)
    if not address.is_loopback:
        missing = [
            *([] if has_tls else ["a certificate and its key (web_certificate, web_key) or trusted_proxies"]),
            *([] if has_password else ["a password (`offhook password`) or people (`offhook person add`)"]),
            *([] if hosts or not address.is_unspecified else ["the names of this machine (web_hosts)"]),
        ]
        if missing:
            raise SettingsError(f"Others can reach {address}. Missing for web_address: {', '.join(missing)}.")
    tls = _tls(settings) if settings.web_certificate or settings.web_key else None
    own = () if address.is_unspecified else (str(address),)
    local = LOCAL_NAMES if address.is_unspecified or str(address) == LOOPBACK else ()
    # The first name is what `offhook open` opens: this machine itself, where others need a proxy.
    is_near = address.is_loopback or tls is None
    names = (*local, *own, *hosts) if is_near else (*hosts, *own, *local)
    return Binding(str(address), settings.web_port, tuple(dict.fromkeys(names)), tls, proxies)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        raise SettingsError(f'web_address must be an IP address such as {LOOPBACK}, not "{text}".') from None


def _hosts(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().casefold() for name in text.split(",") if name.strip())
    for name in names:
        if not _is_host(name):
            raise SettingsError(f'web_hosts must be names without scheme and port, not "{name}".')
    return names


def _is_host(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return _NAME.fullmatch(text) is not None


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _tls(settings: Settings) -> ssl.SSLContext:
    """Return TLS with the certificate of the settings. Raises BadCertificate."""
    certificate, key = _pem(settings, "web_certificate"), _pem(settings, "web_key")
    if b"ENCRYPTED" in key.read_bytes():
        raise BadCertificate(f"The key {key} needs a password. Give web_key one without: openssl pkey.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"The key {key} is not that of the certificate {certificate}.") from None
        raise BadCertificate(
            f"{certificate} and {key} are not a certificate and a key in PEM form."
        ) from None
    return context


def _pem(settings: Settings, name: str) -> Path:
    """Return the readable file of a setting. Raises BadCertificate."""
    given: str = getattr(settings, name)
    if not given:
        raise BadCertificate(f"{name} is missing: a certificate needs its key, and a key its certificate.")
    path = settings.home / Path(given).expanduser()
    try:
        read_regular(path, LARGEST_PEM_BYTES)
    except OSError as error:
        raise BadCertificate(f"{name} cannot be read: {in_words(error)}.") from None
    return path
