"""Answers a scrape, and says who may scrape: this machine, addresses of a setting, tokens of a scope."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from offhook.desk.desk import Desk
from offhook.desk.health import Health
from offhook.web.forwarded import is_proxied
from offhook.web.metrics.traffic import Traffic
from offhook.web.neighbours import user_of
from offhook.web.networks import networks
from offhook.web.visitors import Doorkeeper
from shared.errors import StoreError
from shared.logs import DatabaseTrouble
from shared.store.access import METRICS

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

log = logging.getLogger(__name__)

PATH = "/metrics"
REFUSED = (
    "Metrics are for this machine, for the setting metrics_addresses, "
    "and for tokens of `offhook token create NAME --scope metrics`."
)
EXTRA_MISSING = 'Metrics need prometheus-client: pip install "offhook[team]"'
#: What the database says is good for this time, however often and by however many it is scraped.
KEPT_SECONDS = 10.0
#: With any of these a proxy has sent the request, and the address is the proxy's.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Scraping:
    """The metrics of one server. prometheus-client is loaded with the first scrape: it takes 12 MB."""

    def __init__(
        self,
        desk: Desk,
        doorkeeper: Doorkeeper,
        health: Health,
        traffic: Traffic,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._doorkeeper, self._health, self._traffic = desk, doorkeeper, health, traffic
        self._monotonic = monotonic
        self._networks = networks("metrics_addresses", desk.settings.metrics_addresses)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk-metrics")
        self._trouble = DatabaseTrouble(log)
        self._kept: tuple[list[Metric], float] | None = None

    async def answer(self, request: Request) -> Response:
        """Answer a scrape, or refuse it."""
        loop = asyncio.get_running_loop()
        if not self._is_near(request) and not await loop.run_in_executor(self._thread, self._knows, request):
            return PlainTextResponse(REFUSED, 403)
        try:
            accept = request.headers.get("accept", "")
            body, content_type = await loop.run_in_executor(self._thread, self._written, accept)
        except ImportError:
            return PlainTextResponse(EXTRA_MISSING, 501)
        return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})

    def _is_near(self, request: Request) -> bool:
        """Whether a request comes from an address that may scrape, and not by way of a proxy."""
        is_passed_on = is_proxied(request.scope) or any(name in request.headers for name in FORWARDED)
        if request.client is None or is_passed_on:
            return False
        address = ipaddress.ip_address(request.client.host)
        return address.is_loopback or any(address in network for network in self._networks)

    def _knows(self, request: Request) -> bool:
        """Whether a request has a token of the scope."""
        authorization = request.headers.get("authorization")
        try:
            visitor = self._doorkeeper.visitor(authorization, None, user_of(request.scope))
        except StoreError:
            return False
        return visitor is not None and visitor.may(METRICS)

    def _written(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the format that is asked for, and its name. Raises ImportError."""
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        registry = CollectorRegistry()
        registry.register(self)
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this process, and what the database says, if it answers."""
        from offhook.web.metrics.families import served_families

        state = self._health.state()
        yield from served_families(self._traffic, state)
        if state.parts["database"]:
            yield from self._stored()

    def _stored(self) -> list[Metric]:
        from offhook.web.metrics.families import stored_families

        if self._kept is None or self._monotonic() - self._kept[1] > KEPT_SECONDS:
            try:
                self._kept = stored_families(self._desk.store), self._monotonic()
                self._trouble.is_over()
            except StoreError as error:
                self._trouble.note(error)
                return []
        return self._kept[0]
