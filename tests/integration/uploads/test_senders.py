"""Uploads in a team's home: what one person sends neither changes nor hinders what another sends."""

from __future__ import annotations

import pytest

from offhook.desk import uploading
from offhook.desk.desk import Desk
from offhook.desk.uploading import TooManyUploads, Uploads
from shared.store.people import MEMBER
from shared.store.view import View
from tests.integration.uploads.test_sending import WAV, begun, send, sent


@pytest.fixture
def people(desk: Desk) -> list[Uploads]:
    """The uploads of two members, as each sees them."""
    added = [desk.store.people.add(name, MEMBER) for name in ("ada", "bob")]
    return [Uploads(desk.seen_by(View(it.id, it.id, it.name)), spare_bytes=0) for it in added]


def test_an_upload_that_a_killed_server_left_whole_becomes_its_senders_record(
    desk: Desk, people: list[Uploads]
) -> None:
    """Also if another person has sent the same recording."""
    ada, bob = people
    adas = sent(ada, title="Ada's")
    upload = begun(bob, title="Bob's")
    send(bob, upload)
    Uploads(desk).resume()
    bobs = bob.record_of(upload.id)
    assert bobs
    assert (bobs.title, desk.store.records.get(adas.id)) == ("Bob's", adas)
    assert [it.person for it in desk.store.audit.entries(9, record_id=bobs.id, action="add")] == ["bob"]


def test_unfinished_uploads_of_one_person_keep_no_other_from_sending(
    people: list[Uploads], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "MOST_UNFINISHED", 2)
    ada, bob = people
    for _ in range(2):
        begun(ada)
    with pytest.raises(TooManyUploads):
        begun(ada)
    begun(bob)


def test_who_does_not_see_the_calls_of_others_cannot_put_an_own_one_before_them(
    desk: Desk, people: list[Uploads]
) -> None:
    ada, _ = people
    assert sent(ada, priority="100").priority == 0
    assert sent(Uploads(desk, spare_bytes=0), content=WAV + b"\0", priority="100").priority == 100
