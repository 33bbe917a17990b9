"""Measures one web server of a team: idle workstations that wait for changes, and short calls that come in.

A workstation that waits costs the server a connection, and an answer every 25 s. A call that comes in costs
its facts, its content and a commit. The workstations are threads and connections of this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from archive.team_messages import CHUNK_HASH, CHUNK_TYPE, OFFSET, PREFIX
from bench.figures import percentile, table
from shared import home
from shared.recording_wav import RATE_HZ, header
from shared.settings import Settings
from shared.store.access import OWN, WORKSTATION
from shared.store.people import MEMBER, PersonExists
from shared.store.store import Store
from stress.programs import Program
from stress.team.network import Address, free_port
from tests.waiting import until

WAITING = (0, 100, 500, 2_000)
WAIT_SECONDS, MEASURED_SECONDS = 25, 50.0
SENDERS = (1, 4, 16)
CALLS, CALL_SECONDS = 200, 30
PERSON = "bench"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Used:
    """What a process has used so far: seconds of a core, and its memory in MB now."""

    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Web:
    """A web server and the tokens of workstations that have joined it."""

    program: Program
    address: Address
    tokens: Sequence[str]

    def used(self) -> Used:
        """Return what its process has used (Linux)."""
        assert self.program.process
        place = Path(f"/proc/{self.program.process.pid}")
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        pages = int((place / "statm").read_text().split()[1])
        return Used((int(fields[11]) + int(fields[12])) / TICKS, pages * PAGE_BYTES / 1e6)


def report(settings: Settings, times: int) -> Iterator[str]:
    """Report what waiting workstations cost, and how many calls a second come in."""
    with ExitStack() as stack:
        web = _served(settings, stack)
        yield f"## Workstations that wait for changes at one web server, {WAIT_SECONDS} s at a time\n"
        head = ["workstations", "web server's memory MB", "% of a core", "answers a second", "failures"]
        yield table(head, [asyncio.run(_waiting(web, count)) for count in WAITING])
        yield f"## Calls of {CALL_SECONDS} s that come in at one web server\n"
        head = [
            "workstations at once",
            "calls a second",
            "p50 ms",
            "p95 ms",
            "web server's ms",
        ]
        yield table(head, [_coming_in(web, senders) for senders in SENDERS])


def _served(settings: Settings, stack: ExitStack) -> Web:
    own = replace(settings, home=settings.home.parent / "web")
    home.prepare(own)
    address = Address("127.0.0.1", free_port())
    given = {
        "OFFHOOK_HOME": str(own.home),
        "OFFHOOK_DATABASE": settings.database,
        "OFFHOOK_WEB_PORT": str(address.port),
    }
    command, log = [sys.executable, "-m", "offhook.web"], own.home.parent / "web.log"
    program = Program("web", command, {**os.environ, **given}, log)
    program.start()
    stack.callback(program.stop)
    until(own.web.exists, "the web server", 60)
    with Store.of_home(settings) as store:
        return Web(program, address, [_token(store, number) for number in range(max(*WAITING, *SENDERS))])


def _token(store: Store, number: int) -> str:
    """Return the token of a workstation that has joined."""
    with suppress(PersonExists):
        store.people.add(PERSON, MEMBER)
    person = store.people.get(PERSON)
    secret = store.access.add(WORKSTATION, OWN, name=f"workstation {number}", person_id=person.id)
    found = store.access.find(WORKSTATION, secret)
    assert found
    store.access.join(found.id, uuid.uuid4().hex, f"workstation {number}")
    return secret


# Workstations that wait


async def _waiting(web: Web, count: int) -> list[object]:
    seq = _latest(web)
    answers, failures = [0], [0]
    tasks = []
    for token in web.tokens[:count]:
        tasks.append(asyncio.create_task(_wait_on(web, token, seq, answers, failures)))
        await asyncio.sleep(WAIT_SECONDS / count)  # so that they do not all come at once, again and again
    before, answered = web.used(), answers[0]
    await asyncio.sleep(MEASURED_SECONDS)
    after = web.used()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    share = (after.seconds - before.seconds) / MEASURED_SECONDS
    a_second = (answers[0] - answered) / MEASURED_SECONDS
    return [count, f"{after.memory_mb:.0f}", f"{100 * share:.1f}", f"{a_second:.1f}", failures[0]]


def _latest(web: Web) -> int:
    """Return the number of the last change; a kept database has calls of earlier runs."""
    seq, is_more = 0, True
    while is_more:
        news = json.loads(_get(web, f"{PREFIX}/changes?after={seq}&wait=0"))
        seq, is_more = news["seq"], news["is_more"]
    return int(seq)


async def _wait_on(web: Web, token: str, seq: int, answers: list[int], failures: list[int]) -> None:
    reader, writer = await asyncio.open_connection(web.address.host, web.address.port)
    asked = (
        f"GET {PREFIX}/changes?after={seq}&wait={WAIT_SECONDS} HTTP/1.1\r\n"
        f"Host: {web.address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()
    try:
        while True:
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            answers[0] += 1
            failures[0] += not head.startswith(b"HTTP/1.1 200")
    finally:
        writer.close()


def _get(web: Web, path: str) -> bytes:
    connection = http.client.HTTPConnection(web.address.host, web.address.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {web.tokens[0]}"})
    return connection.getresponse().read()


# Calls that come in


def _coming_in(web: Web, senders: int) -> list[object]:
    chance = np.random.default_rng(senders)
    data_bytes = 2 * RATE_HZ * CALL_SECONDS
    contents = [header(1, data_bytes) + chance.bytes(data_bytes) for _ in range(senders)]
    before, began = web.used(), time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        work = pool.map(lambda n: _send(web, web.tokens[n], contents[n], CALLS // senders), range(senders))
        taken = [milliseconds for each in work for milliseconds in each]
    seconds, cost = time.perf_counter() - began, web.used().seconds - before.seconds
    p50, p95 = (f"{percentile(taken, percent):.0f}" for percent in (50, 95))
    return [senders, f"{len(taken) / seconds:.1f}", p50, p95, f"{1000 * cost / len(taken):.0f}"]


def _send(web: Web, token: str, content: bytes, calls: int) -> list[float]:
    """Hand over calls of the same content, one after another; return the milliseconds of each."""
    connection = http.client.HTTPConnection(web.address.host, web.address.port, timeout=60)
    sha256, taken = hashlib.sha256(content).hexdigest(), []
    facts = {"sha256": sha256, "size_bytes": len(content), "suffix": ".wav", "title": "Call"}
    for _ in range(calls):
        began, path = time.perf_counter(), f"{PREFIX}/calls/{uuid.uuid4()}"
        made = {**facts, "source": "capture", "created_at": time.time(), "duration_seconds": CALL_SECONDS}
        _ask(connection, token, "PUT", path, json.dumps(made).encode(), {"Content-Type": "application/json"})
        headers = {OFFSET: "0", CHUNK_HASH: sha256, "Content-Type": CHUNK_TYPE}
        _ask(connection, token, "PATCH", f"{path}/content", content, headers)
        _ask(connection, token, "POST", f"{path}/commit", b"", {})
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _ask(
    connection: http.client.HTTPConnection,
    token: str,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
) -> None:
    connection.request(method, path, body, {"Authorization": f"Bearer {token}", **headers})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status < 300, f"{method}: {answer.status} {said[:300]!r}"
