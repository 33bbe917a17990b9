"""Answers what has changed about a workstation's calls, as soon as something has: a long poll."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from archive.team_messages import LONGEST_WAIT_SECONDS, Changes, Seq
from offhook.desk.desk import Desk
from offhook.web.call import Answers, from_query
from offhook.web.dispatch import as_response
from offhook.web.team.news import TeamNews
from offhook.web.team.refusals import TokenRevoked
from offhook.web.team.senders import sender_of
from offhook.web.work import Work


class Since(msgspec.Struct):
    """After which change news begin, and how many seconds to wait for some."""

    after: Seq = 0
    wait: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_WAIT_SECONDS)] = 0


def polling(desk: Desk, work: Work) -> Answers:
    """Return what answers with changes; all that wait share one look at the database."""
    news = TeamNews(desk)
    work.at_end(news.listeners.stop)

    async def changes(request: Request) -> Response:
        asked = from_query(Since, request.query_params)
        owner_id, access_id = sender_of(request).owner_id, request.state.visitor.access_id
        return as_response(await _changes(news, work, asked, owner_id, access_id))

    return changes


async def _changes(news: TeamNews, work: Work, asked: Since, owner_id: int | None, access_id: int) -> Changes:
    """Return what has changed, after a wait if need be. Raises TokenRevoked, TooManyStreams."""
    if not asked.wait:  # what is kept may lack the last moment
        return await work.run(news.read, owner_id, asked.after)
    deadline = time.monotonic() + asked.wait
    with news.waiting(owner_id, access_id) as me:
        while True:
            me.woken.clear()
            found = news.after(owner_id, asked.after)
            if found is None:
                found = await work.run(news.read, owner_id, asked.after)
            if me.is_revoked:
                raise TokenRevoked
            left = deadline - time.monotonic()
            if found.calls or left <= 0 or news.listeners.is_stopped:
                return found
            with suppress(TimeoutError):
                await asyncio.wait_for(me.woken.wait(), left)
