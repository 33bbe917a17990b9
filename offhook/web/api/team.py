"""What workstations call: they hand over their calls, and ask what becomes of them.

`archive/team_messages.py` has the types of what both sides say.
"""

from __future__ import annotations

import asyncio
import socket
from functools import cached_property
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from archive import bundle
from archive.incoming import folder_of
from archive.storage.recordings import Recordings
from archive.team_messages import (
    CHUNK_BYTES,
    CHUNK_HASH,
    CHUNK_TYPE,
    LARGEST_FACTS_BYTES,
    LONGEST_WAIT_SECONDS,
    OFFSET,
    PREFIX,
    TAKEN,
    WANTED,
    Answer,
    CallFacts,
    Changes,
    Hit,
    Hits,
    Join,
    Joined,
    Owner,
    Seq,
    Server,
    Session,
    Sha256,
)
from offhook.desk.call_news import news_of_record
from offhook.desk.chunk import Chunk, ChunkDamaged
from offhook.desk.desk import Desk
from offhook.desk.intake import Intake, Sender
from offhook.desk.searching import Place, Wanted, look
from offhook.desk.uploading import SPARE_BYTES
from offhook.web.api.search import Words
from offhook.web.call import Answers, BadCall, Call, Endpoint, Stream, from_query
from offhook.web.errors import error_body
from offhook.web.receiving import patient, receive
from offhook.web.sound_response import SoundResponse
from offhook.web.stored_sound import StoredSound
from offhook.web.team_news import TeamNews
from offhook.web.tus_headers import content_length, number
from offhook.web.visitors import Visitor
from offhook.web.work import Work
from shared.errors import OffhookError
from shared.store.incoming import IncomingCall
