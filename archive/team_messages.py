"""What a workstation and its team's server say to each other; both sides read and write it with these types.

Times are seconds since 1970 in UTC, by the clock of who says them. Bytes go as base64. What a reader does
not know it passes over, so that each side may be updated first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from shared.loudness import ECHO_BYTES, SideLevels
from shared.store.captures import MOST_MINUTES, MOST_TICKS_PER_SECOND

PREFIX = "/api/v1/team"
#: Headers of a chunk. The server answers with `Upload-Offset` too.
OFFSET, CHUNK_HASH = "Upload-Offset", "Chunk-SHA256"
CHUNK_TYPE = "application/offset+octet-stream"
#: The largest chunk that is taken, and the largest body with facts: 7 days of loudness are 18 MB.
CHUNK_BYTES, LARGEST_FACTS_BYTES = 8 << 20, 24_000_000
MOST_CALLS, LONGEST_WAIT_SECONDS = 500, 25
WANTED, TAKEN = "wanted", "taken"

#: The end of a text; `$` alone is also before a line break there.
_END = r"(?!\n)$"
Session = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}{_END}")]
Host = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{32}}{_END}")]
Sha256 = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{64}}{_END}")]
Suffix = Annotated[str, Meta(pattern=rf"^(\.[a-z0-9]{{1,10}})?{_END}")]
Text = Annotated[str, Meta(max_length=500)]
#: SQL's own numbers have 64 bits; times end in the year 9000.
Time = Annotated[float, Meta(ge=0, le=222_000_000_000)]
Size = Annotated[int, Meta(ge=1, lt=2**62)]
Seq = Annotated[int, Meta(ge=0, lt=2**62)]
_Side = Annotated[bytes, Meta(max_length=60 * MOST_TICKS_PER_SECOND)]


class Join(Struct):
    """A workstation that says who it is."""

    host: Host
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    version: Annotated[str, Meta(max_length=50)]


class Server(Struct):
    """A team's server."""

    name: str
    version: str


class Owner(Struct):
    """The person whose calls a workstation hands over."""

    name: str
    shown_name: str


class Joined(Struct):
    """What a workstation's token is good for; `seq` is the last change, after which news begin."""

    server: Server
    person: Owner
    scopes: list[str]
    seq: Seq


class Minute(Struct):
    """How loud each side of a call was in a minute: a byte for each tick (`shared/loudness.py`)."""

    minute: Annotated[int, Meta(ge=0, lt=MOST_MINUTES)]
    ticks_per_second: Annotated[int, Meta(ge=1, le=MOST_TICKS_PER_SECOND)]
    microphone: _Side
    loopback: _Side
    echo: Annotated[bytes, Meta(max_length=60 * ECHO_BYTES)] = b""


class CallFacts(Struct, omit_defaults=True):
    """What is known of a call before its recording is sent.

    `layout`, `started_at`, `verdict` and `loudness` are those of its capture; `layout` is None for a
    recording that was not captured. `again`: a person wants a finished call transcribed again.
    """

    sha256: Sha256
    size_bytes: Size
    suffix: Suffix
    title: Text
    source: Annotated[str, Meta(pattern=rf"^[a-z_]{{1,20}}{_END}")]
    created_at: Time
    candidate_id: Text | None = None
    project_id: Text | None = None
    duration_seconds: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    flags: Annotated[
        list[Annotated[str, Meta(pattern=rf"^[a-z0-9_]{{1,50}}{_END}")]], Meta(max_length=50)
    ] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    layout: Annotated[str, Meta(pattern=rf"^[a-z]{{1,20}}{_END}")] | None = None
    started_at: Time | None = None
    verdict: dict[str, Any] = field(default_factory=dict)
    loudness: Annotated[list[Minute], Meta(max_length=MOST_MINUTES)] = field(default_factory=list)
    again: bool = False


class CallNews(Struct):
    """How a call stands on the server, at its change `seq`.

    `words_seq` is the last change of its transcript. A deleted call has no record any more.
    """

    session_id: str
    record_id: int
    seq: Seq
    status: str | None = None
    progress: float = 0.0
    error_code: str | None = None
    error: str | None = None
    words_seq: Seq = 0
    is_deleted: bool = False


class Answer(Struct):
    """What the server wants of a call: its recording from `offset` on, or nothing more (`taken`).

    `sha256` is the content that it has taken: a workstation deletes its own recording if that is the same.
    """

    state: str
    offset: Seq = 0
    chunk_bytes: Seq = 0
    sha256: str | None = None
    record: CallNews | None = None


class Changes(Struct):
    """The calls that changed up to change `seq`, in the order of their last changes."""

    seq: Seq
    calls: list[CallNews]
    is_more: bool = False


class Hit(Struct):
    """A moment at which words were said; `marks` are what was found in the snippet, in UTF-16 units."""

    session_id: str
    record_id: int
    title: str
    created_at: str | None
    start_ms: int
    end_ms: int
    speaker: str | None
    name: str | None
    snippet: str
    marks: list[tuple[int, int]]


class Hits(Struct):
    """Moments, the newest first."""

    hits: list[Hit]


def minutes_of(levels: Mapping[int, SideLevels]) -> list[Minute]:
    """Return the loudness of minutes as it is sent."""
    return [
        Minute(minute, it.ticks_per_second, it.microphone, it.loopback, it.echo)
        for minute, it in levels.items()
    ]


def levels_of(minutes: Iterable[Minute]) -> dict[int, SideLevels]:
    """Return the loudness of minutes that was sent."""
    return {it.minute: SideLevels(it.ticks_per_second, it.microphone, it.loopback, it.echo) for it in minutes}
