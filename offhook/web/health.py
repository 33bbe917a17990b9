"""`/healthz`: whether this server can work, for load balancers and supervisors. It says nothing else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from offhook.desk.health import Health
from offhook.web.call import Answers

_NOT_KEPT = {"cache-control": "no-store"}


def health_answers(health: Health) -> Answers:
    """Return what answers: 200 if database and storage answer within a second, else 503.

    It has a thread of its own: a server that is busy is not one that is broken.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="desk-health")

    async def answer(_: Request) -> Response:
        state = await asyncio.get_running_loop().run_in_executor(thread, health.state)
        status = 200 if state.is_well else 503
        return JSONResponse({"status": "ok" if state.is_well else "not ok"}, status, _NOT_KEPT)

    return answer
