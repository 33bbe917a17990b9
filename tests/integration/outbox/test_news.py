"""News of calls in every order: what the server says is taken over once, and nothing of it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from archive.library import Library
from archive.team_messages import CallNews
from outbox_worker.client import Server
from outbox_worker.facts import facts
from outbox_worker.outcomes import Outcomes
from outbox_worker.receiving import Receiving
from shared.settings import Settings
from shared.store.outbox import DOUBT_SECONDS, Outbox
from shared.store.outbox_states import RECEIVED, REFUSED, SENT
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, QUEUED
from shared.store.values import Record
from tests.team import Team, Workstation
from tests.waiting import until


def with_server(desk7: Workstation, work: Callable[[Server, Receiving], Awaitable[None]]) -> None:
    """Do something with the client of the server, and what receives its news."""
    outcomes = Outcomes(desk7.store, Library(Settings(home=desk7.stage.home), desk7.store), "outbox-1")

    async def run() -> None:
        joined = desk7.store.outbox.joined()
        assert joined
        async with Server(joined) as server:
            await work(server, Receiving(desk7.store, server, outcomes))

    asyncio.run(run())


async def handed_over(desk7: Workstation, server: Server, record: Record) -> CallNews:
    """Hand a recording over, without writing that down here; return the server's answer."""
    content = Path(record.recording_path).read_bytes()
    hash_of_all = sha256(content).hexdigest()
    await server.offer(record.session_id, facts(desk7.store, record, hash_of_all, len(content), again=False))
    desk7.store.outbox.adopt()
    desk7.store.outbox.step("begin", record.id)
    await server.send(record.session_id, 0, content, hash_of_all)
    answer = await server.commit(record.session_id)
    assert answer.sha256 == hash_of_all
    assert answer.record
    return answer.record


