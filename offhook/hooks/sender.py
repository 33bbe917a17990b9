"""Sends one message to one hook, whichever kind it is."""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version

from offhook.hooks import program, webhook
from offhook.hooks.addresses import (
    AddressRefused,
    BadHook,
    Resolve,
    Unreachable,
    addresses,
    parse,
    private_hosts,
    resolved,
)
from offhook.hooks.outcome import Outcome
from offhook.hooks.signing import headers
from offhook.hooks.webhook import Deadline
from shared.settings import Settings
from shared.store.hooks import PROGRAM, URL
from shared.store.values import Hook

CONTENT_TYPE = "application/json"


class Sender:
    """Sends messages to hooks; `resolve` finds addresses, and `tls` says which certificates are trusted."""

    def __init__(
        self,
        settings: Settings,
        stopping: threading.Event | None = None,
        *,
        resolve: Resolve = resolved,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        url_seconds: float = webhook.TIMEOUT_SECONDS,
        program_seconds: float = program.TIMEOUT_SECONDS,
    ) -> None:
        self._settings, self._stopping = settings, stopping or threading.Event()
        self._resolve, self._given_tls, self._clock = resolve, tls, clock
        self._url_seconds, self._program_seconds = url_seconds, program_seconds
        self._private = private_hosts(settings.hook_private_hosts)
        self._kinds = {URL: self._post, PROGRAM: self._run}

    def send(self, hook: Hook, message_id: str, body: bytes) -> Outcome | None:
        """Send a message; None if offhook stops before it is known how that ends."""
        return self._kinds[hook.kind](hook, message_id, body)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The system's certificates, loaded when they are first needed."""
        return self._given_tls or ssl.create_default_context()

    def _post(self, hook: Hook, message_id: str, body: bytes) -> Outcome:
        signed = headers(hook.secret, message_id, int(self._clock()), body)
        named = {"Content-Type": CONTENT_TYPE, "User-Agent": f"offhook/{version('offhook')}"}
        deadline = Deadline(self._url_seconds)
        try:
            url = parse(hook.target, self._private)
            found = addresses(url, self._private, self._resolve)
            tls = self._tls if url.scheme == "https" else None
            return webhook.post(url, found, {**named, **signed}, body, deadline, tls)
        except (AddressRefused, BadHook, Unreachable) as error:
            return Outcome(error=str(error))

    def _run(self, hook: Hook, message_id: str, body: bytes) -> Outcome | None:
        """Run a program, which finds the message's id in its environment and offhook's home too."""
        home = self._settings.home
        own = {"OFFHOOK_HOME": str(home), "WEBHOOK_ID": message_id}
        environment = program.environment(os.environ, own)
        command = json.loads(hook.target)
        return program.run(command, body, home, environment, self._stopping, self._program_seconds)
