"""The client of a team's server: one method for each of its actions.

Every request has a deadline as a whole, besides the timeouts of its parts: a server that sends a byte now and
then holds nobody. Redirects are not followed, and the certificate is always checked. Each method raises
ServerAway, TokenRefused and ServerRefused.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from archive import bundle
from archive.team_messages import (
    CHUNK_HASH,
    CHUNK_TYPE,
    OFFSET,
    PREFIX,
    TAKEN,
    WANTED,
    Answer,
    CallFacts,
    Changes,
    Join,
    Joined,
)
from outbox_worker import answers
from outbox_worker.address import checked, is_loopback
from outbox_worker.errors import ServerAddress, ServerAway
from shared.errors import in_words
from shared.store.joining import JoinedServer

#: Of a single step: connect, read, write.
STEP = httpx2.Timeout(30.0, connect=10.0)
DEADLINE_SECONDS = 60.0
#: The server reads the whole recording, and may copy it to another storage.
COMMIT_SECONDS = 1800.0
#: 8 MiB in this time are 14 kB/s; a slower line than that carries no recordings.
CHUNK_SECONDS = 600.0
LONGEST_NAME = 200
LARGEST_ANSWER_BYTES = bundle.LARGEST_BYTES


class Server:
    """A joined server; an asynchronous context manager."""

    def __init__(self, joined: JoinedServer) -> None:
        url = checked(joined.url)
        self._http = httpx2.AsyncClient(
            base_url=f"{url}{PREFIX}",
            headers={
                "Authorization": f"Bearer {joined.token}",
                "User-Agent": f"offhook/{version('offhook')}",
            },
            verify=trusted(joined.certificate),
            trust_env=not is_loopback(url),  # a proxy is for other machines, and sees what is not encrypted
            timeout=STEP,
        )

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def join(self, host: str, name: str) -> Joined:
        """Say which machine this is; the token is good for this machine alone from then on."""
        said = _json(Join(host, name[:LONGEST_NAME], version("offhook")))
        return answers.read(await self._body("POST", "/join", **said), Joined)

    async def offer(self, session_id: str, facts: CallFacts) -> Answer:
        """Offer a recording: the server wants it, from an offset on, or has it."""
        found = answers.read(await self._body("PUT", f"/calls/{session_id}", **_json(facts)), Answer)
        if found.state not in (WANTED, TAKEN):
            raise ServerAway("What answers there is no offhook server of this version.")
        return found

    async def send(self, session_id: str, offset: int, chunk: bytes, sha256: str) -> int:
        """Send a chunk; return the offset of the next one, which may be another than one would think."""
        headers = {OFFSET: str(offset), CHUNK_HASH: sha256, "Content-Type": CHUNK_TYPE}
        place = f"/calls/{session_id}/content"
        answer, body = await self._ask("PATCH", place, CHUNK_SECONDS, content=chunk, headers=headers)
        if answer.status_code != 409 or OFFSET not in answer.headers:
            answers.check(answer, body)
        told = answer.headers.get(OFFSET, "")
        if not told.isdecimal():
            raise ServerAway("What answers there is no offhook server of this version.")
        return int(told)

    async def commit(self, session_id: str) -> Answer:
        """Have the server check the whole recording and put it into its queue."""
        place, patience = f"/calls/{session_id}/commit", httpx2.Timeout(30.0, read=COMMIT_SECONDS)
        body = await self._body("POST", place, COMMIT_SECONDS, timeout=patience)
        return answers.read(body, Answer)

    async def changes(self, after_seq: int, wait_seconds: float) -> Changes:
        """Return the calls that changed after a change; wait for one if there is none."""
        patience = httpx2.Timeout(30.0, read=wait_seconds + STEP.read)  # type: ignore[operator]
        given = {"params": {"after": after_seq, "wait": wait_seconds}, "timeout": patience}
        body = await self._body("GET", "/changes", wait_seconds + DEADLINE_SECONDS, **given)
        return answers.read(body, Changes)

    async def transcript(self, session_id: str) -> bytes:
        """Return the transcript of a call, as `archive/bundle.py` reads it."""
        return await self._body("GET", f"/calls/{session_id}/transcript", CHUNK_SECONDS)

    async def delete(self, session_id: str) -> None:
        """Have the server delete a call; one that it does not know is deleted already."""
        await self._body("DELETE", f"/calls/{session_id}")

    async def audio(self, session_id: str, seconds: float) -> AsyncIterator[bytes]:
        """Yield the recording of a call, within so many seconds."""
        with _errors(self._http.base_url.host):
            async with asyncio.timeout(seconds):
                async with self._http.stream("GET", f"/calls/{session_id}/audio") as answer:
                    if answer.status_code != 200:
                        answers.check(answer, await _bounded(answer))
                    async for block in answer.aiter_bytes(1 << 20):
                        yield block

    async def _body(self, method: str, path: str, seconds: float = DEADLINE_SECONDS, **given: Any) -> bytes:
        answer, body = await self._ask(method, path, seconds, **given)
        answers.check(answer, body)
        return body

    async def _ask(
        self, method: str, path: str, seconds: float, **given: Any
    ) -> tuple[httpx2.Response, bytes]:
        with _errors(self._http.base_url.host):
            async with asyncio.timeout(seconds):
                async with self._http.stream(method, path, **given) as answer:
                    return answer, await _bounded(answer)


def _json(value: Struct) -> dict[str, Any]:
    return {"content": msgspec.json.encode(value), "headers": {"Content-Type": "application/json"}}


class _errors:  # noqa: N801 (a context manager)
    """Turns what the network does into ServerAway."""

    def __init__(self, host: str) -> None:
        self._host = host

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TimeoutError | httpx2.TimeoutException):
            raise ServerAway(f"{self._host} did not answer in time.") from error
        if isinstance(error, httpx2.HTTPError | httpx2.StreamError | httpx2.InvalidURL | OSError):
            raise ServerAway(_why(self._host, error)) from error


async def _bounded(answer: httpx2.Response) -> bytes:
    found = bytearray()
    async for block in answer.aiter_bytes():
        found += block
        if len(found) > LARGEST_ANSWER_BYTES:
            raise ServerAway("It answered more than any answer has.")
    return bytes(found)


def trusted(certificate: str | None) -> ssl.SSLContext | bool:
    """Return whom to trust: the authority of this PEM text alone, or the system's. Raises ServerAddress."""
    if certificate is None:
        return True
    try:
        return ssl.create_default_context(cadata=certificate)
    except (ssl.SSLError, ValueError) as error:
        raise ServerAddress(f"The certificate is not a PEM text of an authority: {error}.") from None


def _why(host: str, error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            remedy = "`offhook join` with --certificate trusts your own authority."
            return f"The certificate of {host} is not valid: {cause.verify_message}. {remedy}"
    return f"{host} cannot be reached: {in_words(error) or type(error).__name__}."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