def test_a_transcript_that_is_ready_before_the_answer_to_the_commit_is_not_lost(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("very fast")

    async def work(server: Server, receiving: Receiving) -> None:
        news = await handed_over(desk7, server, record)
        team.transcribed(record.session_id, "Already there.")
        await receiving.receive()
        assert desk7.store.records.get(record.id).transcription_status == QUEUED
        desk7.store.outbox.take(record.id, record.sha256 or "")
        await receiving.taken(news)

    with_server(desk7, work)
    assert desk7.store.records.get(record.id).transcription_status == COMPLETED
    assert "Already there." in desk7.stage.text({"id": record.id})


def test_a_death_after_the_answer_to_a_commit_does_not_lose_the_news_that_came_before_it(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("killed at once")

    async def until_its_death(server: Server, receiving: Receiving) -> None:
        await handed_over(desk7, server, record)
        team.transcribed(record.session_id, "Nothing is lost.")
        await receiving.receive()
        desk7.store.outbox.take(record.id, record.sha256 or "")

    async def afterwards(server: Server, receiving: Receiving) -> None:
        await receiving.receive()

    with_server(desk7, until_its_death)
    with_server(desk7, afterwards)
    assert "Nothing is lost." in desk7.stage.text({"id": record.id})


def test_news_that_come_twice_change_nothing_the_second_time(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("twice")

    async def work(server: Server, receiving: Receiving) -> None:
        await receiving.taken(await handed_over(desk7, server, record))
        desk7.store.outbox.take(record.id, record.sha256 or "")
        team.transcribed(record.session_id)
        await receiving.receive()
        seq = desk7.store.changes.latest()
        done = desk7.store.records.get(record.id)
        desk7.store.outbox.server.took_over(0)
        await receiving.receive()
        assert desk7.store.changes.latest() == seq
        assert desk7.store.records.get(record.id) == done

    with_server(desk7, work)


def test_a_server_that_was_restored_from_a_backup_is_offered_everything_again(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("after a restore")
    with desk7.outbox():
        desk7.reaches(record, SENT)
    desk7.store.outbox.server.took_over(2**40)
    with desk7.outbox():
        until(lambda: desk7.store.outbox.joined().after_seq < 2**40, "the numbers begin again")  # type: ignore[union-attr]
        desk7.reaches(record, SENT)
        team.transcribed(record.session_id)
        desk7.reaches(record, RECEIVED)
    assert len(team.records(record.session_id)) == 1


def test_a_file_that_is_gone_is_no_loss_while_the_server_has_it(desk7: Workstation, team: Team) -> None:
    """As after a death between the deletion of the file and that of its row, and a restored server."""
    record = desk7.queued("gone here")

    async def work(server: Server, receiving: Receiving) -> None:
        await handed_over(desk7, server, record)
        desk7.store.outbox.take(record.id, record.sha256 or "")

    with_server(desk7, work)
    Path(record.recording_path).unlink()
    desk7.store.outbox.begin_anew()
    with desk7.outbox():
        desk7.reaches(record, SENT)


def test_what_a_restored_server_does_not_know_is_sent_again_or_fails_with_the_reason(
    desk7: Workstation, team: Team
) -> None:
    """Its numbers have grown since beyond what this workstation has seen."""
    here, gone = desk7.queued("still here"), desk7.queued("nowhere any more")
    outbox = desk7.store.outbox
    outbox.adopt()
    for record in (here, gone):
        outbox.take(record.id, record.sha256 or "")
    Path(gone.recording_path).unlink()
    outbox.audio_deleted(gone.id)
    Outbox(desk7.store.database, lambda: desk7.store.clock() + DOUBT_SECONDS + 1).doubt()
    with desk7.outbox():
        desk7.reaches(here, SENT)
        desk7.reaches(gone, REFUSED)
    assert len(team.records(here.session_id)) == 1
    assert desk7.store.records.get(gone.id).error_code == "recording_missing"


def test_a_call_that_is_deleted_at_the_server_waits_here_no_longer_and_a_transcript_stays(
    desk7: Workstation, team: Team
) -> None:
    finished, unfinished = desk7.queued("finished"), desk7.queued("unfinished")
    with desk7.outbox():
        desk7.reaches(finished, SENT)
        desk7.reaches(unfinished, SENT)
        team.transcribed(finished.session_id, "It stays here.")
        desk7.reaches(finished, RECEIVED)
        for record in (finished, unfinished):
            (there,) = team.records(record.session_id)
            team.stage.offhook("delete", str(there.id), "--yes")
        until(lambda: desk7.item(unfinished).server_status == "deleted", "the deletion is known")  # type: ignore[union-attr]
    assert desk7.store.records.get(unfinished.id).transcription_status in (CANCELLED, FAILED)
    assert "It stays here." in desk7.stage.text({"id": finished.id})


def test_a_transcript_that_both_parts_of_the_outbox_fetch_at_once_is_taken_over_once(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("both at once")
    hook = desk7.store.hooks.add("command", "true", "secret", ["record.completed"])

    async def work(server: Server, receiving: Receiving) -> None:
        await handed_over(desk7, server, record)
        desk7.store.outbox.take(record.id, record.sha256 or "")
        team.transcribed(record.session_id, "Once.")
        news = (await server.changes(0, 0)).calls
        (mine,) = [it for it in news if it.session_id == record.session_id]
        await asyncio.gather(receiving.taken(mine), receiving.apply(mine))

    with_server(desk7, work)
    assert len(desk7.store.deliveries.newest(hook.id, limit=9)) == 1


@pytest.mark.parametrize("ends", ["cancelled", "refused"])
def test_news_of_a_call_that_is_sent_no_further_hold_up_no_others(
    desk7: Workstation, team: Team, ends: str
) -> None:
    record = desk7.queued(ends)

    async def work(server: Server, receiving: Receiving) -> None:
        await handed_over(desk7, server, record)
        await receiving.receive()
        if ends == "cancelled":
            desk7.store.records.cancel(record.id)
        else:
            desk7.store.outbox.step("refuse", record.id)
        await receiving.receive()

    with_server(desk7, work)
    joined = desk7.store.outbox.joined()
    assert joined
    assert joined.after_seq == team.store.changes.latest()
