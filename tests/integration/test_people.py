"""People of a team's server: accounts, what ends with a change, sign-ins that are slowed, the audit log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from offhook.desk.authenticating import Attempt, sign_in
from offhook.desk.password import TooManyGuesses
from shared.settings import Settings
from shared.store.access import PASSWORD, SESSION, TOKEN
from shared.store.audit import Note
from shared.store.people import ADMIN, LEAD, MEMBER, PersonExists, PersonNotFound
from shared.store.sign_ins import Limit
from shared.store.store import Store
from shared.store.view import View

GUESSES = Limit("ada", free=3, most_seconds=60.0)
ADDRESS = Limit("192.0.2.1", free=10, most_seconds=60.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(settings: Settings, clock: Clock) -> Iterator[Store]:
    """A store whose time stands still, on SQLite and on PostgreSQL."""
    with Store.open(settings.database or settings.database_file, clock=clock) as store:
        yield store


def add(store: Store, owner: int | None = None) -> int:
    seen = store.seen_by(View(person_id=owner))
    return seen.records.add(source="added", title="a call", recording_path="/a.wav").id


def test_a_name_is_taken_once_whatever_its_case(store: Store) -> None:
    ada = store.people.add("Ada", ADMIN)
    assert (ada.name, ada.shown_name, store.people.get("ADA")) == ("ada", "Ada", ada)
    with pytest.raises(PersonExists):
        store.people.add("ADA", MEMBER)
    with pytest.raises(PersonNotFound):
        store.people.get("bob")


def test_the_number_of_a_removed_person_is_never_given_again(store: Store) -> None:
    first = store.people.add("ada", MEMBER)
    store.people.remove(first.id)
    assert store.people.add("ada", MEMBER).id != first.id


def test_a_member_sees_the_own_calls_and_others_see_all(store: Store) -> None:
    people = [store.people.add(role, role) for role in (MEMBER, LEAD, ADMIN)]
    assert [person.owner_id for person in people] == [people[0].id, None, None]
    assert [[person.is_at_least(role) for role in (MEMBER, LEAD, ADMIN)] for person in people] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_the_first_person_ends_what_was_open_without_a_name(store: Store) -> None:
    secrets = {kind: store.access.add(kind, "read") for kind in (SESSION, TOKEN)}
    store.access.keep_password("hash")
    secrets[SESSION] = store.access.add(SESSION, "read")
    store.people.add("ada", ADMIN)
    assert store.access.find(SESSION, secrets[SESSION]) is None
    assert store.access.password() is None
    assert store.access.find(TOKEN, secrets[TOKEN])  # a program's, made on the machine
    assert not store.access.every(PASSWORD)


@pytest.mark.parametrize("change", ["role", "password", "disable", "remove"])
def test_a_change_of_a_person_ends_the_sessions_of_that_person_alone(store: Store, change: str) -> None:
    ada, bob = store.people.add("ada", MEMBER), store.people.add("bob", MEMBER)
    mine, others = (store.access.add(SESSION, "read", person_id=it.id) for it in (ada, bob))
    token = store.access.add(TOKEN, "read", person_id=ada.id)
    {
        "role": lambda: store.people.set_role(ada.id, LEAD),
        "password": lambda: store.people.set_password(ada.id, "hash"),
        "disable": lambda: store.people.disable(ada.id),
        "remove": lambda: store.people.remove(ada.id),
    }[change]()
    assert store.access.find(SESSION, mine) is None
    assert store.access.find(SESSION, others)
    assert bool(store.access.find(TOKEN, token)) == (change != "remove")


def test_sessions_of_one_person_do_not_push_out_those_of_another(store: Store) -> None:
    ada, bob = store.people.add("ada", MEMBER), store.people.add("bob", MEMBER)
    first = store.access.add(SESSION, "read", person_id=ada.id)
    for _ in range(60):
        store.access.add(SESSION, "read", person_id=bob.id)
    assert store.access.find(SESSION, first)


def test_a_view_has_the_records_of_its_owner_alone(store: Store) -> None:
    ada, bob = store.people.add("ada", MEMBER), store.people.add("bob", MEMBER)
    one, other = add(store, ada.id), add(store, bob.id)
    seen = store.seen_by(View(owner_id=ada.id, person_id=ada.id))
    assert [it.id for it in seen.records.every()] == [one]
    assert seen.records.find(other) is None
    assert seen.records.counts()["queued"] == 1
    assert seen.listing.counts()["queued"] == 1
    assert [it.record_id for it in seen.changes.since(0, 9)] == [one]
    assert [it.id for it in store.records.every()] == [one, other]


def test_a_deletion_is_seen_by_the_owner_alone(store: Store) -> None:
    ada, bob = store.people.add("ada", MEMBER), store.people.add("bob", MEMBER)
    record_id = add(store, ada.id)
    store.records.delete(record_id)
    for person, expected in ((ada, [(record_id, True)]), (bob, [])):
        changes = store.seen_by(View(owner_id=person.id)).changes.since(0, 9)
        assert [(it.record_id, it.is_deleted) for it in changes] == expected


def test_guesses_cost_more_and_more_time(store: Store, clock: Clock) -> None:
    assert [store.sign_ins.charge([GUESSES]) for _ in range(4)] == [0.0] * 4
    assert store.sign_ins.charge([GUESSES]) == 1.0
    waits = []
    for _ in range(8):
        waits.append(store.sign_ins.charge([GUESSES]))
        clock.now += waits[-1]
        assert store.sign_ins.charge([GUESSES]) == 0.0
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_right_password_takes_its_attempt_back_and_no_other(store: Store) -> None:
    for _ in range(9):
        store.sign_ins.charge([ADDRESS])
    for _ in range(5):
        assert store.sign_ins.charge([GUESSES, ADDRESS]) == 0.0
        store.sign_ins.forgive([GUESSES, ADDRESS], forget=[GUESSES])
    assert [store.sign_ins.charge([ADDRESS]) for _ in range(3)] == [0.0, 0.0, 1.0]


def fail_after_adding(store: Store, view: View) -> None:
    with store.noting(view, Note("retry", 7)) as seen, seen.transaction():
        add(seen)
        _ = 1 / 0


def test_guesses_from_one_network_of_ipv6_are_slowed_together(store: Store) -> None:
    pytest.importorskip("argon2")

    def guess(address: str) -> None:
        assert sign_in(store, Attempt("ada", "a wrong password", address), 60.0) is None

    for number in range(6):
        guess(f"2001:db8::{number}")
    with pytest.raises(TooManyGuesses):
        guess("2001:db8::a:b:c:d")
    guess("2001:db8:0:1::1")


def test_a_change_and_its_note_are_stored_together_or_not_at_all(store: Store) -> None:
    ada = store.people.add("ada", MEMBER)
    view = View(person_id=ada.id, person="ada", address="192.0.2.1")
    with pytest.raises(ZeroDivisionError):
        fail_after_adding(store, view)
    assert (store.audit.entries(9), store.records.counts()["queued"]) == ([], 0)

    with store.noting(view, Note("retry", 7)) as seen:
        with seen.transaction(), seen.transaction():
            add(seen)
        seen.records.add(source="added", title="another", recording_path="/b.wav")
    (entry,) = store.audit.entries(9)
    assert (entry.action, entry.record_id, entry.person, entry.address) == ("retry", 7, "ada", "192.0.2.1")


def test_what_needs_no_transaction_is_noted_too(store: Store) -> None:
    with store.noting(View(person="ada"), Note("pause")) as seen:
        seen.records.counts()
    assert [it.action for it in store.audit.entries(9)] == ["pause"]


def test_the_log_is_read_page_by_page_and_narrowed(store: Store, clock: Clock) -> None:
    for number in range(5):
        store.audit.note(View(person="ada" if number % 2 else "bob"), [Note("read", number)])
        clock.now += 1
    pages = store.audit.entries(2)
    assert [it.record_id for it in pages] == [4, 3]
    assert [it.record_id for it in store.audit.entries(2, before_id=pages[-1].id)] == [2, 1]
    assert [it.record_id for it in store.audit.entries(9, person="ada")] == [3, 1]
    assert [it.record_id for it in store.audit.entries(9, record_id=2)] == [2]
    assert [it.record_id for it in store.audit.entries(9, since=clock.now - 2)] == [4, 3]
