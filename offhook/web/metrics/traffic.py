"""What this server was asked and how soon it answered, counted around all other applications."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Upper bounds of the times until an answer begins, in seconds.
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: What a client may write in a request is none of these, it has no label of its own.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"


@dataclass
class Times:
    """The times of the requests of one route: how many ended in each bucket, and their sum."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))
    sum_seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a request."""
        self.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.sum_seconds += seconds

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Yield each upper bound with the number of requests that took no longer."""
        count = 0
        for bound, added in zip((*map(str, BUCKETS_SECONDS), "+Inf"), self.buckets, strict=True):
            count += added
            yield bound, count


class Traffic:
    """An ASGI application around another one, which counts; it runs in the event loop alone."""

    def __init__(
        self, app: ASGIApp, routes: Sequence[BaseRoute], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._monotonic = app, monotonic
        mine = (route for route in routes if isinstance(route, Route))
        self._paths: dict[object, str] = {route.endpoint: route.path for route in mine}
        self.in_progress = 0
        #: Method, route and status -> requests.
        self.requests: dict[tuple[str, str, str], int] = defaultdict(int)
        #: Route -> times until the answer began; an event stream lasts for as long as somebody looks.
        self.times: dict[str, Times] = defaultdict(Times)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._monotonic()
        status, seconds = "none", 0.0

        async def note(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = str(message["status"]), self._monotonic() - began
            await send(message)

        self.in_progress += 1
        try:
            await self._app(scope, receive, note)
        finally:
            self.in_progress -= 1
            self._count(scope, status, seconds)

    def _count(self, scope: Scope, status: str, seconds: float) -> None:
        route = self._paths.get(scope.get("endpoint"), OTHER)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self.requests[method, route, status] += 1
        if status != "none":
            self.times[route].add(seconds)
